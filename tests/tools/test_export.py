"""export_audience: a file that is read back to the same rows, in an allowed folder, never over another file."""

import csv
import io
import random
import stat
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx  # noqa: TID251 - what happens while the audience is read
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from audiences_mcp import exporting
from audiences_mcp.config import Settings
from tests.conftest import Organisation
from tests.tools.conftest import ONE_REVISION, Connect, LookedAtAgent, Send, Wire, failed_before, says, snapshot

pytestmark = pytest.mark.anyio

CSV = 'phone,name,note\n+14155552671,"Roe, ""Ann""\nX",=1+1\n919876543210,Zoë,\'-2\n"+91 98765 43211",@x,\n'
NAMES = [
    *("Ann O'Hara", "Zoë Müller", "Łukasz Żak", "Анна Смирнова", "Ελένη Παππά", "علی رضایی", "נועה לוי", "आशा राव"),
    *(
        "சித்ரா",
        "王小明",
        "김민준",
        "さくら",
        "สมชาย",
        "Ğülşen",
        "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    ),
]
NOTES = [
    *(
        "a, b",
        'said "yes"',
        "two\nlines",
        "two\r\nlines",
        "semi; colon",
        "pi|pe",
        "tab\there",
        "=SUM(A1)",
        "+1",
        "-",
        "@",
    ),
    *(
        "'quoted",
        "'=x",
        "''+1",
        " outer ",
        "",
        " ",
        "\n",
        "\r",
        ";;;",
        "a;b\nc;d\ne;f",
        "|\n|",
        '"',
        '""\n"',
        "sep=;",
        "row",
    ),
]


@pytest.fixture
def settings(settings: Settings, lists: Path) -> Settings:
    return replace(settings, folders=(lists,))


@pytest.fixture
def audience_id(organisation: Organisation) -> str:
    return organisation.audience("VIP", CSV, "phone")


def csv_of(rows: list[list[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def add(organisation: Organisation, audience_id: str, members: list[dict[str, str]]) -> None:
    organisation.request("POST", f"audience/{audience_id}/members", json={"members": members})


async def all_rows(agent: LookedAtAgent, check_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    page: int | None = 1
    while page:
        found = await agent.do("list_check_rows", check_id=check_id, page=page, page_size=40)
        rows += found["rows"]
        page = found.get("next_page")
    return [{key: row.get(key) for key in ("label", "phone_number", "status", "reason")} for row in rows]


# --- back to the same rows -------------------------------------------------------------------------------------------


async def test_an_audience_is_written_so_that_no_spreadsheet_runs_it(
    agent: LookedAtAgent, audience_id: str, lists: Path, wire: Wire
) -> None:
    exported = await agent.do("export_audience", audience_id=audience_id, file_path="vip.csv")

    path = lists / "vip.csv"
    snapshot("results/export_audience", {**exported, "file_path": path.name})
    assert exported["file_path"] == str(path)
    assert path.read_bytes().decode("utf-8-sig") == (
        "phone,name,note\r\n'+14155552671,\"Roe, \"\"Ann\"\"\nX\",'=1+1\r\n919876543210,Zoë,''-2\r\n'+91 98765 43211,'@x,\r\n"
    )
    assert wire.writes == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
async def test_only_who_runs_the_server_may_read_the_file(agent: LookedAtAgent, audience_id: str, lists: Path) -> None:
    await agent.do("export_audience", audience_id=audience_id, file_path="vip.csv")

    assert stat.S_IMODE((lists / "vip.csv").stat().st_mode) == 0o600


async def checks_alike(agent: LookedAtAgent, audience_id: str, exported: dict[str, Any]) -> tuple[Any, Any]:
    """Check an audience and its file, as the answer says, and return both reports without what must differ."""
    stored = await agent.do("check_contacts", from_audiences=[audience_id], bare_digits="international")
    read = await agent.do(
        "check_contacts",
        file_path=exported["file_path"],
        phone_columns=[exported["phone_column"]],
        bare_digits="international",
    )
    for report in (stored, read):
        report["rows"] = await all_rows(agent, report.pop("check_id"))
        report["fields"] = [(each["phone_number"], each["fields"]) for each in report.pop("sample")]
        for part in ("problems", "warnings", "next_step", "calling_hours_now"):
            del report[part]
    return stored, read


@ONE_REVISION
async def test_10_000_members_in_ten_scripts_come_back_as_they_are(
    agent: LookedAtAgent, organisation: Organisation
) -> None:
    chosen = random.Random(5)
    rows = [["phone", "name", "note", "more"]]
    for n in range(10_000):
        number = f"+1415{2_000_000 + n}" if n % 3 else f"91987{6_000_000 + n}"
        rows.append([number, *(f"{chosen.choice(NAMES)} {n}", chosen.choice(NOTES), chosen.choice(NOTES))])
    audience_id = organisation.audience("Ten scripts", csv_of(rows), "phone")

    exported = await agent.do("export_audience", audience_id=audience_id, file_path="all.csv")

    assert (exported["verified"], exported["rows"], exported["warnings"]) == (True, 10_000, [])
    made: list[list[dict[str, str]]] = []
    for source in ({"from_audiences": [audience_id]}, {"file_path": "all.csv", "phone_columns": ["phone"]}):
        report = await agent.do("check_contacts", bare_digits="international", **source)
        assert report["counts"]["ready"] == 10_000
        done = await agent.do("create_audience", name=f"Copy {len(made)}", check_id=report["check_id"])
        made.append(organisation.members(done["audiences"][0]["audience_id"]))
    assert made[0] == made[1]
    assert [member["note"] for member in made[0]] == [row[2] for row in rows[1:]]


texts = st.sampled_from([*NAMES, *NOTES]) | st.text(max_size=12)
headers = st.lists(
    st.sampled_from(["name", "note", "Größe", "=cell", "+plus", "row", "reason", "hint", "2024", "a;b", "x|y", "Phone"])
    | st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8),
    max_size=4,
    unique=True,
)
phones = st.sampled_from(
    ["919876543210", "+91 98765 43211", "'+442079460958", '="+12025550143"', "12", "n/a", "+1 202 555 0143 x5", "'x"]
)


@st.composite
def audiences(draw: st.DrawFn) -> list[dict[str, str]]:
    """Members as another client may store them."""
    columns = draw(headers)
    stored = [{"phone": "+14155552671", **dict.fromkeys(columns, "x")}]
    wanted = draw(st.lists(phones, max_size=6, unique=True))
    return [*stored, *({"phone": phone, **{name: draw(texts) for name in columns}} for phone in wanted)]


@ONE_REVISION
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stored=audiences())
async def test_whatever_is_stored_a_file_that_is_said_to_be_the_same_is_read_back_to_the_same_rows(
    agent: LookedAtAgent, organisation: Organisation, lists: Path, stored: list[dict[str, str]]
) -> None:
    audience_id = organisation.audience("Any", "phone\n+33612345678\n", "phone")
    add(organisation, audience_id, stored)
    name = f"{len(files_in(lists))}.csv"

    exported = await agent.do("export_audience", audience_id=audience_id, file_path=name)

    if exported["verified"]:
        assert exported["warnings"] == []
        in_audience, in_file = await checks_alike(agent, audience_id, exported)
        assert in_file == in_audience
    else:
        assert "from_audiences" in exported["warnings"][0]


async def test_a_file_without_one_number_is_told_not_to_come_back(
    agent: LookedAtAgent, organisation: Organisation, lists: Path
) -> None:
    audience_id = organisation.audience("Spoilt", "phone\nn/a\n12\n", "phone")

    exported = await agent.do("export_audience", audience_id=audience_id, file_path="spoilt.csv")

    assert (exported["verified"], exported["rows"]) == (False, 2)
    assert "check the audience itself with from_audiences" in exported["warnings"][0]
    assert (lists / "spoilt.csv").is_file()


# --- where files may be written --------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["name", "path", "folder", "home", "link to a folder"])
async def test_a_file_goes_into_an_allowed_folder(
    agent: LookedAtAgent, audience_id: str, lists: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    (lists / "may").mkdir()
    (lists / "link").symlink_to(lists / "may")
    monkeypatch.setenv("HOME", str(lists))
    monkeypatch.setenv("USERPROFILE", str(lists))
    file_path, where = {
        "name": (" 'Größe 1.CSV' ", lists / "Größe 1.CSV"),
        "path": (str(lists / "vip.csv"), lists / "vip.csv"),
        "folder": ("may/vip.csv", lists / "may" / "vip.csv"),
        "home": ("~/may/vip.csv", lists / "may" / "vip.csv"),
        "link to a folder": ("link/vip.csv", lists / "may" / "vip.csv"),
    }[way]

    exported = await agent.do("export_audience", audience_id=audience_id, file_path=file_path)

    assert exported["file_path"] == str(where)
    assert where.is_file()


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("way", ["absolute", "dots", "folder link", "system", "url", "network"])
async def test_outside_of_them_nothing_is_written_and_nothing_told_of_what_is_there(
    agent: LookedAtAgent, audience_id: str, lists: Path, wire: Wire, way: str, *, exists: bool
) -> None:
    outside = lists.parent / "outside"
    outside.mkdir()
    (lists / "link").symlink_to(outside)
    if exists:
        (outside / "vip.csv").write_text("theirs", encoding="utf-8")
    file_path = {
        "absolute": str(outside / "vip.csv"),
        "dots": "../outside/vip.csv",
        "folder link": "link/vip.csv",
        "system": "/proc/self/vip.csv",
        "url": "https://example.com/vip.csv",
        "network": "//server/vip.csv",
    }[way]

    refused = await agent.fail("export_audience", audience_id=audience_id, file_path=file_path)

    assert refused == (
        "file_path is not inside a folder that this server may write to, so nothing was written. Give a file name alone, or "
        f"a path inside {lists}."
    )
    assert [path.read_text(encoding="utf-8") for path in outside.iterdir()] == (["theirs"] if exists else [])
    assert not wire.requests


@pytest.mark.parametrize("what", ["file", "folder", "link", "broken link", "link outside"])
async def test_nothing_that_is_there_is_overwritten_and_no_link_followed(
    agent: LookedAtAgent, audience_id: str, lists: Path, what: str
) -> None:
    path, other = lists / "vip.csv", lists / "other.csv"
    outside = lists.parent / "outside.csv"
    if what == "file":
        path.write_text("mine", encoding="utf-8")
    elif what == "folder":
        path.mkdir()
    else:
        if what == "link":
            other.write_text("mine", encoding="utf-8")
        path.symlink_to(outside if what == "link outside" else other)

    refused = await agent.fail("export_audience", audience_id=audience_id, file_path="vip.csv")

    assert refused == "A file of this name is there already, and nothing is overwritten: give another name."
    assert not outside.exists()
    assert {each.read_text(encoding="utf-8") for each in (path, other) if each.is_file()} <= {"mine"}


@ONE_REVISION
@pytest.mark.parametrize("link", [True, False])
async def test_what_appears_while_the_audience_is_read_is_not_overwritten_either(
    agent: LookedAtAgent, audience_id: str, lists: Path, wire: Wire, *, link: bool
) -> None:
    outside = lists.parent / "outside.csv"

    async def meanwhile(send: Send, request: httpx.Request) -> httpx.Response:
        if link:
            (lists / "vip.csv").symlink_to(outside)
        else:
            (lists / "vip.csv").write_text("mine", encoding="utf-8")
        return await send(request)

    wire.fail("GET audience/.*/members", meanwhile, times=1)

    assert "nothing is overwritten" in await agent.fail("export_audience", audience_id=audience_id, file_path="vip.csv")
    assert not outside.exists()


@pytest.mark.parametrize(
    ("file_path", "said"),
    [
        ("vip.xlsx", "a name that ends in .csv"),
        ("vip", "a name that ends in .csv"),
        (".csv", "a name that ends in .csv"),
        ("", "a name that ends in .csv"),
        ("..", "a name that ends in .csv"),
        ("a\u202eb.csv", "a name that ends in .csv"),
        ("a\0b/vip.csv", "cannot be a path"),
        ("june/vip.csv", "There is no folder"),
        (f"{'x' * 300}.csv", "The file cannot be written (file name too long), so there is none"),
    ],
)
async def test_what_cannot_be_a_new_csv_file_is_refused(
    agent: LookedAtAgent, audience_id: str, lists: Path, file_path: str, said: str
) -> None:
    assert said in await agent.fail("export_audience", audience_id=audience_id, file_path=file_path)
    assert files_in(lists) == []


async def test_without_folders_the_answer_says_how_to_allow_one(
    settings: Settings, connect: Connect, audience_id: str
) -> None:
    async with connect(replace(settings, folders=()), None) as agent:
        refused = await agent.fail("export_audience", audience_id=audience_id, file_path="vip.csv")

    assert "Set AUDIENCES_MCP_FOLDERS" in refused


# --- failures --------------------------------------------------------------------------------------------------------


@ONE_REVISION
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
async def test_of_a_file_that_cannot_be_written_whole_nothing_stays(
    agent: LookedAtAgent, organisation: Organisation, lists: Path
) -> None:
    import resource  # noqa: PLC0415 - not on Windows

    rows = "".join(f"+1415{2_000_000 + n},{'x' * 500}\n" for n in range(1_000))
    audience_id = organisation.audience("Long", f"phone,note\n{rows}", "phone")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        refused = await agent.fail("export_audience", audience_id=audience_id, file_path="long.csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert refused == "The file cannot be written (file too large), so there is none: choose another folder."
    assert files_in(lists) == []


async def test_when_atoms_fails_no_file_is_written(
    agent: LookedAtAgent, audience_id: str, lists: Path, wire: Wire
) -> None:
    wire.fail("GET audience/.*/members", failed_before)

    assert "Atoms failed (500)" in await agent.fail("export_audience", audience_id=audience_id, file_path="vip.csv")
    assert files_in(lists) == []


@ONE_REVISION
async def test_an_audience_without_members_and_one_that_is_too_long_give_no_file(
    agent: LookedAtAgent, audience_id: str, lists: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def empty(_: Any) -> Any:
        return {"status": True, "data": {"members": [], "totalCount": 0, "hasMore": False}}

    def long(answer: Any) -> Any:
        answer["data"]["members"][0]["data"]["note"] = "x" * 30_000_000
        return answer

    wire.fail("GET audience/.*/members", says(empty), times=1)
    nobody = await agent.fail("export_audience", audience_id=audience_id, file_path="vip.csv")
    wire.mend()
    wire.fail("GET audience/.*/members", says(long))
    too_long = await agent.fail("export_audience", audience_id=audience_id, file_path="vip.csv")
    wire.mend()
    monkeypatch.setattr(exporting, "MAX_BYTES", 10)
    too_large = await agent.fail("export_audience", audience_id=audience_id, file_path="vip.csv")
    monkeypatch.undo()
    wire.fail("GET audience/.*/members", says(long), times=1)
    assert files_in(lists) == []
    in_smaller_pages = await agent.do("export_audience", audience_id=audience_id, file_path="vip.csv")

    assert nobody == "The audience has no members, so no file was written."
    assert too_long.startswith("The answer of Atoms is longer than 20 MB and was not read. Nothing was changed.")
    assert "longer than" in too_large
    assert in_smaller_pages["verified"]


@ONE_REVISION
async def test_the_longest_answer_fits(agent: LookedAtAgent, organisation: Organisation, lists: Path) -> None:
    wide = ",".join(f"column_{n:03}_{'x' * 180}" for n in range(500))
    audience_id = organisation.audience("Wide", f"phone,{wide}\n+14155552671{',x' * 500}\n", "phone")

    exported = await agent.do("export_audience", audience_id=audience_id, file_path=f"{'x' * 200}.csv")

    assert "Too long to show whole" in exported["summary"]
    assert exported["verified"]
    assert len(files_in(lists)) == 1
