"""Command line: serve MCP on stdio, run the demo, check a file, serve the sandbox, look at what may be amiss."""

import argparse
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from audiences_mcp import __version__
from audiences_mcp.errors import AudiencesError, NotConfigured
from audiences_mcp.loading import load_sdk

if TYPE_CHECKING:
    from audiences_mcp.config import Settings


_INTERRUPTED, _NOBODY_READS = 128 + 2, 128 + 13
"""Exit codes, which shells give to what SIGINT or SIGPIPE ended."""

_SWITCH_SECONDS = 0.001  # a check runs in a thread, and must not hold up answers to other calls


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    parser = _parser()
    options = parser.parse_args(_folders_apart(sys.argv[1:] if arguments is None else arguments))
    try:
        code = _COMMANDS[options.command](options)
        if options.command:
            sys.stdout.flush()  # here, where it can be told that this fails
    except BaseException as error:
        if options.command or isinstance(error, AudiencesError):
            return _ended_early(error)
        raise  # the server has words of its own, see logs.py
    return code


def _ended_early(error: BaseException) -> int:
    """Say in one line why a command did not come to its end, where anybody needs to know, and return its exit code."""
    from audiences_mcp.logs import first_of, tell  # noqa: PLC0415 - only where something failed

    _drop_unwritten()
    error = first_of(error)
    if isinstance(error, KeyboardInterrupt):
        return _INTERRUPTED
    if isinstance(error, (BrokenPipeError, SystemExit)):  # the latter is what rich makes of the former
        return _NOBODY_READS
    if isinstance(error, AudiencesError):
        sys.stderr.write(f"audiences-mcp: {error}\n")
    elif isinstance(error, OSError) and error.strerror:
        sys.stderr.write(f"audiences-mcp: what was to be read or written could not be ({error.strerror.lower()}).\n")
    else:
        tell(error)
    return 2


def _drop_unwritten() -> None:
    """Leave no output that cannot be written: the interpreter would try again at its end, and show a traceback."""
    if sys.stdout is None:  # it was closed before the start
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="audiences-mcp",
        description="MCP server that turns a messy contact list into an Atoms audience that is safe to dial.",
        epilog="Without a command it serves MCP on standard input and output; an MCP client starts it.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--sandbox", action="store_true", help="use the embedded Atoms sandbox: no key, no network")
    parser.add_argument("--read-only", action="store_true", help="hide the tools that change Atoms or write a file")
    parser.add_argument(
        "--folder",
        action="append",
        default=[],
        metavar="PATH",
        help="folder that lists may be read from; several may follow, or each with a flag of its own",
    )
    parser.add_argument("--http", type=_said, metavar="HOST:PORT", help="serve MCP over HTTP for a team instead")
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.add_parser("demo", help="run the whole job on the embedded sandbox and print every step")
    check = commands.add_parser("check", help="check a list and print what a commit would do; nothing is sent")
    check.add_argument("file", metavar="FILE", help="a .csv, .tsv, .txt or .xlsx file")
    check.add_argument("--region", metavar="CODE", help="country of numbers without a country code, such as IN")
    check.add_argument(
        "--phone-column",
        action="append",
        default=[],
        metavar="HEADER",
        help="header of the phone column; several are tried in their order",
    )
    check.add_argument("--sheet", metavar="NAME", help="sheet of an .xlsx file")
    check.add_argument("--json", action="store_true", help="print the report as JSON")
    check.add_argument("--rejected", metavar="OUT.csv", help="write the refused rows with their reasons to a new file")
    check.add_argument("--html", metavar="OUT.html", help="write the report as a page to a new file")
    check.add_argument("--mask", action="store_true", help="show the last four digits of a number only, for sharing")
    sandbox = commands.add_parser("sandbox", help="serve the sandbox to any Atoms client")
    sandbox.add_argument("--port", type=_port, default=0, help="port on 127.0.0.1; 0, the default, picks one")
    sandbox.add_argument("--db", default=":memory:", metavar="FILE", help="keep its data in this file; default: memory")
    doctor = commands.add_parser(
        "doctor", help="look at settings, Atoms and the server; print configurations for clients"
    )
    doctor.add_argument(
        "--round-trip",
        action="store_true",
        help="make, change and delete a tiny audience on the account, and compare each answer with the published API",
    )
    doctor.add_argument("--yes", action="store_true", help="do not ask before the round trip")
    return parser


