"""What holds for any list and any arguments: every row is accounted for, and nothing but an answer comes back."""

import csv
import io
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audiences_mcp.definitions import AudienceTool
from audiences_mcp.tools import build_tools
from tests.tools.conftest import ONE_REVISION, LookedAtAgent

pytestmark = [pytest.mark.anyio, ONE_REVISION]

FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

STATUSES = ("ready", "invalid", "duplicate", "suppressed", "already_member", "filtered_out")
# Headers are named in messages, since the person has to mend them; a phone number is none.
NAMING = {"phone_columns", "region_column", "keep_columns", "column_mapping", "only_where"}

phones = st.sampled_from(
    [
        "+14155552671",
        "+1 (415) 555-2672",
        "14155552671",
        "98765 43210",
        "4792345678",
        "0033612345678",
        "12",
        "1E+11",
        "",
    ]
)
cells = phones | st.text(max_size=12)
rows = st.lists(st.tuples(cells, cells, st.sampled_from(["yes", "no", "YES ", ""])), min_size=1, max_size=12)
options = st.fixed_dictionaries(
    {},
    optional={
        "default_region": st.sampled_from(["IN", "us", "Germany"]),
        "bare_digits": st.sampled_from(["international", "national"]),
        "take_first_number": st.booleans(),
        "only_where": st.just({"ok": "yes"}),
        "region_column": st.just("name"),
        "keep_columns": st.sampled_from([[], ["name"]]),
    },
)


def json_values(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="ascii"), max_size=8), inner)
        ),
        max_leaves=6,
    )


secret_texts = st.text(max_size=20) | st.just("+14155552671") | st.builds("{} {}".format, st.text(max_size=9), phones)
plain_texts = st.text(st.characters(exclude_categories=["Nd", "Cs"]), max_size=20)
contacts = st.lists(
    st.fixed_dictionaries({"phone_number": json_values(secret_texts)}, optional={"first_name": secret_texts}),
    max_size=3,
)


@FEW
@given(table=rows, given_options=options)
async def test_every_row_of_any_table_is_accounted_for(
    agent: LookedAtAgent, table: list[tuple[str, str, str]], given_options: dict[str, Any]
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("phone", "name", "ok"), *table])
    filled = sum(any(cell.strip() for cell in row) for row in table)

    answer = await agent("check_contacts", csv_text=text.getvalue(), phone_columns=["phone"], **given_options)

    if answer.is_error:
        assert not filled or answer.text.startswith("region_column")
        return
    report = answer.data
    counts = report["counts"]
    assert counts["rows"] == filled == sum(counts[status] for status in STATUSES)
    assert sum(reason["count"] for reason in report["by_reason"]) == filled - counts["ready"] - counts["filtered_out"]
    for figure in ("by_country", "by_line_type", "time_zones"):
        assert sum(entry["count"] for entry in report[figure]) == counts["ready"]
    assert sum(report["calling_hours_now"].values()) == counts["ready"]
    listed = await agent.do("list_check_rows", check_id=report["check_id"], page_size=200)
    assert [row["status"] for row in listed["rows"]].count("ready") == counts["ready"]
    assert listed["total"] == filled


def arguments_of(tool: AudienceTool) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """A tool with any of its arguments, or none, of any value."""
    names = tool.parameters["properties"]
    values = {name: json_values(plain_texts if name in NAMING else secret_texts) for name in names}
    if "contacts" in values:
        values["contacts"] |= contacts
    values["an_argument_that_is_none"] = json_values(secret_texts)
    return st.tuples(st.just(tool.name), st.fixed_dictionaries({}, optional=values))


@settings(FEW, max_examples=200)
@given(call=st.one_of([arguments_of(tool) for tool in build_tools(read_only=False)]))
async def test_any_arguments_give_an_answer_or_an_error_without_a_phone_number(
    agent: LookedAtAgent, call: tuple[str, dict[str, Any]]
) -> None:
    tool, arguments = call

    answer = await agent(tool, **arguments)

    if answer.is_error and not answer.data:  # a refused commit shows its first problems, numbers and all
        assert not re.search(r"\d{7}", answer.text.replace(" ", "")), answer.text
        assert len(answer.text) < 2_000
