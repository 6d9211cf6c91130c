"""`audiences-mcp check FILE` as a person runs it: a process, its report, its files and its exit code."""

import csv
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from audiences_mcp.demo import LIST
from tests.conftest import Organisation

COMMAND = [sys.executable, "-m", "audiences_mcp", "check"]
MESSY = """\
name,phone,note
Ann,+1 202-555-0143,"a, b"
Zoë,+44 20 7946 0958,=1+1
Ben,(202) 555-0144,[bold]x[/bold]
Cid,call me,"line one
line two"
Dan,+44 7400 123456,x,more,and more
"""


def environment(**ours: str) -> dict[str, str]:
    names = ("SMALLEST_API_KEY", "ATOMS_API_KEY", "ATOMS_API_URL", "AUDIENCES_MCP_")
    return {name: value for name, value in os.environ.items() if not name.startswith(names)} | ours


def check(*arguments: str | Path, **ours: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", timeout=60, check=False, env=environment(PYTHONUTF8="1", **ours)
    )


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    path = tmp_path / "messy.csv"
    path.write_text(MESSY, encoding="utf-8")
    return path


def test_the_report_is_a_table_of_what_will_be_dialled_and_what_not(messy: Path) -> None:
    done = check(messy)

    assert done.returncode == 1
    assert done.stderr == ""
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[0] == "messy.csv: 2 of 5 rows are ready to be called; left out: 3 invalid."
    assert "2 +1 202-555-0143 +12025550143 US fixed line or mobile" in lines
    assert "4 Ben (202) 555-0144 missing country code" in lines
    assert "5 Cid call me not a number" in lines
    assert "missing country code Write it with + and its country code, or set default_region to its country." in lines
    assert "countries GB 1, US 1" in lines
    assert "! The do-not-call list was not checked, because no API key is set." in lines
    assert "\x1b" not in done.stdout


def test_options_settle_what_is_unsure_and_the_exit_code_says_whether_rows_are_refused(
    messy: Path, tmp_path: Path
) -> None:
    two = tmp_path / "two.csv"
    two.write_text("name,home,mobile\nAnn,(202) 555-0143,\nBen,,(202) 555-0144\n", encoding="utf-8")

    done = check(two, "--region", "us", "--phone-column", "mobile", "--phone-column", "home")

    assert done.returncode == 0
    assert "2 of 2 rows are ready" in done.stdout
    assert check(messy, "--region", "US").returncode == 1


def test_a_flag_may_be_followed_by_several_folders_by_none_and_by_the_command(messy: Path, tmp_path: Path) -> None:
    for folders in (["--folder", str(tmp_path), "/more lists"], ["--folder", "check"], ["--folder", "--read-only"]):
        done = subprocess.run(
            [*COMMAND[:-1], *folders, "check", str(messy)],
            capture_output=True,
            text=True,
            check=False,
            env=environment(),
        )
        assert (done.returncode, done.stderr) == (1, "")
        assert "2 of 5 rows are ready" in done.stdout


def test_as_json_it_is_the_whole_report(messy: Path) -> None:
    done = check(messy, "--json")

    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["counts"]["ready"] == 2
    assert [problem["row"] for problem in report["problems"]] == [4, 5, 6]


