"""Cells that a spreadsheet would run are written with an apostrophe, and every cell comes back as it was."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiences_mcp.contacts.guarding import guarded, unguarded, write_rows

cells = st.text(st.sampled_from("'=+-@ \t\n,\"a1é") | st.characters(codec="utf-8"), max_size=12)


@given(cells)
def test_every_cell_comes_back(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell


@given(cells)
def test_what_is_written_is_no_formula(cell: str) -> None:
    assert not guarded(cell).strip().startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("cell", ["", "Ann", "O'Hara", "'tis", "1+1", "a=b", "' Ann"])
def test_what_no_spreadsheet_runs_stays_as_it_is(cell: str) -> None:
    assert guarded(cell) == unguarded(cell) == cell


def test_a_table_is_written_as_csv_with_guarded_headers_too() -> None:
    stream = io.StringIO(newline="")
    write_rows(stream, ["=name", "phone"], [("Roe, Ann\nX", "+1"), ("", "")])

    assert list(csv.reader(io.StringIO(stream.getvalue(), newline=""))) == [
        ["'=name", "phone"],
        ["Roe, Ann\nX", "'+1"],
        ["", ""],
    ]
