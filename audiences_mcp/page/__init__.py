"""The report as one page of HTML: for a chat that shows pages, or as a file with its data inside.

The page is plain HTML, CSS and JavaScript in the files beside this one, which are put together here. It loads nothing
from anywhere, and a policy in its head forbids it. What a cell holds gets into it as JSON only, and onto the screen as
text only.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from audiences_mcp import __version__
from audiences_mcp.masking import masked, text_masked
from audiences_mcp.models import CheckReport, ListedRow

PAGE = "ui://audiences/report.html"
"""Where a client reads it."""

_SCRIPTS = ("words", "elements", "host", "rows", "hours", "report", "actions", "start")
"""The parts of the script, in their order: each uses only what stands before it."""

MAX_ROWS_INSIDE = 2_000
"""Rows that a file has inside, so that its reader can search them."""


def chat_page(*, read_only: bool) -> str:
    """Return the page that a chat shows; it gets its data from the chat.

    Args:
        read_only: Whether it offers nothing but to look.
    """
    # A chat may put a script of its own into the page, so only where scripts come from is limited.
    return _page({"version": __version__, "readOnly": read_only}, "'unsafe-inline'", "'unsafe-inline'")


def page_with(report: CheckReport, rows: Sequence[ListedRow], name: str, *, mask: bool = False) -> str:
    """Return the page as a file that needs no server.

    Args:
        report: The report of a check.
        rows: All of its rows.
        name: Of the list.
        mask: Whether only the last four digits of each number are in it.
    """
    # Who looks into the file looks for those who were left out.
    inside = sorted(rows, key=lambda row: row.status == "ready")[:MAX_ROWS_INSIDE]
    data: dict[str, Any] = {
        "result": report.model_dump(mode="json", exclude_none=True),
        "rows": [row.model_dump(mode="json", exclude_none=True) for row in sorted(inside, key=lambda row: row.row)],
    }
    if mask:
        data, name = masked(data), text_masked(name)
    given = {"version": __version__, "readOnly": True, "name": name, **data}
    return _page(given, _hash_of(_script()), _hash_of(_style()))


def _page(given: dict[str, Any], scripts: str, styles: str) -> str:
    parts = {
        "policy": f"default-src 'none'; script-src {scripts}; style-src {styles}; base-uri 'none'; form-action 'none'",
        "style": _style(),
        "given": _json(given),
        "script": _script(),
    }
    head, *rest = _read("page.html").split("{{")
    return head + "".join(parts[name] + text for name, _, text in (part.partition("}}") for part in rest))


def _json(value: Any) -> str:  # noqa: ANN401 - any data
    """Return data as JSON in which nothing can end the element that it stands in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", r"\u003c")


def _hash_of(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _style() -> str:
    return f"\n{_read('style.css')}"


@cache
def _script() -> str:
    return '\n"use strict";\n' + "\n".join(_read(f"{name}.js") for name in _SCRIPTS)


@cache
def _read(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")
