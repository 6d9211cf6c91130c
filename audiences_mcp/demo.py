"""The whole job as an MCP client sees it: a messy list in, a report, an audience, a read-back, a deletion.

The server runs as a process of its own and is spoken to over stdio, as a desktop client does it; Atoms is the embedded
sandbox, new and empty. Every claim is compared with what came back, so the demo fails where the product does.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from textwrap import shorten
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import anyio
from mcp import Client, StdioServerParameters

from audiences_mcp.atoms.sandbox import serve
from audiences_mcp.models import CheckReport, ListedRow
from audiences_mcp.page import page_with

LIST = """\
name,phone,city
Asha Rao,+91 98765 43210,Pune
Ben Cole,(202) 555-0143,Washington
Chloé Petit,0033 6 12 34 56 78,Lyon
"Diaz, Ana",+34 612 34 56 78,Sevilla
Asha R.,0091 98765 43210,Pune
Emre Kaya,9.05321E+11,Izmir
Finn Olsen,4792345678,Bergen
Gita Shah,+91 98765 4321,Surat
Hugo Weber,'+49 1512 3456789,Köln
Ivy Tan,+65 8123 4567 / +65 8123 4568,Singapore
Jack Poe,+1 415 555 2671 ext 12,Oakland
Kim Lee,call me,Seoul
Lena Novak,p:+420601123456,Brno
Marco Riva,+390669812345.0,Roma
Nia Owen,+44 909 879 0000,Cardiff
Omar Aziz,+971 50 123 4567,Dubai
Pia Lund,+46112,Malmö
Quin Fox,,Perth
Rosa Vega,+525512345678,Puebla
Sam Iles,+999 123 4567,Bath
Tom Hale,+44 7400 123456,Leeds,UK
"""
"""Twenty-one rows with each kind of trouble, none of them a real person."""

DO_NOT_CALL = "+971-50-1234567"
"""On the organisation's do-not-call list, in another spelling than in the list."""

_KEY = "sk_demo"
_AUDIENCE = "Spring offer"


class _DemoFailed(Exception):
    """Something did not hold; the text says what."""