def test_the_refused_rows_are_written_as_they_were_with_why_and_can_be_mended_and_checked_again(
    messy: Path, tmp_path: Path
) -> None:
    rejected = tmp_path / "rejected.csv"

    done = check(messy, "--rejected", rejected)

    assert "3 refused rows written to" in done.stdout
    with rejected.open(encoding="utf-8-sig", newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["name", "phone", "note", "more", "more_2", "row", "reason", "hint"]
    assert [row[:7] for row in rows] == [
        ["Ben", "(202) 555-0144", "[bold]x[/bold]", "", "", "4", "missing_country_code"],
        ["Cid", "call me", "line one\nline two", "", "", "5", "not_a_number"],
        ["Dan", "'+44 7400 123456", "x", "more", "and more", "6", "malformed_row"],
    ]
    again = json.loads(check(rejected, "--json", "--region", "US").stdout)
    assert [column["source"] for column in again["columns"]] == ["phone", "name", "note", "more", "more_2"]
    assert [(row["value"], row["fields"].get("note")) for row in again["sample"]] == [
        ("(202) 555-0144", "[bold]x[/bold]"),
        ("'+44 7400 123456", "x"),
    ]


def given_of(page: Path) -> dict[str, Any]:
    """The data that a page has inside."""
    found = re.search(r'<script type="application/json" id="given">(.*?)</script>', page.read_text(encoding="utf-8"))
    assert found
    return dict(json.loads(found[1]))


def test_the_report_is_written_as_a_page_with_its_rows_inside(messy: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"

    done = check(messy, "--html", page)

    assert f"The report as a page written to {page}." in " ".join(done.stdout.split())
    given = given_of(page)
    assert given["name"] == "messy.csv"
    assert given["result"]["summary"] in done.stdout
    assert [row["row"] for row in given["rows"]] == [2, 3, 4, 5, 6]
    assert given["rows"][0]["phone_number"] == "+12025550143"


def test_a_page_for_sharing_has_the_last_four_digits_only(tmp_path: Path) -> None:
    path, page = tmp_path / "leads +12025550143.csv", tmp_path / "report.html"
    path.write_text("name,phone\nAnn,+1 202-555-0143\nBen,+1 202 555 014\n+44 7400 123456,call me\n", encoding="utf-8")

    done = check(path, "--html", page, "--mask")

    given = given_of(page)
    assert given["name"] == "leads …0143.csv"
    assert given["rows"][0]["value"] == "…0143"
    assert given["result"]["sample"][0]["phone_number"] == "…0143"
    assert not re.search(r"202.?555|7400", json.dumps(given) + done.stdout)


def test_nothing_is_overwritten(messy: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.csv"
    kept.write_text("mine", encoding="utf-8")

    done = check(messy, "--rejected", kept)

    assert (done.returncode, done.stdout) == (2, "")
    assert "exists already, and nothing is overwritten" in done.stderr
    assert kept.read_text(encoding="utf-8") == "mine"
    assert "cannot be written" in check(messy, "--rejected", tmp_path / "no" / "folder.csv").stderr
    both = check(messy, "--rejected", tmp_path / "one", "--html", tmp_path / "one")
    assert (both.returncode, both.stderr) == (2, "audiences-mcp: --rejected and --html name the same file: name two.\n")
    assert not (tmp_path / "one").exists()
    assert "nothing is overwritten" in check(messy, "--html", kept).stderr
    assert kept.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("gone.csv", None, "There is no file 'gone.csv'"),
        ("list.pdf", b"%PDF", "A PDF has no rows"),
        ("picture.csv", b"\x89PNG\0\0", "The file is no text"),
        ("two.csv", b"a,b\n+12025550143,+12025550144\n", 'in order of preference: ["a", "b"]'),
    ],
)
def test_a_file_that_cannot_be_read_is_told_in_one_line(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)

    done = check(tmp_path / name)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("audiences-mcp: ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_with_a_key_the_lists_of_people_who_must_not_be_called_apply(
    messy: Path, tmp_path: Path, organisation: Organisation
) -> None:
    organisation.do_not_call("12025550143")
    (tmp_path / "never.txt").write_text("0044 20 7946 0958\n", encoding="utf-8")

    done = check(
        messy,
        "--json",
        SMALLEST_API_KEY=organisation.key,
        ATOMS_API_URL=organisation.url,
        AUDIENCES_MCP_SUPPRESSION_FILE=str(tmp_path / "never.txt"),
    )

    found = {each["reason"]: each["count"] for each in json.loads(done.stdout)["by_reason"]}
    assert (found["do_not_call"], found["suppression_list"]) == (1, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is of POSIX")
def test_on_a_terminal_it_is_coloured_and_a_long_list_shows_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("phone\n" + "".join(f"+9198765{number:05}\n" for number in range(50_000)), encoding="utf-8")
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, str(path)], stdout=child, stderr=child, env=environment(TERM="xterm-256color")
    )
    os.close(child)
    shown = b""
    while True:
        try:
            chunk = os.read(parent, 65_536)
        except OSError:  # the other side is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(parent)

    assert process.wait(timeout=60) in {0, 1}
    assert b"\x1b[1m" in shown
    assert b"/50000" in shown


def test_the_list_of_the_demo_is_reported_as_the_demo_tells(tmp_path: Path) -> None:
    path = tmp_path / "demo.csv"
    path.write_text(LIST, encoding="utf-8")

    assert "21 rows" in check(path).stdout
