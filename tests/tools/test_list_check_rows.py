"""list_check_rows: any row of a check, found by status, reason or text, page by page."""

from dataclasses import replace
from typing import Any

import pytest

from audiences_mcp.config import Settings
from tests.conftest import Organisation
from tests.tools.conftest import ONE_REVISION, Clock, Connect, LookedAtAgent, Wire, snapshot

pytestmark = pytest.mark.anyio

CSV = """\
phone,name,city,in
+14155552671,Ann Rao,Reno,yes
+1 (415) 555-2671,Bo,Reno,yes
+33612345678,Cy,Paris,yes
12,Di RAO,Pune,yes
,Ed,Oslo,yes
+14155552672,Fay,Oslo,no
"""


@pytest.fixture
async def check_id(agent: LookedAtAgent, organisation: Organisation) -> str:
    organisation.do_not_call("0033612345678")
    report = await agent.do("check_contacts", csv_text=CSV, only_where={"in": "yes"})
    return str(report["check_id"])


async def test_every_row_is_listed_with_what_became_of_it(agent: LookedAtAgent, check_id: str, wire: Wire) -> None:
    wire.forget()

    rows = await agent.do("list_check_rows", check_id=check_id)

    snapshot("results/list_check_rows", rows)
    assert rows["total"] == 6
    assert not wire.requests


@ONE_REVISION
@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"status": "ready"}, [2]),
        ({"status": "duplicate"}, [3]),
        ({"status": "suppressed"}, [4]),
        ({"status": "filtered_out"}, [7]),
        ({"reason": "do_not_call"}, [4]),
        ({"reason": "empty", "status": "invalid"}, [6]),
        ({"reason": "empty", "status": "ready"}, []),
        ({"contains": "rao"}, [2, 5]),
        ({"contains": "(415)"}, [3]),
        ({"contains": "+33612345678"}, [4]),
        ({"contains": "reno", "status": "ready"}, [2]),
        ({"contains": ""}, [2, 3, 4, 5, 6, 7]),
    ],
)
async def test_rows_are_found_by_status_reason_or_text(
    agent: LookedAtAgent, check_id: str, condition: dict[str, Any], found: list[int]
) -> None:
    rows = await agent.do("list_check_rows", check_id=check_id, **condition)

    assert [row["row"] for row in rows["rows"]] == found
    assert rows["total"] == len(found)


@ONE_REVISION
@pytest.mark.parametrize(
    "wanted", ["+91 98765 00001", "919876500001", "0091-98765-00001", "098765 00001", "98765 00001"]
)
@pytest.mark.parametrize("mask", [False, True])
async def test_a_whole_number_is_found_in_any_spelling_masked_or_not(
    settings: Settings, connect: Connect, wanted: str, *, mask: bool
) -> None:
    rows = (
        "phone,name\n+919876500001,Ann\n98765 00002,Bo\n(98765) 00001 ext 4,Cy\n98765 00003 / 98765 00001,Di\n"
        "९८७६५ ००००१ office,Ed\n98765 10001,Fay\n"
    )
    async with connect(replace(settings, mask_numbers=mask), None) as agent:
        report = await agent.do("check_contacts", csv_text=rows, default_region="IN")

        found = await agent.do("list_check_rows", check_id=report["check_id"], contains=wanted)

    assert [row["row"] for row in found["rows"]] == [2, 4, 5, 6]


async def test_pages_follow_one_another_to_the_end(agent: LookedAtAgent, check_id: str) -> None:
    seen: list[int] = []
    page: int | None = 1
    while page:
        rows = await agent.do("list_check_rows", check_id=check_id, page=page, page_size=4)
        seen += [row["row"] for row in rows["rows"]]
        page = rows.get("next_page")

    assert seen == [2, 3, 4, 5, 6, 7]


async def test_a_page_beyond_the_end_says_which_is_the_last(agent: LookedAtAgent, check_id: str) -> None:
    rows = await agent.do("list_check_rows", check_id=check_id, page=9, page_size=4)

    assert rows["rows"] == []
    assert rows["total"] == 6
    assert rows["next_step"] == "There is no page 9: the last one is 2."


async def test_a_page_that_is_too_long_says_how_to_go_on(agent: LookedAtAgent) -> None:
    names = "".join(f'12,"{n:03} {chr(34) * 140}"\n' for n in range(300))
    report = await agent.do("check_contacts", csv_text=f"phone,name\n+14155552671,Ann\n{names}")

    rows = await agent.do("list_check_rows", check_id=report["check_id"], page=2, page_size=150)
    size = len(rows["rows"])
    onward = f"page={150 // size + 2} and page_size={size}"
    rest = await agent.do("list_check_rows", check_id=report["check_id"], page=150 // size + 2, page_size=size)

    assert "next_page" not in rows
    assert rows["next_step"] == f"The page was too long and ends early: call again with {onward} for the rest."
    assert 0 < size < 150
    assert rest["rows"][0]["row"] <= rows["rows"][-1]["row"] + 1 < rest["rows"][-1]["row"]


async def test_an_unknown_reason_is_refused_with_those_there_are(agent: LookedAtAgent, check_id: str) -> None:
    refused = await agent.fail("list_check_rows", check_id=check_id, reason="dnc")

    assert refused.startswith("reason must be one of empty, excel_damaged, multiple_numbers,")


@ONE_REVISION
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"page": 0}, "page must be at least 1"),
        ({"page_size": 201}, "page_size must be at most 200"),
        ({"page": "two"}, "page must be a whole number"),
        ({"page": 1.5}, "page must be a whole number"),
        ({"status": "refused"}, "status must be 'ready', 'invalid', 'duplicate', 'suppressed', 'already_member' or "),
        ({"contains": "x" * 1_001}, "contains must have at most 1,000 characters"),
        ({"chek_id": "x"}, "unknown argument 'chek_id', did you mean 'check_id'?"),
        ({"\u202ecolumns\n": "x"}, "unknown argument 'columns'"),
    ],
)
async def test_wrong_arguments_are_told_in_plain_words(
    agent: LookedAtAgent, arguments: dict[str, Any], said: str
) -> None:
    refused = await agent.fail("list_check_rows", **{"check_id": "x", **arguments})

    assert refused.startswith(f"Invalid arguments for list_check_rows: {said}")


async def test_a_check_id_is_required(agent: LookedAtAgent) -> None:
    assert await agent.fail("list_check_rows") == "Invalid arguments for list_check_rows: check_id is required"


async def test_a_made_up_check_id_and_an_expired_one_are_told_apart(
    agent: LookedAtAgent, check_id: str, clock: Clock
) -> None:
    clock.forward(minutes=59.9)
    await agent.do("list_check_rows", check_id=check_id)
    clock.forward(minutes=0.2)

    assert await agent.fail("list_check_rows", check_id=check_id) == (
        "This check_id has expired (it is kept at most 60 minutes): call check_contacts, or audit_audience, again and "
        "use the check_id of its answer. Nothing was changed."
    )
    for made_up in ("0" * 32, "", "../check"):
        assert await agent.fail("list_check_rows", check_id=made_up) == (
            "This check_id is unknown, or the server was restarted since: call check_contacts, or audit_audience, "
            "again and use the check_id of its answer. Nothing was changed."
        )
