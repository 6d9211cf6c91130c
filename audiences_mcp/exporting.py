"""An audience becomes a CSV file that a check reads back to the same rows."""

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio.to_thread

from audiences_mcp.app import App
from audiences_mcp.audiences import find_audience
from audiences_mcp.calls import Progress
from audiences_mcp.contacts.guarding import unguarded, write_rows
from audiences_mcp.contacts.sources import File, table_from_file
from audiences_mcp.contacts.tables import Row, Table
from audiences_mcp.errors import InvalidInput
from audiences_mcp.folders import MAX_BYTES, write_new
from audiences_mcp.members import read_members, table_of
from audiences_mcp.models import AudienceInfo, Export
from audiences_mcp.text import clean, several


async def run_export(app: App, audience_id: str, file_path: str, progress: Progress) -> Export:
    """Write all members of an audience into a new file of an allowed folder.

    Args:
        app: The server process.
        audience_id: The audience.
        file_path: Where to, as the caller named it.
        progress: Where to tell how far it is.

    Raises:
        NotConfigured: No folder is allowed.
        InvalidInput: The file cannot be written there, is there already, or nobody is in the audience.
        AtomsError: The audience could not be read; nothing was written.
    """
    path = await anyio.to_thread.run_sync(app.folders.new_file, file_path)
    client = await app.client()
    audience = await find_audience(client, audience_id)
    members = await read_members(client, audience_id, progress)
    return await anyio.to_thread.run_sync(_write, path, audience, _cleaned(table_of([(audience, members)])))


def _cleaned(table: Table) -> Table:
    """Return the rows as a check takes them: text that can be seen, and no wholly blank rows."""
    rows = (Row(row.number, tuple(map(clean, row.cells))) for row in table.rows)
    return replace(table, rows=[row for row in rows if any(map(str.strip, row.cells))])


def _write(path: Path, audience: AudienceInfo, table: Table) -> Export:
    if not table.rows:
        raise InvalidInput("The audience has no members, so no file was written.")
    text = io.StringIO(newline="")
    write_rows(text, table.headers, (row.cells for row in table.rows))
    content = text.getvalue().encode("utf-8-sig")  # Excel takes a file for UTF-8 only when it begins with the mark
    if len(content) > MAX_BYTES:
        raise InvalidInput(
            f"The file would be longer than {MAX_BYTES // 1_000_000} MB, which no check reads, so it was not written."
        )
    write_new(path, content)
    verified = _comes_back(table, File(".csv", content, path.stem))
    warning = "A check of this file gives other rows than are stored: check the audience itself with from_audiences."
    return Export(
        summary=f"Wrote {several(len(table.rows), 'member')} with {several(len(table.headers), 'column')} into a new file.",
        audience_id=audience.audience_id,
        name=audience.name,
        file_path=str(path),
        rows=len(table.rows),
        phone_column=table.headers[0],
        columns=list(table.headers),
        verified=verified,
        warnings=[] if verified else [warning],
        next_step="Tell the person where the file is, and that it holds personal data. To read it back call check_contacts "
        "with this file_path, phone_columns set to the phone_column, and bare_digits international.",
    )


def _comes_back(table: Table, file: File) -> bool:
    """Tell whether a check of the file has the same columns and rows."""
    try:
        read = table_from_file(file)
    except InvalidInput:  # such as a file without one number that can be read
        return False
    return read.headers == table.headers and _cells(read.rows) == [row.cells for row in table.rows]


def _cells(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    return [(*map(unguarded, row.cells), *row.surplus) for row in rows]
