"""Every file of tests/files, as people have them, is reported as reviewed: adding a case is adding two files.

Beside `NAME.EXT` stands `NAME.EXT.json`: a list of cases, each with the arguments of a check and what it answers. To add
one write `[{"with": {}}]` there and run the tests with UPDATE_SNAPSHOTS=1; then review what was written.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from audiences_mcp.config import Settings
from audiences_mcp.server import build_server
from tests.conftest import Agent

FILES = Path(__file__).parent / "files"
CASES = sorted(path for path in FILES.rglob("*") if path.suffix == ".json")


def _cases() -> Iterator[Any]:
    for path in CASES:
        for number, case in enumerate(json.loads(path.read_text(encoding="utf-8"))):
            yield pytest.param(path, number, case["with"], id=f"{path.relative_to(FILES)}-{number}")


@pytest.mark.parametrize(("path", "number", "arguments"), [*_cases()])
@pytest.mark.anyio
async def test_a_file_is_reported_as_reviewed(
    path: Path, number: int, arguments: dict[str, Any], settings: Settings
) -> None:
    async with Client(build_server(replace(settings, folders=(FILES,)))) as client:
        answer = await Agent(client)("check_contacts", file_path=str(path.with_suffix("")), **arguments)
    told = {"error": answer.text.replace(str(FILES), "<files>")} if answer.is_error else _steady(answer.data)

    assert _reviewed(path, number, told) == told, "it has changed: review it, then set UPDATE_SNAPSHOTS=1"


def _reviewed(path: Path, number: int, told: dict[str, Any]) -> dict[str, Any]:
    """Return what a case was reviewed to answer; UPDATE_SNAPSHOTS=1 writes what it answers now."""
    cases = json.loads(path.read_text(encoding="utf-8"))
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        cases[number] = {"with": cases[number]["with"], **told}
        path.write_text(json.dumps(cases, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return {name: value for name, value in cases[number].items() if name != "with"}


def _steady(report: dict[str, Any]) -> dict[str, Any]:
    """Return a report without what differs from run to run: the key and the time of day."""
    counts = report["counts"]
    assert counts["rows"] == sum(count for name, count in counts.items() if name != "rows")
    kept = {name: value for name, value in report.items() if name not in {"check_id", "calling_hours_now"}}
    return json.loads(re.sub(r"\b[0-9a-f]{32}\b", "<check_id>", json.dumps(kept)))  # type: ignore[no-any-return]


def test_every_file_has_its_cases_beside_it() -> None:
    files = {path for path in FILES.rglob("*") if path.is_file() and path.suffix != ".json"}

    assert len(files) >= 60
    assert files == {path.with_suffix("") for path in CASES}
