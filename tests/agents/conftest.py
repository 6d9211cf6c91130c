"""What scripted agents share with the tests of the tools: a server in memory, its clock and its network."""

from tests.tools.conftest import _short_waits, _tools_made_once, clock, connect, mode, wire

__all__ = ["_short_waits", "_tools_made_once", "clock", "connect", "mode", "wire"]
