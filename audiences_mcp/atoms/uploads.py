"""What one request may carry: people as the CSV that Atoms takes, in runs that are short enough."""

import csv
import io
from collections.abc import Sequence

from audiences_mcp.models import Person

UPLOAD_BYTES = 4_900_000
"""How long a CSV may be; the API takes 5 MB."""

ADDED_AT_ONCE = 1_000
"""How many people are added with one request."""


def to_csv(columns: Sequence[str], people: Sequence[Person]) -> bytes:
    """Return people as the CSV file that the API takes: UTF-8, a header row, cells quoted where they need it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows((person.number, *person.fields) for person in people)
    return text.getvalue().encode()


def chunks(columns: Sequence[str], people: Sequence[Person], most: int | None = None) -> list[Sequence[Person]]:
    """Return people in runs that each fit into one upload, in their order.

    Args:
        columns: Column names, the phone column first.
        people: Who is sent.
        most: How many may be in a run; None for as many as the size allows.
    """
    step = most or max(len(people), 1)
    runs = [people[start : start + step] for start in range(0, len(people), step)]
    return [part for run in runs for part in _fitting(columns, run)]


def _fitting(columns: Sequence[str], people: Sequence[Person]) -> list[Sequence[Person]]:
    """Halve a run until each part fits: sizes are uneven, and nearly every run fits whole."""
    if len(people) == 1 or len(to_csv(columns, people)) <= UPLOAD_BYTES:
        return [people]
    middle = len(people) // 2
    return _fitting(columns, people[:middle]) + _fitting(columns, people[middle:])
