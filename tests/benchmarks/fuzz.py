"""Fuzzing of everything that comes from outside: files, phone cells, arguments. Run by hand for as long as wanted:

python -m tests.benchmarks.fuzz [seconds]

Each target has its share of the seconds (of the processor), in a process of its own whose memory is limited, so that one
that is ended by the system is seen too. A failure is made as small as can be and printed, and the input that ended a
process is kept; the run goes on with other inputs. `tests/test_fuzzing.py` is a short run of the same.
"""

# ruff: noqa: T201 - what it prints is what it is for

import json
import logging
import os
import pickle
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from secrets import randbits
from tempfile import gettempdir
from time import monotonic, process_time
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzzing import arguments, files, numbers
from tests.processes import unmeasured

SECONDS = 900
MEMORY = 3 << 30
"""Bytes that a target may have in all; most of it is address space that nothing stands in."""

_BATCH = 200  # inputs of one seed; those that are left when the time is over are made in vain
_SHOWN = 6_000  # characters of a failure
_ROOT = Path(__file__).parents[2]
_SETTINGS = settings(
    max_examples=_BATCH,
    database=None,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)

Law = Callable[[Any], None]


@dataclass
class Figures:
    """What came of a target."""

    target: str
    inputs: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)


@contextmanager
def target(name: str) -> Iterator[tuple[st.SearchStrategy[Any], Law]]:
    """Return the inputs of a target and the law that holds for each."""
    match name:
        case "text files":
            yield files.texts, files.law_of_files
        case "dialects":
            yield files.written_texts(), files.law_of_written_texts
        case "workbooks":
            yield files.workbooks(), files.law_of_files
        case "phone cells":
            yield numbers.single_cells, numbers.law_of_single_cells
        case "phone lists":
            yield numbers.lists, numbers.law_of_lists
        case _:
            with arguments.session() as session:
                yield arguments.calls, session.law_of_calls


TARGETS = ("text files", "dialects", "workbooks", "phone cells", "phone lists", "tool arguments")


def run(name: str, seconds: float, first_seed: int) -> Figures:
    """Fuzz one target in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.fuzz", name, str(seconds), str(first_seed)]
    start = monotonic()
    variables = unmeasured(os.environ)
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, env=variables)
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        told = f"The process ended with {done.returncode}; its last input is in {_last(name)}. {done.stderr[-2_000:]}"
        return Figures(name, 0, monotonic() - start, [told])
    return Figures(**json.loads(lines[-1]))


def fuzz(name: str, seconds: float, first_seed: int) -> Figures:
    """Fuzz one target in this process: some inputs from each of many seeds."""
    logging.disable()
    figures, start = Figures(name), process_time()
    with target(name) as (inputs, law):
        for number in count(first_seed):

            @_SETTINGS
            @seed(number)
            @given(inputs)
            def probe(given_input: Any) -> None:
                if process_time() - start < seconds:
                    figures.inputs += 1
                    _last(name).write_bytes(pickle.dumps(given_input))
                    law(given_input)

            try:
                probe()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
                figures.failures.append(_kept(name, len(figures.failures), error))
            if process_time() - start >= seconds:
                break
    figures.seconds = process_time() - start
    return figures


def _kept(name: str, number: int, error: Exception) -> str:
    """Keep the input of a failure, which by now is as small as can be, and tell what happened."""
    path = _last(name).with_suffix(f".{number}.pickle")
    shutil.copy(_last(name), path)
    text = "".join(traceback.format_exception(error, limit=-4))
    return f"{path}: {text if len(text) < _SHOWN else f'{text[: _SHOWN // 2]} … {text[-_SHOWN // 2 :]}'}"


def _last(name: str) -> Path:
    """Return where the input at hand is kept, in case that it ends the process."""
    return Path(gettempdir()) / f"fuzz-{name.replace(' ', '-')}.pickle"


def limit_memory() -> None:
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - where there is one

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def main(seconds: float) -> None:
    print(f"{'target':16}{'inputs':>12}{'seconds':>10}{'failures':>10}")
    for name in TARGETS:
        figures = run(name, seconds / len(TARGETS), randbits(64))
        print(f"{name:16}{figures.inputs:>12,}{figures.seconds:>10.0f}{len(figures.failures):>10}", flush=True)
        for failure in dict.fromkeys(figures.failures):
            print(failure)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        limit_memory()
        print(json.dumps(vars(fuzz(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))))
    else:
        main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
