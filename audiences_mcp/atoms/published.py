"""The answers of the API as they are published, and where an answer differs: by field and kind, never by value."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from audiences_mcp.text import line

COLUMNS = ("phoneNumber", "firstName")
"""Columns of the members that are compared; those of others are theirs."""

_ID = re.compile("[0-9a-fA-F]{24}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

# What `data` holds. A type stands for any value of it, a list for any number of its one item, a field that ends in ? may
# be missing or null, and all else stands for itself.
AUDIENCE = {
    "_id": _ID,
    "name": str,
    "description?": str,
    "phoneNumberColumnName": str,
    "identifierColumnName?": str,
    "organization": str,
    "createdBy": str,
    "createdAt": _MOMENT,
    "updatedAt": _MOMENT,
}
_CAMPAIGN = {"_id": _ID, "name": str, "status": str, "createdAt": _MOMENT}
AUDIENCES = [{**AUDIENCE, "memberCount": int, "hasCampaigns": bool, "campaigns": [_CAMPAIGN]}]
_MEMBERS = [{"_id": _ID, "data": dict.fromkeys(COLUMNS, str)}]
MEMBERS_PAGE = {"members": _MEMBERS, "totalCount": int, "totalPages": int, "hasMore": bool}
ADDED = [{"message": str, "data": {"added": int, "skipped": int}}]
REMOVED = {"deletedCount": int}
FOUND = {
    "members": _MEMBERS,
    "searchInfo": {"searchType": str, "searchTerm": str, "searchFields?": [str], "totalResults": int},
}
_ENTRY = {
    **dict.fromkeys(("id", "orgId", "phoneNumber", "source", "agentId?", "detectedInCallId?"), str),
    "createdAt": _MOMENT,
    "updatedAt": _MOMENT,
}
_PAGINATION = {**dict.fromkeys(("page", "offset", "total", "totalPages"), int), "hasMore": bool}
DO_NOT_CALL = {"entries": [_ENTRY], "pagination": _PAGINATION}
DELETED: list[object] = []

_REFUSAL = {"status": False, "errors": [str]}
_KINDS = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    float: "a fraction",
}


class Difference(NamedTuple):
    """One thing that is not as published, and whether it does no harm."""

    text: str
    harmless: bool = False


def differences(status: int, body: Mapping[str, Any], data: object, published: int = 200) -> Iterator[Difference]:
    """Tell where an answer differs.

    Args:
        status: Its HTTP status.
        body: Its JSON, envelope and all.
        data: What its `data` should hold; of a refusal there is none.
        published: The HTTP status that it should have.
    """
    alike = status // 100 == published // 100
    if status != published:
        yield Difference(f"answered {status}, not {published}", alike)
    if alike:
        yield from _compared({"status": True, "data": data} if published < 400 else _REFUSAL, body, "")


def _compared(expected: Any, found: Any, where: str) -> Iterator[Difference]:  # noqa: ANN401 - that is what JSON is
    match expected:
        case dict() if isinstance(found, dict):
            yield from _in_object(expected, found, f"{where}." if where else "")
        case list() if isinstance(found, list):
            for item in found if expected else ():
                yield from _compared(expected[0], item, f"{where}[]")
        case re.Pattern() if isinstance(found, str):
            if not expected.fullmatch(found):
                yield Difference(f"{where} has another form than published")
        case bool():
            if found is not expected:
                yield Difference(f"{where} is not {str(expected).lower()}")
        case _ if _kind(found) != _kind(expected):
            yield Difference(f"{where} is {_kind(found)}, not {_kind(expected)}")


def _in_object(expected: Mapping[str, Any], found: Mapping[str, Any], prefix: str) -> Iterator[Difference]:
    names = {marked.removesuffix("?"): marked.endswith("?") for marked in expected}
    for (name, optional), shape in zip(names.items(), expected.values(), strict=True):
        if found.get(name) is not None or (name in found and not optional):
            yield from _compared(shape, found[name], prefix + name)
        elif not optional:
            yield Difference(f"{prefix}{name} is missing")
    for name in found.keys() - names:
        yield Difference(f"{prefix}{line(name, 40)} is not published", harmless=True)


def _kind(value: object) -> str:
    """Name the kind of a value, or the one that is expected."""
    if value is None:
        return "null"
    if isinstance(value, float) and value % 1 == 0:
        return _KINDS[int]  # JSON knows one kind of number
    kind = value if isinstance(value, type) else str if isinstance(value, re.Pattern) else type(value)
    return _KINDS[kind]
