"""Which files of this machine a caller may have read or written: lists in the allowed folders, and nothing else.

A path comes from a model, so it is not trusted: it is resolved first, links and all, and whatever lies outside of the
allowed folders is refused in the same words whether it exists or not.
"""

import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from audiences_mcp.contacts.sources import SUFFIXES, File
from audiences_mcp.errors import InvalidInput, NotConfigured
from audiences_mcp.text import clean, line

MAX_BYTES = 50_000_000
"""How long a file may be."""

_UPLOADS = re.compile(r"/?(?:mnt/(?:user-data|data)|home/claude)(?:/|$)|(?:sandbox|attachment):")
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_SYSTEM = tuple(Path(each) for each in ("/proc", "/sys", "/dev"))
_OTHER_TABLES = {
    ".xls": "It is an old Excel file: save it as .xlsx (Excel workbook).",
    ".xlsm": "It is a workbook with macros: save it as .xlsx (Excel workbook).",
    ".xlsb": "It is a binary workbook: save it as .xlsx (Excel workbook).",
    ".ods": "It is an OpenDocument table: save it as .xlsx or .csv.",
    ".numbers": "It is a Numbers document: export it as .xlsx or .csv.",
    ".vcf": "These are contact cards: export them as .csv.",
    ".pdf": "A PDF has no rows and columns: give the table that it was made of.",
}
_MAX_SEEN = 10_000  # entries of a folder in which a name is looked for


class Folders:
    """The folders that lists may be read from and written into.

    Args:
        folders: Absolute paths; those that do not exist are passed over.
        shared: Whether callers are on other machines, so that no file here is theirs.
    """

    def __init__(self, folders: Sequence[Path], *, shared: bool = False) -> None:
        self._shared = shared
        self._folders = [folder.resolve() for folder in folders]

    def read(self, file_path: str) -> File:
        """Return a file that the caller named by its whole path, or by its name alone.

        Raises:
            NotConfigured: No folder is allowed.
            InvalidInput: It may not be read, is not there, or is no file that a list can come in; says what to do.
        """
        if self._shared:
            raise NotConfigured(
                "This server is shared over HTTP, so it reads no files: those of its machine are not yours. Pass the list as "
                "csv_text (up to 1,000,000 characters), or run audiences-mcp on the machine that has the file.",
            )
        if not self._folders:
            raise NotConfigured(
                "This server may not read files yet. Set AUDIENCES_MCP_FOLDERS in its configuration (or --folder PATH) to "
                "the folder that has the lists and restart it; or pass the list as csv_text.",
            )
        text = file_path.strip().strip("\"'")
        self._refuse_foreign(text)
        return read_file(self._found(text))

    def new_file(self, file_path: str) -> Path:
        """Return where a new .csv file may be written; a name alone goes into the first folder.

        Raises:
            NotConfigured: No folder is allowed.
            InvalidInput: It may not be written there, or something of that name is there already; says what to do.
        """
        if not self._folders:
            raise NotConfigured(
                "This server may not write files yet, so nothing was written. Set AUDIENCES_MCP_FOLDERS in its configuration "
                "(or --folder PATH) to the folder that files go into and restart it.",
            )
        text = file_path.strip().strip("\"'")
        try:
            path = self._folders[0] / (Path(text).expanduser() if text.startswith(("~/", "~\\")) else Path(text))
            folder = path.parent.resolve()
        except (ValueError, RuntimeError, OSError):
            raise InvalidInput("file_path cannot be a path, so nothing was written: give a file name.") from None
        if path.suffix.lower() != ".csv" or clean(path.name) != path.name:
            raise InvalidInput("An audience is written as CSV, so nothing was written: give a name that ends in .csv.")
        if _URL.match(text) or not self._allows(folder / path.name):
            raise InvalidInput(
                "file_path is not inside a folder that this server may write to, so nothing was written. Give a file name "
                f"alone, or a path inside {self._named()}.",
            )
        if not folder.is_dir():
            raise InvalidInput(f"There is no folder {_listed([folder])}, so nothing was written: name one that exists.")
        if os.path.lexists(folder / path.name):
            raise _exists()
        return folder / path.name

    def _refuse_foreign(self, file_path: str) -> None:
        """Refuse what is no path of this machine."""
        if _UPLOADS.match(file_path) and not self._allows(Path(file_path)):
            raise InvalidInput(
                "This is an attachment of the chat, which lies with the chat and not on this machine, so the server cannot "
                f"see it. Ask the person to save the file in {self._named()} and give its name, or pass its text as csv_text.",
            )
        if file_path.lower().startswith("file:"):
            raise InvalidInput("file_path is a link: give the plain path of the file, without file://.")
        if _URL.match(file_path) or file_path.startswith(("\\\\", "//")):
            raise InvalidInput(
                "file_path is a link or a network path, which is not read: save the file on this machine first."
            )

    def _found(self, file_path: str) -> Path:
        """Return the file, resolved and inside an allowed folder."""
        try:
            path = Path(file_path).expanduser() if file_path.startswith(("~/", "~\\")) else Path(file_path)
            tried = [path] if path.is_absolute() else [folder / path for folder in self._folders]
            resolved = [each.resolve() for each in tried]
        except (ValueError, RuntimeError, OSError):  # a zero byte, an unknown home, a loop of links
            raise InvalidInput("file_path cannot be a path: give the name of a file in an allowed folder.") from None
        inside = [each for each in resolved if self._allows(each)]
        if not inside:
            raise self._outside()
        _refuse_suffix(inside[0].suffix or path.suffix)
        there = [stored for each in inside if (stored := _as_stored(each))]
        if len(set(there)) > 1:
            raise InvalidInput(
                f"{line(path.name)!r} is in several folders: give its whole path, one of {_listed(there)}."
            )
        if not there:
            raise self._missing(path, inside)
        return there[0]

    def _allows(self, path: Path) -> bool:
        if any(path.is_relative_to(system) for system in _SYSTEM) or (os.name == "nt" and ":" in path.name):
            return False
        return any(path.is_relative_to(folder) for folder in self._folders)

    def _outside(self) -> InvalidInput:
        return InvalidInput(
            f"file_path is not inside a folder that this server may read, which is {self._named()}. Ask the person to put "
            "the file there, or to allow its folder in AUDIENCES_MCP_FOLDERS.",
        )

    def _missing(self, path: Path, tried: Sequence[Path]) -> InvalidInput:
        gone = [file.parent for file in tried if not file.parent.is_dir()]
        if len(gone) == len(tried):
            return InvalidInput(
                f"There is no folder {_listed(gone)}, so the file is not there either. Check the folder."
            )
        names = {name for file in tried for name in _lists_in(file.parent)}
        by_key = {_key(name): name for name in names}
        near = get_close_matches(_key(path.name), by_key, n=3, cutoff=0.4)
        hint = f"Did you mean {' or '.join(repr(line(by_key[key])) for key in near)}?" if near else "Check its name."
        return InvalidInput(
            f"There is no file {line(path.name)!r} in {_listed([file.parent for file in tried])}. {hint}"
        )

    def _named(self) -> str:
        return _listed(self._folders)


