"""Whatever comes in, however large, deep or packed, costs little memory and time and is refused in plain words."""

import gzip
import importlib
import io
import itertools
import json
import pkgutil
import re
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]

import audiences_mcp
from audiences_mcp.tools import build_tools
from tests.conftest import Agent

MOST_MEMORY = 1_200_000_000  # bytes of address space that a child may have
MOST_GROWTH = 450  # MB that reading may take besides the program itself
ID = "a" * 24


# --- in a child process with little memory -------------------------------------------------------------------------

LIMITED = f"""
import resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, ({MOST_MEMORY}, {MOST_MEMORY}))
def used(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
"""


def in_child(code: str, *arguments: str) -> list[str]:
    """Run code in a process that ends when it asks for much memory, and return the lines that it prints."""
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED + code, *arguments], capture_output=True, text=True, timeout=240, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2_000:]
    return ended.stdout.splitlines()


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited and measured as Linux does it")


# --- answers of Atoms ----------------------------------------------------------------------------------------------


def packed(pieces: Iterator[bytes], bits: int) -> bytes:
    packer = zlib.compressobj(1, wbits=bits)
    return b"".join([*map(packer.compress, pieces), packer.flush()])


def spaces(megabytes: int) -> Iterator[bytes]:
    yield b'{"status": true, "data": ['
    yield from itertools.repeat(b" " * 1_000_000, megabytes)
    yield b"]}"


