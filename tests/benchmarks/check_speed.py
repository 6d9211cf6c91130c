"""How long a check takes, next to a plain loop over `phonenumbers`, and how much memory it needs. Run by hand:

python tests/benchmarks/check_speed.py [rounds]

Every measurement is a process of its own, so that nothing is cached from the one before; imports are not counted, but
what either side loads while it works (metadata, expressions) is. Plain loop and check take turns: compare the ratios,
since the seconds are those of the machine and of whatever else it does.
"""

# ruff: noqa: T201 - what it prints is what it is for

import random
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from time import perf_counter

import phonenumbers  # noqa: TID251 - what the check is compared with
from phonenumbers import PhoneNumberFormat, PhoneNumberType  # noqa: TID251

from audiences_mcp.contacts import report
from audiences_mcp.contacts.cautions import country_warnings, objections, variable_warnings
from audiences_mcp.contacts.check import Check, KnownLists, Options, check_table
from audiences_mcp.contacts.sources import File, table_from_file
from audiences_mcp.contacts.tables import Table

ROWS, MEMORY_ROWS, ROUNDS = 10_000, 100_000, 7
COUNTRIES = ("US", "GB", "IN", "DE", "FR", "BR", "NG", "MX", "PH", "AU", "ZA", "ES")
# Kind of list: what stands before the country code, or before the national number of the region.
ABROAD = {"plus": "+", "00": "00", "bare": ""}
NATIONAL = ("GB", "DE", "IN")
KINDS = (*ABROAD, *NATIONAL)


def numbers(regions: tuple[str, ...], seed: int) -> Iterator[tuple[str, str]]:
    """Yield country code and national number of made-up valid lines, no two alike."""
    rng = random.Random(seed)
    seen: set[tuple[str, str]] = set()
    for index in count():
        region = regions[index % len(regions)]
        kind = rng.choice((PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE))
        example = phonenumbers.example_number_for_type(region, kind)
        if example is None:
            continue
        national = phonenumbers.national_significant_number(example)
        national = national[:3] + "".join(rng.choice("0123456789") for _ in national[3:])
        found = (str(example.country_code), national)
        if found not in seen and phonenumbers.is_valid_number(phonenumbers.parse(f"+{found[0]}{national}")):
            seen.add(found)
            yield found


def make(kind: str, rows: int, seed: int) -> str:
    """Return the phone cells of a list, one a line."""
    found = zip(numbers((kind,) if kind in NATIONAL else COUNTRIES, seed), range(rows), strict=False)
    if kind in NATIONAL:
        return "\n".join(f"0{national}" for (_, national), _ in found)
    return "\n".join(f"{ABROAD[kind]}{code}{national}" for (code, national), _ in found)


def plain_loop(kind: str, cells: list[str]) -> int:
    region = kind if kind in NATIONAL else None
    valid = 0
    for cell in cells:
        number = phonenumbers.parse(cell, region)
        valid += phonenumbers.is_valid_number(number)
        phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return valid


def whole_check(kind: str, text: str) -> int:
    """Do all that `check_contacts` does with a file, and return how many rows are ready."""
    options = Options(default_region=kind if kind in NATIONAL else None)
    table = table_from_file(File(".csv", text.encode()))
    check = check_table(table, options, KnownLists())
    told(table, check, options)
    return report.counts_of(check.rows).ready


def told(table: Table, check: Check, options: Options) -> tuple[object, ...]:
    counts = report.counts_of(check.rows)
    return (
        objections(table, check),
        country_warnings(table, check, options),
        variable_warnings(check),
        report.by_reason(check.rows),
        report.figures(check.rows),
        report.summary(counts),
        report.problems(check.rows, 20),
        report.sample(check),
        report.columns(check),
        report.warnings(check),
        report.needs_country(check.rows),
    )


def measure(what: str, kind: str, cells: list[str]) -> None:
    """Do one measurement and print it; this is the process of its own."""
    plain = [f"+{cell.removeprefix(ABROAD[kind])}" for cell in cells] if kind in ABROAD else cells
    text = "phone,first_name\n" + "".join(f"{cell},Person {number}\n" for number, cell in enumerate(cells))
    work: Callable[[], int] = (lambda: plain_loop(kind, plain)) if what == "plain" else lambda: whole_check(kind, text)
    idle = memory("VmRSS")
    start = perf_counter()
    ready = work()
    print(perf_counter() - start, ready, (memory("VmHWM") - idle) / 1024)


def memory(key: str) -> int:
    """Return kilobytes of this process; Linux only, since `ru_maxrss` there is that of the parent at first."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith(key)), 0)


def run(what: str, kind: str, cells: str) -> tuple[float, int, float]:
    command = [sys.executable, __file__, what, kind]
    done = subprocess.run(command, input=cells, capture_output=True, text=True, check=True)
    seconds, ready, megabytes = done.stdout.split()
    return float(seconds), int(ready), float(megabytes)


def main(rounds: int) -> None:
    print(f"{ROWS:,} rows, {rounds} rounds; milliseconds: median (least-most)")
    for kind in KINDS:
        plain, check, ready = [], [], 0
        for seed in range(rounds):
            cells = make(kind, ROWS, seed)
            plain.append(run("plain", kind, cells)[0])
            seconds, ready, _ = run("check", kind, cells)
            check.append(seconds)
        ratios = [mine / theirs for mine, theirs in zip(check, plain, strict=True)]
        print(
            f"{kind:5} plain {spread(plain)}  check {spread(check)}  "
            f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})  ready {ready:,}",
            flush=True,
        )
    for kind in ("plus", "GB"):
        seconds, ready, megabytes = run("check", kind, make(kind, MEMORY_ROWS, 0))
        print(f"{kind:5} {MEMORY_ROWS:,} rows: {megabytes:.0f} MB at most over idle, {seconds:.1f} s, ready {ready:,}")


def spread(seconds: list[float]) -> str:
    low, middle, high = (1000 * figure(seconds) for figure in (min, statistics.median, max))
    return f"{middle:4.0f} ({low:.0f}-{high:.0f})"


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(sys.argv[1], sys.argv[2], sys.stdin.read().split("\n"))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
