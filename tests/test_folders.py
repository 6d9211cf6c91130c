"""Only lists inside the allowed folders are read; of all else not even whether it exists is told."""

import os
import socket
import sys
import unicodedata
from pathlib import Path

import pytest

from audiences_mcp import folders as module
from audiences_mcp.errors import InvalidInput, NotConfigured
from audiences_mcp.folders import Folders, read_file

LIST = b"phone\n+12025550143\n"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    path = tmp_path / "outside"
    path.mkdir()
    (path / "secret.csv").write_bytes(b"phone,password\n+12025550143,hunter2\n")
    return path


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    path = tmp_path / "lists"
    (path / "may").mkdir(parents=True)
    (path / "leads.csv").write_bytes(LIST)
    (path / "may" / "Mumbai leads.TXT").write_bytes(LIST)
    return path


def refusal(folders: Folders, file_path: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        folders.read(file_path)
    return str(caught.value)


def test_without_an_allowed_folder_nothing_is_read_and_the_answer_says_how_to_allow_one() -> None:
    with pytest.raises(NotConfigured, match="Set AUDIENCES_MCP_FOLDERS in its configuration"):
        Folders(()).read("leads.csv")


@pytest.mark.parametrize("file_path", ["leads.csv", " leads.csv ", "./leads.csv", "may/../leads.csv"])
def test_a_file_is_found_by_its_name_alone(lists: Path, file_path: str) -> None:
    assert Folders([lists]).read(file_path).content == LIST


def test_a_file_is_found_by_its_path_and_from_the_home_folder(lists: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(lists))
    monkeypatch.setenv("USERPROFILE", str(lists))
    folders = Folders([lists])

    assert folders.read(str(lists / "leads.csv")).content == LIST
    assert folders.read("~/may/Mumbai leads.TXT").suffix == ".txt"


def test_a_name_that_begins_with_a_tilde_is_a_name(lists: Path) -> None:
    (lists / "~leads.csv").write_bytes(LIST)

    assert Folders([lists]).read("~leads.csv").content == LIST


@pytest.mark.parametrize("name", ["secret.csv", "nothing.csv"])
@pytest.mark.parametrize("way", ["absolute", "dots", "link", "folder link"])
def test_what_lies_outside_is_refused_in_the_same_words_whether_it_exists_or_not(
    lists: Path, outside: Path, name: str, way: str
) -> None:
    (lists / "link.csv").symlink_to(outside / name)
    (lists / "folder").symlink_to(outside)
    paths = {
        "absolute": str(outside / name),
        "dots": f"../outside/{name}",
        "link": "link.csv",
        "folder link": f"folder/{name}",
    }

    assert refusal(Folders([lists]), paths[way]) == (
        f"file_path is not inside a folder that this server may read, which is {lists}. Ask the person to put the file "
        "there, or to allow its folder in AUDIENCES_MCP_FOLDERS."
    )


def test_a_link_inside_is_followed_to_what_it_is(lists: Path) -> None:
    (lists / "latest.csv").symlink_to(lists / "leads.csv")
    (lists / "key.csv").symlink_to(lists / "key.pem")
    (lists / "key.pem").write_text("secret")

    assert Folders([lists]).read("latest.csv").content == LIST
    assert refusal(Folders([lists]), "key.csv").startswith("A list is read from a file that ends in .csv")


def test_the_allowed_folder_may_itself_be_a_link(lists: Path, tmp_path: Path) -> None:
    (tmp_path / "shortcut").symlink_to(lists)

    assert Folders([tmp_path / "shortcut"]).read(str(tmp_path / "shortcut" / "leads.csv")).content == LIST


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes in folders are of POSIX")
def test_what_is_no_ordinary_file_is_refused_at_once(lists: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(lists / "pipe.csv")
    (lists / "folder.csv").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(lists)  # the path of a socket must be short
        listener.bind("socket.csv")
        folders = Folders([lists])

        assert "no ordinary file" in refusal(folders, "pipe.csv")
        assert "cannot be read" in refusal(folders, "folder.csv")
        assert "cannot be read" in refusal(folders, "socket.csv")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux has /proc")
@pytest.mark.parametrize(
    "file_path", ["/proc/self/environ.csv", "/dev/null.csv", "/sys/x.csv", "/proc/self/fd/0.csv", "proc/1/maps.txt"]
)
def test_devices_and_processes_are_never_read_even_where_everything_is_allowed(file_path: str) -> None:
    assert "not inside a folder" in refusal(Folders([Path("/")]), file_path)


@pytest.mark.parametrize(
    "file_path",
    [
        "\\\\server\\share\\leads.csv",
        "//server/share/leads.csv",
        "https://x.example/leads.csv",
    ],
)
def test_links_and_network_paths_are_refused(lists: Path, file_path: str) -> None:
    assert refusal(Folders([lists]), file_path).startswith("file_path is a link or a network path")


def test_a_link_to_a_file_of_this_machine_is_to_be_its_plain_path(lists: Path) -> None:
    assert "give the plain path" in refusal(Folders([lists]), f"file://{lists}/leads.csv")


@pytest.mark.parametrize(
    "file_path",
    ["/mnt/user-data/uploads/leads.csv", "mnt/user-data/leads.csv", "/mnt/data/x.csv", "sandbox:/mnt/data/leads.csv"],
)
def test_an_attachment_of_the_chat_gets_a_hint_of_its_own(lists: Path, file_path: str) -> None:
    told = refusal(Folders([lists]), file_path)

    assert told.startswith("This is an attachment of the chat")
    assert f"save the file in {lists}" in told
    assert "csv_text" in told


@pytest.mark.parametrize("file_path", ["leads\0.csv", "", ".", "may"])
def test_what_cannot_be_a_list_is_refused(lists: Path, file_path: str) -> None:
    assert refusal(Folders([lists]), file_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("old.xls", "It is an old Excel file: save it as .xlsx"),
        ("macros.xlsm", "save it as .xlsx"),
        ("cards.vcf", "These are contact cards"),
        ("page.pdf", "A PDF has no rows"),
        ("picture.png", "It is of another kind: save it as .xlsx or .csv."),
        ("leads", "It is of another kind: save it as .xlsx or .csv."),
        ("leads.csv:stream", "It is of another kind: save it as .xlsx or .csv."),
    ],
)
def test_a_file_of_another_kind_is_refused_with_what_to_do(lists: Path, name: str, words: str) -> None:
    (lists / name).write_bytes(b"x")

    assert words in refusal(Folders([lists]), name)


@pytest.mark.parametrize(
    ("file_path", "words"),
    [
        ("lead.csv", "There is no file 'lead.csv' in {lists}. Did you mean 'leads.csv'?"),
        ("LEADS 2.csv", "Did you mean 'leads.csv'?"),
        ("may/mumbai.txt", "There is no file 'mumbai.txt' in {lists}/may. Did you mean 'Mumbai leads.TXT'?"),
        ("zzz.csv", "There is no file 'zzz.csv' in {lists}. Check its name."),
        ("june/zzz.csv", "There is no folder {lists}/june, so the file is not there either."),
        ("LEADS.csv.csv", "Did you mean 'leads.csv'?"),
    ],
)
def test_a_near_miss_is_told(lists: Path, file_path: str, words: str) -> None:
    assert words.format(lists=lists) in refusal(Folders([lists]), file_path)


def test_a_name_in_two_folders_is_refused_with_both(lists: Path, outside: Path) -> None:
    (outside / "leads.csv").write_bytes(LIST)

    told = refusal(Folders([lists, outside]), "leads.csv")

    assert (
        told
        == f"'leads.csv' is in several folders: give its whole path, one of {lists}/leads.csv or {outside}/leads.csv."
    )


@pytest.mark.parametrize("file_path", ["LEADS.CSV", '"leads.csv"', "'leads.csv'"])
def test_a_name_is_found_whatever_its_case_and_in_quotes(lists: Path, file_path: str) -> None:
    assert Folders([lists]).read(file_path).content == LIST


def test_a_name_is_found_in_either_unicode_form(lists: Path) -> None:
    (lists / unicodedata.normalize("NFD", "Köln.csv")).write_bytes(LIST)

    assert Folders([lists]).read(unicodedata.normalize("NFC", "Köln.csv")).content == LIST


def test_a_folder_that_does_not_exist_is_passed_over(lists: Path, tmp_path: Path) -> None:
    assert Folders([tmp_path / "gone", lists]).read("leads.csv").content == LIST


def test_a_file_that_is_too_long_is_refused(lists: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", len(LIST))
    assert read_file(lists / "leads.csv").content == LIST

    monkeypatch.setattr(module, "MAX_BYTES", len(LIST) - 1)
    assert "longer than" in refusal(Folders([lists]), "leads.csv")


def test_a_file_that_is_gone_or_locked_is_an_error_of_ours(lists: Path) -> None:
    with pytest.raises(InvalidInput, match=r"cannot be read \(no such file"):
        read_file(lists / "gone.csv")
