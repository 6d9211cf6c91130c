"""The README's tool table and the bundle's manifest are made from the code; UPDATE_SNAPSHOTS=1 writes them anew."""

import json
import os
import re
from pathlib import Path
from typing import Any

import audiences_mcp
from audiences_mcp.tools import build_tools

ROOT = Path(__file__).parents[1]
README, MANIFEST = ROOT / "README.md", ROOT / "manifest.json"
TABLE = re.compile(r"(?<=<!-- tools: made by tests/test_generated.py -->\n).*?(?=<!-- end of tools -->)", re.DOTALL)


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?]) ", text, maxsplit=1)[0]


def _table() -> str:
    rows = ["| tool | what it does | changes anything |", "| --- | --- | --- |"]
    for tool in build_tools(read_only=False):
        assert tool.annotations is not None
        changes = "no" if tool.annotations.read_only_hint else "deletes" if tool.annotations.destructive_hint else "yes"
        rows.append(f"| `{tool.name}` | {_first_sentence(tool.description)} | {changes} |")
    return "\n".join(rows) + "\n"


def _manifest(current: dict[str, Any]) -> dict[str, Any]:
    tools = [
        {"name": tool.name, "description": _first_sentence(tool.description)} for tool in build_tools(read_only=False)
    ]
    return {**current, "version": audiences_mcp.__version__, "tools": tools}


def _compare(path: Path, expected: str) -> None:
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(expected, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == expected


def test_the_readme_lists_the_tools_as_the_code_defines_them() -> None:
    text = README.read_text(encoding="utf-8")
    assert TABLE.search(text)
    _compare(README, TABLE.sub(lambda _: _table(), text))


def test_the_manifest_has_the_tools_and_the_version_of_the_code() -> None:
    current = json.loads(MANIFEST.read_text(encoding="utf-8"))
    _compare(MANIFEST, json.dumps(_manifest(current), indent=2, ensure_ascii=False) + "\n")


def test_the_manifest_keeps_the_key_secret_and_starts_a_file_that_exists() -> None:
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    assert (manifest["manifest_version"], manifest["server"]["type"]) == ("0.4", "uv")
    assert manifest["user_config"]["api_key"]["sensitive"] is True
    assert (ROOT / manifest["server"]["entry_point"]).is_file()


def test_the_changelog_tells_of_this_version() -> None:
    assert f"## {audiences_mcp.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
