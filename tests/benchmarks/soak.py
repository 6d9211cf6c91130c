"""A soak: thousands of mixed calls, several in flight at once, over a network that fails. Run by hand:

python -m tests.benchmarks.soak [calls] [seed] [--restarts]

At the end the sandbox must hold exactly what was reported. `tests/tools/test_soak.py` is a short run of the same.
"""

# ruff: noqa: T201 - what it prints is what it is for

import logging
import os
import sys
from collections import Counter
from tempfile import TemporaryDirectory
from uuid import uuid4

import anyio
import stamina

from audiences_mcp import committing
from audiences_mcp.atoms.sandbox import serve
from audiences_mcp.config import Settings
from tests.conftest import Organisation
from tests.soaking.driver import Soak

CALLS = 10_000


def main(calls: int, seed: int, *, restarts: bool) -> int:
    logging.disable()
    committing.Committer.look_up_pauses = (0.0, 0.01)  # the sandbox is quick
    committing.READ_BACK_SECONDS = 0.5
    with TemporaryDirectory() as state, serve() as url, stamina.set_testing(testing=True, attempts=2, cap=True):
        os.environ["XDG_STATE_HOME"] = state  # what the server notes of its own is of this run alone
        organisation = Organisation(url, f"sk_{uuid4().hex}")
        soak = Soak(Settings(api_key=organisation.key, api_url=url), organisation, seed, restarts=restarts)
        anyio.run(soak.run, calls)
        differences = soak.world.differences(organisation)
    figures = soak.caller.figures
    kept = soak.world.audiences.values()
    print(f"seed {seed}: {figures.calls.total():,} calls in {figures.seconds:.0f} s, {figures.restarts} restarts")
    for what, counted in (("calls", figures.calls), ("faults", figures.faults), ("unknown outcomes", figures.unknown)):
        print(f"{what}: {listed(counted)}")
    print(f"audiences reported: {len(kept)}, of which deleted: {sum(each.gone for each in kept)}")
    print("\n".join(differences) or "The sandbox holds exactly what was reported.")
    return 1 if differences else 0


def listed(counted: Counter[str]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in counted.most_common()) or "none"


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:] if text.isdecimal()]
    given = dict(zip(("calls", "seed"), numbers, strict=False))
    sys.exit(main(given.get("calls", CALLS), given.get("seed", 1), restarts="--restarts" in sys.argv))