def _said(text: str) -> str:
    """Return an argument as it is, or nothing where it says nothing."""
    from audiences_mcp.config import is_set  # noqa: PLC0415 - only where there is such an argument

    return text if is_set(text) else ""


def _port(text: str) -> int:
    if text.isdecimal() and int(text) < 65_536:
        return int(text)
    raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")


def _folders_apart(arguments: Sequence[str]) -> list[str]:
    """Return arguments in which each folder has a flag of its own.

    A desktop client puts a whole list where its variable stands, so one flag may be followed by several folders or none.
    """
    apart, listing = [], False
    for previous, argument in pairwise(["", *arguments]):
        follows = previous == "--folder" or (listing and argument not in _COMMANDS)
        listing = follows and not argument.startswith("-")
        if argument != "--folder":
            apart += ["--folder", argument] if listing else [argument]
    return apart


def _open_standard_streams() -> None:
    """Open what a client left closed: else the next thing that is opened would get what is meant for it."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _serve(options: argparse.Namespace) -> int:
    _open_standard_streams()
    gc.disable()  # building the SDK's models makes no garbage: this saves a seventh of the start
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # else it looks for some in every installed package
    load_sdk()
    from audiences_mcp.logs import keep_logs_clean  # noqa: PLC0415 - after the collector is off
    from audiences_mcp.server import build_server  # noqa: PLC0415 - after the collector is off
    from audiences_mcp.stdio import run as run_stdio  # noqa: PLC0415 - after the collector is off

    keep_logs_clean()
    settings = _settings(options)
    if options.http:
        gc.enable()
        from audiences_mcp.http import run  # noqa: PLC0415 - brings uvicorn

        sys.setswitchinterval(_SWITCH_SECONDS)
        run(settings, options.http)
        return 0
    server = build_server(settings)
    gc.freeze()
    gc.enable()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    sys.setswitchinterval(_SWITCH_SECONDS)
    run_stdio(server)
    return 0


def _stop(number: int, _: object) -> None:
    """End at once: the SDK reads standard input in a thread that nothing else ends. What was sent is written down."""
    from audiences_mcp.calls import tell_what_was_done  # noqa: PLC0415 - loaded by the server

    try:
        tell_what_was_done()
    finally:
        os._exit(128 + number)


def _settings(options: argparse.Namespace) -> "Settings":
    from audiences_mcp.config import settings_from  # noqa: PLC0415 - after the collector is off

    return settings_from(
        sandbox=options.sandbox, read_only=options.read_only, folders=options.folder, shared=bool(options.http)
    )


def _check(options: argparse.Namespace) -> int:
    from audiences_mcp.terminal import run  # noqa: PLC0415 - brings rich

    return run(options, _settings(options))


def _demo(_: argparse.Namespace) -> int:
    from audiences_mcp.demo import run_demo  # noqa: PLC0415 - brings the MCP client

    return run_demo()


def _sandbox(options: argparse.Namespace) -> int:
    from audiences_mcp.atoms.sandbox import run  # noqa: PLC0415 - brings Starlette and uvicorn

    try:
        run(options.port, options.db)
    except OSError as error:
        raise NotConfigured(f"the sandbox could not start: {error.strerror or error}") from None
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from audiences_mcp.doctor import run  # noqa: PLC0415 - brings rich and the MCP client

    return run(options, _settings)


_COMMANDS: dict[str | None, Callable[[argparse.Namespace], int]] = {
    None: _serve,
    "demo": _demo,
    "check": _check,
    "sandbox": _sandbox,
    "doctor": _doctor,
}


if __name__ == "__main__":
    sys.exit(main())
