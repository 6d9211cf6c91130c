"""Parts of the README and of the bundle's manifest are made from the code; UPDATE_SNAPSHOTS=1 writes them anew."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import audiences_mcp
from audiences_mcp.clients import KEY_VARIABLE, PLACEHOLDER, Configuration, Start, configurations
from audiences_mcp.tools import build_tools

ROOT = Path(__file__).parents[1]
README, MANIFEST = ROOT / "README.md", ROOT / "manifest.json"
START = Start(
    "/path/to/audiences-mcp/.venv/bin/audiences-mcp", ["--folder", "/path/to/lists"], {KEY_VARIABLE: PLACEHOLDER}
)


def _part(name: str) -> re.Pattern[str]:
    begins, ends = f"<!-- {name}: made by tests/test_generated.py -->\n", f"<!-- end of {name} -->"
    return re.compile(f"(?<={begins}).*?(?={ends})", re.DOTALL)


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.!?]) ", text, maxsplit=1)[0]


def _table() -> str:
    rows = ["| tool | what it does | changes anything |", "| --- | --- | --- |"]
    for tool in build_tools(read_only=False):
        assert tool.annotations is not None
        changes = "no" if tool.annotations.read_only_hint else "deletes" if tool.annotations.destructive_hint else "yes"
        rows.append(f"| `{tool.name}` | {_first_sentence(tool.description)} | {changes} |")
    return "\n".join(rows) + "\n"


def _clients() -> str:
    return "\n".join(map(_client, configurations(START)))


def _client(configuration: Configuration) -> str:
    places = "\n".join(f"- **{name}**: {place}" for name, place in configuration.places.items())
    return f"{places}\n\n```{configuration.language}\n{configuration.text}\n```\n"


def _manifest(current: dict[str, Any]) -> dict[str, Any]:
    tools = [
        {"name": tool.name, "description": _first_sentence(tool.description)} for tool in build_tools(read_only=False)
    ]
    return {**current, "version": audiences_mcp.__version__, "tools": tools}


def _compare(path: Path, expected: str) -> None:
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(expected, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == expected


@pytest.mark.parametrize(("name", "made"), [("tools", _table), ("clients", _clients)])
def test_the_readme_has_the_tools_and_the_configurations_of_clients_as_the_code_has_them(
    name: str, made: Callable[[], str]
) -> None:
    text = README.read_text(encoding="utf-8")
    assert _part(name).search(text)
    _compare(README, _part(name).sub(lambda _: made(), text))


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


def test_the_map_of_the_code_names_every_module() -> None:
    package, text = ROOT / "audiences_mcp", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    modules = [path for path in package.rglob("*.py") if path.stem != "__init__" and "sandbox" not in path.parts]

    assert len(modules) > 50
    assert not [module.name for module in modules if not re.search(rf"[`/]{module.stem}(?:\.py)?`", text)]
