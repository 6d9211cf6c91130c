"""Measures everything and writes the table into the README; takes some minutes.

python -m tests.benchmarks
"""

# ruff: noqa: T201 - what it prints is what it is for

import re
from pathlib import Path

from tests.benchmarks import calls, checks, definitions, jobs, long_lists, starting
from tests.benchmarks.measuring import HEADER, as_row, made_on

README = Path(__file__).parents[2] / "README.md"
TABLE = re.compile(r"(?<=<!-- speed: made by python -m tests\.benchmarks -->\n).*?(?=<!-- end of speed -->)", re.DOTALL)


def main() -> None:
    lines = [HEADER]
    for benchmark in (checks, long_lists, starting, calls, jobs, definitions):
        for row in benchmark.rows():
            lines.append(as_row(row))
            print(lines[-1], flush=True)
    table = "\n".join([*lines, "", f"Measured on {made_on()}.", ""])
    README.write_text(TABLE.sub(lambda _: table, README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