def run_demo() -> int:
    """Run the demo and return 0 only if all of it held."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr] # an old console may lack a letter of a name
    with serve() as url:
        _put_on_do_not_call_list(url)
        with TemporaryDirectory(ignore_cleanup_errors=True) as state:
            failed = anyio.run(_run, url, state)
    _say(f"\nFAILED: {failed}" if failed else "\nAll of it held.")
    return 1 if failed else 0


async def _run(url: str, state: str) -> str:
    """Run every step and return what did not hold; an empty text when all of it did.

    Args:
        url: The sandbox.
        state: A folder for what is noted, which is no other server's: two of them would wait for each other.
    """
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "audiences_mcp"],
        env={"SMALLEST_API_KEY": _KEY, "ATOMS_API_URL": url, "XDG_STATE_HOME": state, "LOCALAPPDATA": state},
    )
    async with Client(server) as client:
        try:
            tools = (await client.list_tools()).tools
            _say(
                f"Started the server and listed its {len(tools)} tools over stdio; Atoms is a sandbox, nobody is called."
            )
            report = await _check(client)
            audience_id = await _create(client, report)
            await _read_back(client, audience_id, report)
            await _add_again(client, audience_id)
            await _delete(client, audience_id)
        except _DemoFailed as failed:
            return str(failed)
    return ""


async def _check(client: Client) -> dict[str, Any]:
    _say(f"\n1. check_contacts: a messy list of {len(LIST.splitlines()) - 1} rows. Nothing is sent.\n")
    report = await _call(client, "check_contacts", csv_text=LIST)
    rows = (await _call(client, "list_check_rows", check_id=report["check_id"]))["rows"]
    for row in sorted(rows, key=lambda row: (row["status"] != "ready", row["row"])):
        ready = row["status"] == "ready"
        told = (
            f"-> {row['phone_number']}" if ready else shorten(f"{row['reason']}: {row['hint']}", 76, placeholder=" ...")
        )
        _say(f"   {row['label']:<11} {row['value']:<29} {told}")
    _say(f"\n   The same as a page, to open in a browser: {_written(report, rows)}\n")
    counts = report["counts"]
    _expect(f"every row is accounted for: {report['summary']}", sum(counts.values()) == 2 * counts["rows"])
    return report


def _written(report: dict[str, Any], rows: list[dict[str, Any]]) -> Path:
    """Write the report as a page into a new folder and return where it is."""
    page = Path(mkdtemp(prefix="audiences-mcp-demo-")) / "report.html"
    listed = [ListedRow.model_validate(row) for row in rows]
    page.write_text(page_with(CheckReport.model_validate(report), listed, "A messy list"), encoding="utf-8")
    return page


async def _create(client: Client, report: dict[str, Any]) -> str:
    _say("\n2. create_audience: only the ready rows, by the check_id of the report; then the same call again.\n")
    made = await _call(client, "create_audience", name=_AUDIENCE, check_id=report["check_id"])
    audience = made["audiences"][0]
    ready = report["counts"]["ready"]
    _expect(
        f"Atoms stored {audience['member_count']} people, read back",
        made["verified"] and audience["member_count"] == ready,
    )
    again = await _call(client, "create_audience", name=_AUDIENCE, check_id=report["check_id"])
    _expect("the repeat sent nothing", again["already_done"] and again["audiences"] == made["audiences"])
    listed = await _call(client, "list_audiences")
    _expect("there is one audience", listed["total"] == 1)
    return str(audience["audience_id"])


async def _read_back(client: Client, audience_id: str, report: dict[str, Any]) -> None:
    _say("\n3. list_audience_members: what Atoms would dial.\n")
    members = (await _call(client, "list_audience_members", audience_id=audience_id))["members"]
    _expect("every stored number is in E.164", all(member["phone_number"].startswith("+") for member in members))
    sample = {row["phone_number"]: row["fields"] for row in report["sample"]}
    stored = {member["phone_number"]: member["fields"] for member in members}
    _expect("names and columns arrived as typed", all(stored[number] == fields for number, fields in sample.items()))


async def _add_again(client: Client, audience_id: str) -> None:
    _say("\n4. add_contacts: two of the same people, written differently.\n")
    people = [{"phone_number": "0091 (98765) 43210"}, {"phone_number": "06 12 34 56 78", "region": "FR"}]
    added = await _call(client, "add_contacts", audience_id=audience_id, contacts=people)
    _expect(
        "both are recognised, nobody is added twice", added["added"] == 0 and added["counts"]["already_member"] == 2
    )


async def _delete(client: Client, audience_id: str) -> None:
    _say("\n5. delete_audience: asks first, then deletes.\n")
    asked = await _call(client, "delete_audience", audience_id=audience_id)
    _expect("the first call deleted nothing and gave a token to confirm with", not asked["deleted"])
    token = asked["confirm_token"]
    deleted = await _call(client, "delete_audience", audience_id=audience_id, confirm_token=token)
    left = await _call(client, "list_audiences")
    _expect("the second call deleted it", deleted["deleted"] and left["total"] == 0)


async def _call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
    result = await client.call_tool(tool, arguments)
    if result.is_error or result.structured_content is None:
        raise _DemoFailed(f"{tool} answered: {getattr(result.content[0], 'text', '') if result.content else ''}")
    answer: dict[str, Any] = result.structured_content
    return answer


def _expect(claim: str, held: object) -> None:
    if not held:
        raise _DemoFailed(claim)
    _say(f"   ok: {claim}")


def _put_on_do_not_call_list(url: str) -> None:
    body = json.dumps({"phoneNumber": DO_NOT_CALL}).encode()
    headers = {"Authorization": f"Bearer {_KEY}", "Content-Type": "application/json"}
    direct = build_opener(ProxyHandler({}))  # a proxy of the environment does not reach this machine
    with direct.open(Request(f"{url}/dnc", data=body, headers=headers)):  # noqa: S310 - the sandbox, on this machine
        pass


def _say(*texts: str) -> None:
    sys.stdout.write("\n".join(texts) + "\n")
