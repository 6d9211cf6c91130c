"""The whole job, from a file to a verified audience of 10,000, beside the vendor's SDK making one of a ready list.

python -m tests.benchmarks.jobs [rounds]

The SDK is installed into an environment of its own, which goes again.
"""

import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from tests.benchmarks.far_sandbox import organisation
from tests.benchmarks.lists import as_csv, written
from tests.benchmarks.measuring import Ratio, Row, Skipped, in_turn, show
from tests.conftest import Organisation
from tests.processes import Server

PEOPLE, ROUNDS = 10_000, 7
SDK = "smallestai>=5,<6"
_WHAT = f"file to verified audience of {PEOPLE:,}"
_VERSION = "from importlib.metadata import version; print(version('smallestai'))"


def rows(rounds: int = ROUNDS) -> Iterator[Row]:
    try:
        with _vendor() as python, organisation() as atoms:
            told = subprocess.run([python, "-c", _VERSION], capture_output=True, text=True, check=True)
            pairs = [_pair(python, atoms, seed) for seed in in_turn(rounds)]
    except subprocess.CalledProcessError as error:
        yield Skipped(_WHAT, f"the vendor's SDK ({SDK}) could not be installed or run: {error.cmd[-1]}")
        return
    mine, theirs = zip(*pairs, strict=True)
    beside = f"`smallestai` {told.stdout.strip()} creating it from a ready list, which it does not check"
    yield Ratio(_WHAT, mine, beside, theirs, aim=2.0)


@contextmanager
def _vendor() -> Iterator[str]:
    """Yield a Python that has the vendor's SDK."""
    with TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "Scripts/python.exe" if sys.platform == "win32" else "bin/python"))
        subprocess.run([python, "-m", "pip", "install", "--quiet", SDK], capture_output=True, check=True)
        yield python


def _pair(python: str, atoms: Organisation, seed: int) -> tuple[float, float]:
    cells = written("+", PEOPLE, seed)
    return _ours(atoms, cells, f"Ours {seed}"), _theirs(python, atoms, cells, f"Theirs {seed}")


def _ours(atoms: Organisation, cells: Sequence[str], name: str) -> float:
    """Return the milliseconds that a new server takes to check a file and to make its audience."""
    with TemporaryDirectory() as folder:
        Path(folder, "list.csv").write_text(as_csv(cells), encoding="utf-8")
        with Server(
            "--folder", folder, SMALLEST_API_KEY=atoms.key, ATOMS_API_URL=atoms.url, XDG_STATE_HOME=folder
        ) as server:
            start = perf_counter()
            report = server.do("check_contacts", file_path="list.csv")
            made = server.do("create_audience", name=name, check_id=report["check_id"])
            taken = perf_counter() - start
    assert made["verified"], made["warnings"]
    assert made["audiences"][0]["member_count"] == len(cells)
    return 1000 * taken


def _theirs(python: str, atoms: Organisation, cells: Sequence[str], name: str) -> float:
    command = [python, str(Path(__file__).with_name("vendor_create.py")), atoms.url, atoms.key, name]
    done = subprocess.run(command, input="\n".join(cells), capture_output=True, text=True, check=True)
    return 1000 * float(done.stdout)


if __name__ == "__main__":
    show(rows(*map(int, sys.argv[1:])))
