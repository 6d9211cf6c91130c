"""The desktop bundle: what it holds, and the server started from it as Claude Desktop starts it."""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

import audiences_mcp
from audiences_mcp.tools import build_tools
from tests.conftest import Organisation
from tests.processes import environment

ROOT = Path(__file__).parents[1]
MANIFEST: dict[str, Any] = json.loads((ROOT / "manifest.json").read_text(encoding="utf-8"))
WHOLE_VARIABLE = re.compile(r"\$\{user_config\.([^}]+)\}")
MARK = "+bundle"  # on the version, to tell the unpacked package from the one that is being worked on
LIST = "name,phone\nAnn,020 7946 0958\nBen,07400 123456\n"

# uv is not on every machine. This reads its command as uv does, and lends it the interpreter that runs the tests.
UV = """\
#!{python}
import importlib, os, sys, tomllib
run, flag, directory, script, *arguments = sys.argv[1:]
assert (run, flag) == ("run", "--directory"), sys.argv
os.chdir(directory)
with open("pyproject.toml", "rb") as project:
    module, function = tomllib.load(project)["project"]["scripts"][script].split(":")
sys.path.insert(0, directory)
sys.argv = [script, *arguments]
sys.exit(getattr(importlib.import_module(module), function)())
"""

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for uv is a script of POSIX"),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The files that go into the bundle: those that mcpb packs, or those that git would not ignore by .mcpbignore."""
    scratch = tmp_path_factory.mktemp("packed")
    if shutil.which("mcpb"):
        bundle = scratch / "out.mcpb"
        subprocess.run(["mcpb", "pack", str(ROOT), str(bundle)], check=True, capture_output=True)
        return zipfile.ZipFile(bundle).namelist()
    subprocess.run(["git", "init", "--quiet", str(scratch)], check=True)
    git = ["git", f"--git-dir={scratch}/.git", f"--work-tree={ROOT}"]
    left = [*git, "ls-files", "--others", "-z", f"--exclude-from={ROOT}/.mcpbignore"]
    listed = subprocess.run(left, cwd=ROOT, check=True, capture_output=True, encoding="utf-8").stdout
    return listed.strip("\0").split("\0")


@pytest.fixture(scope="module")
def unpacked(files: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("un packed")
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    start = folder / "audiences_mcp/__init__.py"
    version = audiences_mcp.__version__
    start.write_text(start.read_text(encoding="utf-8").replace(version, version + MARK), encoding="utf-8")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("Downloads", "Client lists"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name.split()[0].lower()}.csv").write_text(LIST, encoding="utf-8")
    if shutil.which("uv") is None:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin/uv").write_text(UV.format(python=sys.executable), encoding="utf-8")
        (tmp_path / "bin/uv").chmod(0o755)
    return tmp_path


def _substituted(text: str, values: Mapping[str, Any]) -> list[str]:
    """What an argument becomes: mcpb replaces once, in this order, and puts a list where its variable stands alone."""
    whole = WHOLE_VARIABLE.fullmatch(text)
    if whole and whole[1] in values:
        value = values[whole[1]]
        return [str(each) for each in value] if isinstance(value, list) else [_text(value)]
    return [text]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def launched(bundle: Path, home: Path, values: Mapping[str, Any], **surroundings: str) -> StdioServerParameters:
    """The process that Claude Desktop starts for what a person set in its form."""
    config = MANIFEST["server"]["mcp_config"]
    arguments = [argument.replace("${__dirname}", str(bundle)) for argument in config["args"]]
    path = os.pathsep.join([str(home / "bin"), os.environ["PATH"]])
    return StdioServerParameters(
        command=config["command"],
        args=[each for argument in arguments for each in _substituted(argument, values)],
        env=environment(HOME=str(home), PATH=path, **surroundings)
        | {name: "".join(_substituted(text, values)) for name, text in config["env"].items()},
    )


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return dict(result.structured_content)


def test_the_bundle_holds_the_package_and_what_its_build_needs_and_nothing_else(files: list[str]) -> None:
    kinds = ("*.py", "page/*.html", "page/*.css", "page/*.js")
    paths = [path for kind in kinds for path in (ROOT / "audiences_mcp").rglob(kind)]
    package = {path.relative_to(ROOT).as_posix() for path in paths}
    beside = {"manifest.json", "icon.png", "pyproject.toml", "README.md", "LICENSE", "audiences_mcp/py.typed"}
    assert set(files) == package | beside
    assert sum((ROOT / name).stat().st_size for name in files) < 1_000_000


def test_the_icon_is_a_png_of_512_pixels() -> None:
    content = (ROOT / MANIFEST["icon"]).read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) == (512, 512)