def read_file(path: Path) -> File:
    """Return a regular file that a list can come in, whole.

    Raises:
        InvalidInput: It is none, is too long, or the system does not let it be read.
    """
    suffix = path.suffix.lower()
    _refuse_suffix(suffix)
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise InvalidInput("This is no ordinary file, so it was not read: give a file with a list.")
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or "unknown").lower()
        raise InvalidInput(f"The file cannot be read ({reason}): check that it exists and may be read.") from None
    if len(content) > MAX_BYTES:
        raise InvalidInput(
            f"The file is longer than {MAX_BYTES // 1_000_000} MB: divide the list, or leave out columns."
        )
    return File(suffix, content, path.stem)


def write_new(path: Path, content: bytes) -> None:
    """Write a file that does not exist yet, whole or not at all; only who runs the server may read it.

    Raises:
        InvalidInput: Something of that name is there, be it a link, or the system does not let it be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(path, flags, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    except FileExistsError:
        raise _exists() from None
    except OSError as error:
        reason = (error.strerror or "unknown").lower()
        raise InvalidInput(f"The file cannot be written ({reason}), so there is none: choose another folder.") from None


def _exists() -> InvalidInput:
    return InvalidInput("A file of this name is there already, and nothing is overwritten: give another name.")


def _refuse_suffix(suffix: str) -> None:
    if suffix.lower() not in SUFFIXES:
        what = _OTHER_TABLES.get(suffix.lower(), "It is of another kind: save it as .xlsx or .csv.")
        raise InvalidInput(f"A list is read from a file that ends in {', '.join(SUFFIXES)}. {what}")


def _as_stored(path: Path) -> Path | None:
    """Return the path of a file that is there, also where its name is stored in another Unicode form or case."""
    if path.is_symlink() or path.exists():
        return path
    wanted = _same_form(path.name).casefold()
    alike = [path.with_name(name) for name in _names_in(path.parent) if _same_form(name).casefold() == wanted]
    return alike[0] if len(alike) == 1 and not alike[0].is_symlink() else None


def _names_in(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry, _ in zip(entries, range(_MAX_SEEN), strict=False):
                yield entry.name
    except OSError:
        return


def _lists_in(folder: Path) -> list[str]:
    return [name for name in _names_in(folder) if name.lower().endswith(SUFFIXES)]


def _same_form(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _key(name: str) -> str:
    """Return a name as names are compared: without its suffix, which most of them share."""
    return _same_form(Path(name).stem).casefold()


def _listed(paths: Sequence[Path], most: int = 5) -> str:
    names = [line(str(path), 200) for path in dict.fromkeys(paths)]
    return " or ".join(names[:most]) + (f" or {len(names) - most} more" if len(names) > most else "")
