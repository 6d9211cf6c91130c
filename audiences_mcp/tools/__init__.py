"""The tools: what a model can call. Each docstring is the tool's description, each `Field` its parameter's.

A tool reads its arguments, asks `contacts` and Atoms, and tells the result; errors go up to one boundary.
"""

from mcp.types import ToolAnnotations

from audiences_mcp.definitions import AudienceTool
from audiences_mcp.page import PAGE
from audiences_mcp.tools.lists import check_contacts, list_check_rows
from audiences_mcp.tools.reads import get_audience, list_audience_members, list_audiences, search_audience_members
from audiences_mcp.tools.removes import remove_audience_members
from audiences_mcp.tools.stored import audit_audience, export_audience
from audiences_mcp.tools.writes import add_contacts, create_audience, delete_audience


def _hints(
    *, read_only: bool, destructive: bool = False, idempotent: bool = True, atoms: bool = True
) -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=read_only,
        destructive_hint=destructive,
        idempotent_hint=idempotent,
        open_world_hint=atoms,
    )


READ = _hints(read_only=True)
TOOLS = (
    (check_contacts, "Check a contact list", READ),
    (list_check_rows, "List rows of a check", _hints(read_only=True, atoms=False)),
    (create_audience, "Create an audience", _hints(read_only=False, idempotent=False)),
    (add_contacts, "Add contacts to an audience", _hints(read_only=False)),
    (list_audiences, "List audiences", READ),
    (get_audience, "Get an audience", READ),
    (list_audience_members, "List audience members", READ),
    (search_audience_members, "Search audience members", READ),
    (remove_audience_members, "Remove audience members", _hints(read_only=False, destructive=True)),
    (delete_audience, "Delete an audience", _hints(read_only=False, destructive=True)),
    (audit_audience, "Audit an audience", READ),
    (export_audience, "Export an audience to a file", _hints(read_only=False, idempotent=False)),
)
"""Every tool: its function, its title, its hints."""

_SHOWN = frozenset({check_contacts, create_audience, add_contacts, audit_audience})
"""Those whose answer a chat may show as a page."""


def build_tools(*, read_only: bool, shared: bool = False) -> list[AudienceTool]:
    """Return the tools; those that do not exist are named by no description.

    Args:
        read_only: Whether those that change anything do not exist.
        shared: Whether none writes files, since callers are on other machines.
    """
    hidden = {function.__name__ for function, _, hints in TOOLS if read_only and not hints.read_only_hint}
    hidden |= {export_audience.__name__} if shared else set()
    return [
        AudienceTool.of(function, title, hints, hidden, PAGE if function in _SHOWN else None)
        for function, title, hints in TOOLS
        if function.__name__ not in hidden
    ]