def test_everything_that_the_form_asks_for_reaches_the_server_and_nothing_is_required() -> None:
    config = MANIFEST["server"]["mcp_config"]
    used = WHOLE_VARIABLE.findall(" ".join([*config["args"], *config["env"].values()]))
    assert sorted(used) == sorted(MANIFEST["user_config"])
    assert not any(option["required"] for option in MANIFEST["user_config"].values())
    assert [name for name, option in MANIFEST["user_config"].items() if option.get("sensitive")] == ["api_key"]


async def test_with_nothing_set_the_server_starts_with_all_tools_and_reads_no_files(unpacked: Path, home: Path) -> None:
    async with Client(launched(unpacked, home, {})) as client:
        assert client.server_info is not None
        assert client.server_info.version == audiences_mcp.__version__ + MARK
        listed = [tool.name for tool in (await client.list_tools()).tools]
        report = await call(client, "check_contacts", csv_text="phone\n+442079460958\n")
        refused = await client.call_tool("check_contacts", {"file_path": "downloads.csv"})

    assert listed == [tool["name"] for tool in MANIFEST["tools"]]
    assert report["counts"]["ready"] == 1
    assert refused.is_error
    assert "This server may not read files yet." in str(refused.content)


async def test_with_the_form_as_it_is_first_shown_lists_are_read_out_of_the_downloads(
    unpacked: Path, home: Path
) -> None:
    defaults = {name: option["default"] for name, option in MANIFEST["user_config"].items() if "default" in option}

    async with Client(launched(unpacked, home, defaults)) as client:
        report = await call(client, "check_contacts", file_path="downloads.csv", default_region="GB")

    assert report["counts"]["ready"] == 2


async def test_with_everything_set_all_of_it_holds(unpacked: Path, home: Path, organisation: Organisation) -> None:
    organisation.audience("Stored", "phoneNumber\n+442079460958\n")
    (home / "never.txt").write_text("+447400123456\n", encoding="utf-8")
    chosen = {
        "api_key": organisation.key,
        "folders": [str(home / "Downloads"), str(home / "Client lists")],
        "default_region": "GB",
        "suppression_file": str(home / "never.txt"),
        "read_only": True,
        "mask_numbers": True,
    }

    async with Client(launched(unpacked, home, chosen, ATOMS_API_URL=organisation.url)) as client:
        listed = [tool.name for tool in (await client.list_tools()).tools]
        reports = [await call(client, "check_contacts", file_path=name) for name in ("downloads.csv", "client.csv")]
        stored = await call(client, "list_audiences")

    assert listed == [tool.name for tool in build_tools(read_only=True)]
    for report in reports:
        assert (report["counts"]["ready"], report["counts"]["suppressed"]) == (1, 1)
        assert report["default_region"] == {"region": "GB", "source": "setting"}
    assert [audience["name"] for audience in stored["audiences"]] == ["Stored"]


async def test_with_all_folders_taken_away_the_server_still_starts(unpacked: Path, home: Path) -> None:
    async with Client(launched(unpacked, home, {"folders": []})) as client:
        assert (await client.list_tools()).tools