MEMBER = json.dumps({"_id": ID, "data": {"phoneNumber": "+14155552671", "notes": "x" * 400}}).encode() + b","
ANSWERS: dict[str, Callable[[], tuple[str, bytes]]] = {
    "a page of 50 MB": lambda: ("", b'{"status": true, "data": {"members": [' + MEMBER * (50_000_000 // len(MEMBER))),
    "gzip of 500 MB": lambda: ("gzip", packed(spaces(500), 31)),
    "gzip in gzip": lambda: ("gzip, gzip", gzip.compress(packed(spaces(1_500), 31))),
    "deflate": lambda: ("deflate", packed(spaces(100), 15)),
    "br": lambda: ("br", b"\x0b" * 1_000),
    "zstd": lambda: ("zstd", b"\x28\xb5\x2f\xfd" * 1_000),
    "without an end": lambda: ("", b""),
    "20 MB of empty lists": lambda: ("", b'{"status": true, "data": [' + b"[]," * 6_600_000 + b"0]}"),
    "60 MB of empty lists": lambda: ("", b'{"status": true, "data": [' + b"[]," * 20_000_000 + b"0]}"),
    "deep": lambda: ("", b'{"status": true, "data": ' + b"[" * 5_000_000),
    "deep and whole": lambda: ("", b'{"status": true, "data": ' + b"[" * 900 + b"]" * 900 + b"}"),
    "deep in a field": lambda: (
        "",
        b'{"status": true, "data": {"totalCount": 1, "members": [{"_id": "%s", "data": {"x": %s%s}}]}}'
        % (ID.encode(), b"[" * 900, b"]" * 900),
    ),
    "a count of 4,000 digits": lambda: (
        "",
        b'{"status": true, "data": {"members": [], "totalCount": %s}}' % (b"9" * 4_000),
    ),
    "a count of 5,000 digits": lambda: (
        "",
        b'{"status": true, "data": {"members": [], "totalCount": %s}}' % (b"9" * 5_000),
    ),
    "a count of 1e308": lambda: ("", b'{"status": true, "data": {"members": [], "totalCount": 1e308}}'),
}
READ_ANSWER = """
import anyio
from audiences_mcp.atoms.client import AtomsClient
from audiences_mcp.errors import AtomsError
async def main():
    client = AtomsClient(sys.argv[1], "sk_x")
    before, started = used(), time.monotonic()
    try:
        page = await client.list_members("a" * 24, 1, 1000)
        said = f"read {len(page.members)}"
    except AtomsError as error:
        said = f"{type(error).__name__}: {error}"
    print(said, used() - before, time.monotonic() - started, sep="\\n")
    await client.aclose()
anyio.run(main)
"""


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answer = ("", b"")

    def do_GET(self) -> None:
        encoding, body = self.answer
        self.send_response(200)
        if encoding:
            self.send_header("Content-Encoding", encoding)
        if body:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.close_connection = True
        try:
            self.wfile.write(body)
            while not body:
                self.wfile.write(b" " * 100_000)
        except OSError:
            return  # it hung up, as it should

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the library
        """Say nothing."""


@linux_only
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_of_any_size_takes_little_memory_and_time(name: str) -> None:
    handler = type("_", (_Answering,), {"answer": ANSWERS[name]()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        said, grown, seconds = in_child(READ_ANSWER, f"http://127.0.0.1:{server.server_address[1]}/v1")
        server.shutdown()
        thread.join()

    # What is short and well formed but for a deep field, which is kept as the JSON that it is, is read.
    assert said.startswith("read 1" if name == "deep in a field" else ("NotUnderstood: ", "AnswerTooLong: ")), said
    assert int(grown) < MOST_GROWTH
    assert float(seconds) < 20


# --- workbooks -----------------------------------------------------------------------------------------------------

BILLION = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in itertools.pairwise("abcdefghij"))
    + "]><workbook>&j;</workbook>"
)


def workbook(sheets: int = 1, **parts: Iterator[bytes]) -> bytes:
    """A workbook of one number, with some of its parts replaced; a part is named by the end of its name."""
    plain = io.BytesIO()
    with xlsxwriter.Workbook(plain) as book:
        for _ in range(sheets):
            page = book.add_worksheet()
            page.write_row(0, 0, ["phone", "name"])
            page.write_row(1, 0, ["+14155552671", "Ann"])
    made = io.BytesIO()
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            name = Path(member.filename).name.split(".")[0]
            kind = "sheet" if name.startswith("sheet") else name
            pieces = parts.get(kind)
            with new.open(member.filename, "w") as stream:
                for piece in [old.read(member)] if pieces is None else pieces:
                    stream.write(piece)
    return made.getvalue()


def claiming(content: bytes, part: str, length: int) -> bytes:
    """A workbook of which a part says that it is shorter than it is."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        true = archive.getinfo(part).file_size.to_bytes(4, "little")
    return content.replace(true, length.to_bytes(4, "little"))


def repeated(piece: bytes, times: int, head: bytes = b"") -> Iterator[bytes]:
    yield head
    yield from itertools.repeat(piece * 1_000, times // 1_000)


def many_far() -> bytes:
    plain = io.BytesIO()
    with xlsxwriter.Workbook(plain) as book:
        for _ in range(5):
            page = book.add_worksheet()
            page.write_row(0, 0, ["phone"])
            page.write(9_999, 400, "x")
    return plain.getvalue()


TOO_LARGE, DAMAGED = "The workbook is too large to read", "The workbook cannot be read"
WORKBOOKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a sheet of 700 MB": (lambda: workbook(sheet=repeated(b" " * 1_000, 700_000)), TOO_LARGE),
    "a sheet of spaces": (lambda: workbook(sheet=repeated(b" " * 500, 400_000)), TOO_LARGE),
    "a sheet of tags without an end": (lambda: workbook(sheet=repeated(b"<c ", 3_000_000)), DAMAGED),
    "a sheet of rows without an end": (lambda: workbook(sheet=repeated(b'<row x="1" ', 900_000)), DAMAGED),
    "a string table of millions": (lambda: workbook(sharedStrings=repeated(b"<si/>", 8_000_000)), TOO_LARGE),
    "a string table that lies": (
        lambda: claiming(
            workbook(sharedStrings=repeated(b"<si><t>" + b"x" * 990 + b"</t></si>", 500_000, b"<sst>")),
            "xl/sharedStrings.xml",
            1_000,
        ),
        DAMAGED,
    ),
    "styles that lie": (
        lambda: claiming(workbook(styles=repeated(b"<xf/>" * 100, 1_000_000)), "xl/styles.xml", 1_000),
        DAMAGED,
    ),
    "an index of 100 MB": (lambda: workbook(workbook=repeated(b"<sheet/>", 12_000_000)), TOO_LARGE),
    "a billion laughs": (lambda: workbook(workbook=iter([BILLION.encode()])), DAMAGED),
    "far cells on many sheets": (many_far, TOO_LARGE),
}


READ_WORKBOOK = """
from audiences_mcp.contacts.sources import File, table_from_file, suppressed_cells
from audiences_mcp.errors import InvalidInput
import python_calamine
content = open(sys.argv[1], "rb").read()
before, started = used(), time.monotonic()
for read in (table_from_file, suppressed_cells):
    try:
        said = str(read(File(".xlsx", content)))
    except InvalidInput as error:
        said = str(error)
    print(said)
print(used() - before, time.monotonic() - started, sep="\\n")
"""


@linux_only
@pytest.mark.parametrize("name", WORKBOOKS)
def test_a_workbook_that_unpacks_to_much_is_refused_before_it_does(name: str, tmp_path: Path) -> None:
    make, expected = WORKBOOKS[name]
    path = tmp_path / "bomb.xlsx"
    path.write_bytes(make())
    assert path.stat().st_size < 10_000_000

    *said, grown, seconds = in_child(READ_WORKBOOK, str(path))

    assert len(said) == 2
    assert all(text.startswith(expected) for text in said), said
    assert int(grown) < MOST_GROWTH
    assert float(seconds) < 40


# --- arguments -----------------------------------------------------------------------------------------------------

DEEP = "[" * 100_000 + "]" * 100_000
LARGE: dict[str, Any] = {
    "text": "x" * 1_100_000,
    "text without an end": "\ud800" * 100_000,
    "digits": "9" * 1_100_000,
    "items": ["x"] * 100_001,
    "long items": ["x" * 1_100_000],
    "names": {f"name {number}": "x" for number in range(100_001)},
    "long name": {"x" * 1_100_000: "x"},
    "deep list": DEEP,
    "deep object": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "rather deep list": "[" * 900 + "]" * 900,
    "number": 10**4_000,
    "number below zero": -(10**30),
    "fraction": 1e308,
    "contacts": [{"phone_number": "1", "variables": {f"v{n}": "x" for n in range(200)}}] * 1_000,
    "too many contacts": [{"phone_number": "+14155552671"}] * 1_001,
    "contact of large numbers": [{"phone_number": 10**4_000, "first_name": 10**4_000}],
}
REQUIRED = {"check_id": "x", "audience_id": ID, "name": "May", "file_path": "x.csv"}


@pytest.mark.anyio
@pytest.mark.parametrize("large", LARGE)
async def test_an_argument_of_any_size_is_answered_at_once_and_in_short(agent: Agent, large: str) -> None:
    for tool in build_tools(read_only=False):
        properties = tool.parameters["properties"]
        for name in properties:
            others = {each: REQUIRED[each] for each in tool.parameters.get("required", []) if each != name}
            started = time.process_time()

            answer = await agent(tool.name, **others, **{name: LARGE[large]})

            assert time.process_time() - started < 4, (tool.name, name)
            assert len(answer.text) <= 20_000, (tool.name, name)
            assert "failed inside" not in answer.text, (tool.name, name)
            assert answer.is_error or name in {"page", "contacts"}, (tool.name, name)


@pytest.mark.anyio
async def test_what_is_too_much_is_said_with_the_limit(agent: Agent) -> None:
    assert await agent.fail("check_contacts", phone_columns=["x"] * 1_001) == (
        "Invalid arguments for check_contacts: phone_columns must have at most 1,000 items"
    )
    assert await agent.fail("check_contacts", only_where={"x": "y" * 1_000_000}) == (
        "Invalid arguments for check_contacts: only_where must be shorter: it has more than 1,000,000 characters"
    )


# --- regular expressions -------------------------------------------------------------------------------------------

LENGTH = 10_000
CUT_AT = {"audiences_mcp.contacts.writing": 500}
"""Modules whose every text is cut before it is looked at."""

METHODS = ("search", "match", "fullmatch", "findall", "finditer", "split", "sub")
PIECES = (*"0 1a.-/(+,;:\n_xe'\"<@=#", "<c ", "<row ", "1O", "1e", "a@", "a.", "2025-", "1,111", "é", "x 1", "or ")


IN_TABLES = {"audiences_mcp.atoms.published.": "fullmatch"}
"""Modules whose expressions are used by way of a table, and how."""


def patterns() -> Iterator[tuple[str, re.Pattern[Any], list[str]]]:
    """Every expression of every module, with the methods that it is used by anywhere."""
    package = Path(audiences_mcp.__file__).parent
    source = "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    for module in pkgutil.walk_packages(audiences_mcp.__path__, "audiences_mcp."):
        if not module.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, re.Pattern):
                    used = set(re.findall(rf"\b{name}\.({'|'.join(METHODS)})\b", source))
                    yield f"{module.name}.{name}", value, sorted(used)


def adversarial(length: int) -> Iterator[str]:
    """Texts in which an expression can begin to match at every place, and nearly does."""
    for first in PIECES:
        for second in ("", *PIECES[:8]):
            whole = (first + second) * (length // len(first + second))
            yield from (whole, f"+1{whole}", f"{whole}\x01")


def use(pattern: re.Pattern[Any], method: str, text: Any) -> None:
    if method == "sub":
        pattern.sub(text[:0], text)
    elif method == "finditer":
        list(pattern.finditer(text))
    else:
        getattr(pattern, method)(text)


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "pattern", "methods"), [*patterns()], ids=lambda value: value if isinstance(value, str) else ""
)
def test_no_expression_takes_long_on_any_text(name: str, pattern: re.Pattern[Any], methods: list[str]) -> None:
    methods = methods or [method for module, method in IN_TABLES.items() if name.startswith(module)]
    assert methods, "an expression that is not used"
    length = CUT_AT.get(name.rpartition(".")[0], LENGTH)
    for text in adversarial(length):
        given = text.encode() if isinstance(pattern.pattern, bytes) else text
        for method in methods:
            seconds: list[float] = []
            while len(seconds) < 3 and (not seconds or min(seconds) > 0.1):  # again, in case the machine was busy
                started = time.perf_counter()
                use(pattern, method, given)
                seconds.append(time.perf_counter() - started)
            assert min(seconds) <= 0.1, (method, text[:30])
