"""Settings: read once from the environment and the command line, then never changed."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from audiences_mcp.errors import NotConfigured

DEFAULT_URL = "https://api.smallest.ai/atoms/v1"
# Claude Desktop passes the ${HOME} of a bundle's default on as it is: that is the home, see `_path`.
_HOME = "${HOME}"
_UNSUBSTITUTED = re.compile(r"\$\{(?!HOME\})[^}]*\}")
# A URL that all parsers read alike: no user, query or fragment, nothing that hides where the key goes.
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?(?:/[a-z0-9._~%/-]*)?",
    re.ASCII | re.IGNORECASE,
)
_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Settings:
    """What the server was told.

    Args:
        api_key: The Atoms key, or None: the server still starts and lists its tools.
        api_url: Base URL of the API.
        sandbox: Whether the embedded sandbox is used instead of Atoms.
        default_region: Region as written (ISO code) for numbers without a country code, or None.
        read_only: Whether the tools that change anything are hidden.
        mask_numbers: Whether a model reads the last four digits of a number only.
        folders: Absolute paths of the folders that lists may be read from.
        suppression_file: File of numbers that are never uploaded, or None.
        audit_log: File to which each write appends a line, or None.
        shared: Whether it serves a team over HTTP, so that the files of its machine are not the caller's.
        state_url: Redis that the servers of a team share, or None.
        http_token: What clients over HTTP must send, or None.
        http_hosts: Host names and origins under which clients may reach it over HTTP.
    """

    api_key: str | None = field(default=None, repr=False)  # a representation may end in a log
    api_url: str = DEFAULT_URL
    sandbox: bool = False
    default_region: str | None = None
    read_only: bool = False
    mask_numbers: bool = False
    folders: tuple[Path, ...] = ()
    suppression_file: Path | None = None
    audit_log: Path | None = None
    shared: bool = False
    state_url: str | None = field(default=None, repr=False)  # it may hold a password
    http_token: str | None = field(default=None, repr=False)
    http_hosts: tuple[str, ...] = ()


def settings_from(
    environment: Mapping[str, str] = os.environ,
    *,
    sandbox: bool = False,
    read_only: bool = False,
    folders: Sequence[str] = (),
    shared: bool = False,
) -> Settings:
    """Return the settings of the environment; the flags of the command line add to them.

    Raises:
        NotConfigured: A setting cannot be used; says which and what it takes.
    """
    return Settings(
        api_key=_value(environment, "SMALLEST_API_KEY") or _value(environment, "ATOMS_API_KEY"),
        api_url=_url(_value(environment, "ATOMS_API_URL") or DEFAULT_URL),
        sandbox=sandbox or _switch(environment, "AUDIENCES_MCP_SANDBOX"),
        default_region=_value(environment, "AUDIENCES_MCP_DEFAULT_REGION"),
        read_only=read_only or _switch(environment, "AUDIENCES_MCP_READ_ONLY"),
        mask_numbers=_switch(environment, "AUDIENCES_MCP_MASK_NUMBERS"),
        folders=_folders([*folders_apart(environment.get("AUDIENCES_MCP_FOLDERS", "")), *folders]),
        suppression_file=_path(_value(environment, "AUDIENCES_MCP_SUPPRESSION_FILE")),
        audit_log=_path(_value(environment, "AUDIENCES_MCP_AUDIT_LOG")),
        shared=shared,
        state_url=_value(environment, "AUDIENCES_MCP_STATE_URL"),
        http_token=_value(environment, "AUDIENCES_MCP_HTTP_TOKEN"),
        http_hosts=tuple((_value(environment, "AUDIENCES_MCP_HTTP_HOSTS") or "").replace(",", " ").split()),
    )


def is_set(value: str | None) -> bool:
    """Tell whether a setting says anything: desktop clients pass `${user_config.x}` for what was left out."""
    return bool(value and value.strip()) and not _UNSUBSTITUTED.search(value or "")


def folders_apart(listed: str) -> list[str]:
    """Return the folders of one setting, each to be judged by itself; what separates them may stand in a `${…}` too."""
    return _UNSUBSTITUTED.sub(lambda found: found[0].replace(os.pathsep, ""), listed).split(os.pathsep)


def _value(environment: Mapping[str, str], name: str) -> str | None:
    value = environment.get(name)
    return value.strip() if value and is_set(value) else None


def _switch(environment: Mapping[str, str], name: str) -> bool:
    value = (_value(environment, name) or "off").lower()
    if value in _TRUE | _FALSE:
        return value in _TRUE
    raise NotConfigured(f"{name} must be on or off.")


def _folders(texts: Sequence[str]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(path for text in texts if is_set(text) and (path := _path(text.strip()))))


def _path(text: str | None) -> Path | None:
    """Return an absolute path; `~` is the home of whoever runs the server."""
    if text is None:
        return None
    return Path(os.path.abspath(os.path.expanduser(text.replace(_HOME, "~"))))  # noqa: PTH100, PTH111 - links stay, errors do not arise


def _url(text: str) -> str:
    """Return a base URL that the key may be sent to: https, or http on this machine."""
    match = _URL.fullmatch(text)
    if (
        match
        and int(match["port"] or 0) < 65_536
        and (match["scheme"].lower() == "https" or is_loopback(match["host"]))
    ):
        return text.rstrip("/")
    raise NotConfigured(
        "ATOMS_API_URL must begin with https:// (or http:// on this machine) and have no user, query or fragment, as in "
        f"{DEFAULT_URL}: the key is sent to it.",
    )


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine alone."""
    try:
        return host.lower() == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
