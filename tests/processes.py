"""The server as a process of its own, spoken to line by line, so that it can be killed and its streams can be closed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

import audiences_mcp

COMMAND = [sys.executable, "-m", "audiences_mcp"]
INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


def environment(**settings: str) -> dict[str, str]:
    """The environment without settings of whoever runs the tests, with these; with compiled files, as it is installed."""
    ours = ("SMALLEST_API_KEY", "ATOMS_API_KEY", "ATOMS_API_URL", "AUDIENCES_MCP_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | settings


def unmeasured(variables: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which no lines are measured, which takes several times as long."""
    return {name: value for name, value in variables.items() if not name.startswith("COVERAGE_")}


class Server:
    """A server process.

    Args:
        arguments: Its arguments.
        greet: Whether the older handshake is made first.
        settings: Its environment.
    """

    command: Sequence[str] = COMMAND

    def __init__(self, *arguments: str, greet: bool = True, **settings: str) -> None:
        self.process = subprocess.Popen(
            [*self.command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(**settings),
        )
        self._last_id = 0
        if greet:
            self.greet()

    def greet(self) -> None:
        """Make the older handshake."""
        answer = self.ask("initialize", INITIALIZE)
        assert answer["result"]["serverInfo"]["version"] == audiences_mcp.__version__
        self.send({"method": "notifications/initialized"})

    def send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()

    def request(self, method: str, params: dict[str, Any]) -> int:
        """Send a request and return its id; its answer is read later, or never."""
        self._last_id += 1
        self.send({"id": self._last_id, "method": method, "params": params})
        return self._last_id

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send a request and return its answer."""
        number = self.request(method, params)
        while (answer := self.next_answer()).get("id") != number:
            pass
        return answer

    def next_answer(self) -> dict[str, Any]:
        """Return what comes next, whichever request it answers."""
        assert self.process.stdout
        for line in self.process.stdout:
            answer: dict[str, Any] = json.loads(line)
            return answer
        raise EOFError(self.errors())

    def start(self, tool: str, **arguments: Any) -> int:
        """Call a tool without waiting for its answer, and return the id of the call."""
        return self.request("tools/call", {"name": tool, "arguments": arguments})

    def do(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must succeed and return its structure."""
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})["result"]
        assert not result.get("isError"), result["content"]
        structure: dict[str, Any] = result["structuredContent"]
        return structure

    def close_input(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()

    def stop(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def errors(self) -> str:
        """Wait for the end and return what was written to standard error."""
        assert self.process.stderr
        text = self.process.stderr.read()
        self.process.wait(timeout=60)
        return text

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream
            with suppress(BrokenPipeError):
                stream.close()
