"""What MCP clients need to be told to start this server, ready to paste; the README and `doctor` show the same texts.

Each form is as the client's own documentation has it: claude.com (Claude Desktop, Claude Code), cursor.com/docs/mcp,
docs.devin.ai (Windsurf, which is Devin Desktop now), code.visualstudio.com/docs, zed.dev/docs/ai/mcp and
developers.openai.com/codex/mcp.
"""

import json
import os
import shlex
import subprocess
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

KEY_VARIABLE = "SMALLEST_API_KEY"
PLACEHOLDER = "sk_..."
"""Stands for the key, which is never printed."""

_NAME = "audiences"  # of the server, in each client
_KEY_INPUT = {"type": "promptString", "id": "atoms-key", "description": "Atoms API key", "password": True}


@dataclass(frozen=True, slots=True)
class Start:
    """How the server is started.

    Args:
        command: The program.
        args: Its arguments.
        env: What it finds in its environment; the key stands there as a placeholder.
    """

    command: str
    args: Sequence[str]
    env: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return the three as most clients name them."""
        return {"command": self.command, "args": [*self.args], "env": dict(self.env)}


@dataclass(frozen=True, slots=True)
class Configuration:
    """What one client, or several that take the same, are given.

    Args:
        places: Each client and where the text goes.
        language: Of the text, as Markdown names it.
        text: What is pasted.
        links: Each client that has one, and the link that installs the server with one click.
    """

    places: Mapping[str, str]
    language: str
    text: str
    links: Mapping[str, str]


def configurations(start: Start) -> list[Configuration]:
    """Return what each client is given so that it starts the server in this way."""
    server = start.as_json()
    variables = [part for name, value in start.env.items() for part in ("--env", f"{name}={value}")]
    program = [start.command, *start.args]
    # Claude Code reads a name that follows --env as one more variable, so another flag stands between.
    claude_code = ["claude", "mcp", "add", *variables, "--scope", "user", _NAME, "--", *program]
    return [
        Configuration(
            {
                "Claude Desktop": "Settings → Developer → Edit Config; then restart it",
                "Cursor": "`~/.cursor/mcp.json`",
                "Windsurf": "`~/.codeium/windsurf/mcp_config.json`; since it is Devin Desktop, "
                "`~/.config/devin/mcp_config.json` (on Windows `%APPDATA%\\devin\\mcp_config.json`)",
            },
            "json",
            _pretty({"mcpServers": {_NAME: server}}),
            {"Cursor": _cursor_link(server)},
        ),
        Configuration({"Claude Code": "in a terminal"}, "text", _command_line(claude_code), {}),
        _vs_code(start),
        Configuration(
            {"Zed": "`settings.json` (command palette: `zed: open settings file`)"},
            "json",
            _pretty({"context_servers": {_NAME: server}}),
            {},
        ),
        Configuration(
            {"Codex": "in a terminal"},
            "text",
            _command_line(["codex", "mcp", "add", _NAME, *variables, "--", *program]),
            {},
        ),
    ]


def _vs_code(start: Start) -> Configuration:
    """VS Code asks for the key once and keeps it, so that it stands in no file and no link."""
    inputs = [_KEY_INPUT] if KEY_VARIABLE in start.env else []
    env = {name: "${input:atoms-key}" if name == KEY_VARIABLE else value for name, value in start.env.items()}
    server = {"type": "stdio", **start.as_json(), "env": env}
    whole = {"inputs": inputs, "servers": {_NAME: server}}
    link = "vscode:mcp/install?" + quote(json.dumps({"name": _NAME, **server, "inputs": inputs}), safe="")
    places = {"VS Code": "`.vscode/mcp.json`, or `MCP: Open User Configuration` in the command palette"}
    return Configuration(places, "json", _pretty(whole), {"VS Code": link})


def _cursor_link(server: Mapping[str, Any]) -> str:
    config = quote(b64encode(json.dumps(server).encode()).decode(), safe="")
    return f"cursor://anysphere.cursor-deeplink/mcp/install?name={_NAME}&config={config}"


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _command_line(parts: Sequence[str]) -> str:
    return subprocess.list2cmdline(parts) if os.name == "nt" else shlex.join(parts)
