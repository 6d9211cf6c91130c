"""The sandbox over real HTTP: the published API, its messages and its weaknesses."""

import itertools
import json
import re
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx  # noqa: TID251 - the sandbox is tested as any HTTP client sees it
import pytest

from audiences_mcp.atoms.sandbox import build_app, run, serve

AGENT = "60d0fe4f5311236168a109ca"
NOBODY = "60d0fe4f5311236168a109cb"
DUPLICATE = (
    "Some phone numbers in your CSV already exist in this audience. Please remove duplicate entries and try again."
)
NO_SEARCH = (
    "At least one search parameter is required. Use 'query' for general search across all fields, or use"
    " field-specific searches like 'firstName=john' or 'phoneNumber=123456'."
)
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # httpx would read all root certificates for each client
_keys = itertools.count()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve() as base:
        yield base


@pytest.fixture
def atoms(url: str) -> Iterator[httpx.Client]:
    with organisation(url) as client:
        yield client


@pytest.fixture
def stranger(url: str) -> Iterator[httpx.Client]:
    with organisation(url) as client:
        yield client


def organisation(url: str, key: str | None = None) -> httpx.Client:
    """A client of its own organisation that holds every answer to what all answers have."""
    return httpx.Client(
        base_url=url,
        headers={"Authorization": f"Bearer {key or f'sk_{next(_keys)}'}"},
        event_hooks={"response": [is_an_envelope]},
        verify=NO_TLS,
        trust_env=False,
        timeout=60,
    )


def is_an_envelope(response: httpx.Response) -> None:
    assert response.headers["content-type"] == "application/json"
    assert re.fullmatch("[0-9a-f-]{36}", response.headers["x-request-id"])
    response.read()
    assert "Traceback" not in response.text


def upload(client: httpx.Client, csv: str | bytes, phone: str = "phoneNumber", **fields: str) -> httpx.Response:
    content = csv.encode() if isinstance(csv, str) else csv
    return client.post(
        "/audience",
        data={"name": "VIP", "phoneNumberColumnName": phone, **fields},
        files={"file": ("list.csv", content, "text/csv")},
    )


def numbers(count: int, start: int = 0) -> str:
    return "phoneNumber\n" + "".join(f"+1202{5_550_000 + each}\n" for each in range(start, start + count))


def make(client: httpx.Client, csv: str = "phoneNumber,firstName\n+15550001,Ann\n+15550002,Bob\n") -> str:
    return str(data(upload(client, csv))["_id"])


def data(response: httpx.Response, code: int = 200) -> Any:
    assert response.status_code == code, response.text
    body = response.json()
    assert body["status"] is True
    return body["data"]


def refused(response: httpx.Response, code: int = 400, *, status: object = False) -> str:
    assert response.status_code == code, response.text
    body = response.json()
    assert body["status"] == status
    assert list(body) == ["status", "errors"]
    (message,) = body["errors"]
    assert isinstance(message, str)
    return message


def members(client: httpx.Client, audience: str, **query: int) -> Any:
    return data(client.get(f"/audience/{audience}/members", params={"offset": 100} | query))


def stored(client: httpx.Client, audience: str) -> list[dict[str, Any]]:
    return [each["data"] for each in members(client, audience)["members"]]


def add(client: httpx.Client, audience: str, rows: object) -> httpx.Response:
    return client.post(f"/audience/{audience}/members", json={"members": rows})


def remove(client: httpx.Client, audience: str, ids: object) -> httpx.Response:
    return client.request("DELETE", f"/audience/{audience}/members", json={"memberIds": ids})


def campaign(client: httpx.Client, audience: str, **fields: object) -> httpx.Response:
    return client.post("/campaign", json={"name": "January", "audienceId": audience, "agentId": AGENT, **fields})


def search(client: httpx.Client, audience: str, **query: str) -> Any:
    return data(client.get(f"/audience/{audience}/members/search", params=query))


# Keys and organisations


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer pk_live", "Basic sk_1", "sk_1"])
def test_without_a_key_that_begins_with_sk_nobody_is_let_in(url: str, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    response = httpx.get(f"{url}/audience", headers=headers, trust_env=False, timeout=60)
    is_an_envelope(response)
    assert refused(response, 401) == "Unauthorized: User not found"


def test_each_key_is_an_organisation_of_its_own(atoms: httpx.Client, stranger: httpx.Client) -> None:
    make(atoms)
    ours, theirs = (data(each.get("/audience")) for each in (atoms, stranger))
    assert len(ours) == 1
    assert theirs == []


def test_the_same_key_is_the_same_organisation_whatever_the_case_of_bearer(url: str) -> None:
    with organisation(url, "sk_same") as client:
        audience = make(client)
        client.headers["Authorization"] = "bearer sk_same"
        assert data(client.get(f"/audience/{audience}"))["_id"] == audience


def test_another_organisations_audience_does_not_exist(atoms: httpx.Client, stranger: httpx.Client) -> None:
    audience = make(atoms)
    path = f"/audience/{audience}"
    answers = [
        stranger.get(path),
        stranger.delete(path),
        add(stranger, audience, [{"phoneNumber": "+1"}]),
        remove(stranger, audience, [NOBODY]),
        stranger.get(f"{path}/members/search", params={"query": "ann"}),
    ]
    assert {refused(answer, 404) for answer in answers} == {"Audience not found"}
    assert len(stored(atoms, audience)) == 2


def test_the_members_of_another_organisations_audience_are_forbidden(
    atoms: httpx.Client, stranger: httpx.Client
) -> None:
    assert refused(stranger.get(f"/audience/{make(atoms)}/members"), 403) == "Forbidden access"


def test_the_account_of_a_key_tells_its_organisation_without_an_envelope(atoms: httpx.Client) -> None:
    account = atoms.get("/account/get-account-details").json()
    audience = data(atoms.get(f"/audience/{make(atoms)}"))
    assert account["userId"] == audience["createdBy"]
    assert account["organizations"] == [
        {"orgId": audience["organization"], "name": "Sandbox organisation", "roleId": 0}
    ]


def test_no_key_is_stored(tmp_path: Path) -> None:
    file = tmp_path / "atoms.db"
    with serve(db=file) as url, organisation(url, "sk_very_secret") as client:
        make(client)
    assert b"very_secret" not in file.read_bytes()


# Audiences


def test_a_created_audience_comes_back_without_a_member_count(atoms: httpx.Client) -> None:
    created = data(
        upload(
            atoms, "phone,name\n+1555,Ann\n", phone="phone", name="Q1", description="Leads", identifierColumnName="name"
        )
    )
    moment = created["createdAt"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)
    assert all(re.fullmatch("[0-9a-f]{24}", created[key]) for key in ("_id", "organization", "createdBy"))
    assert created == {
        "_id": created["_id"],
        "name": "Q1",
        "description": "Leads",
        "phoneNumberColumnName": "phone",
        "organization": created["organization"],
        "createdBy": created["createdBy"],
        "createdAt": moment,
        "updatedAt": moment,
        "identifierColumnName": "name",
    }


def test_an_audience_by_id_has_neither_count_nor_campaigns(atoms: httpx.Client) -> None:
    created = data(upload(atoms, "phoneNumber\n+1555\n"))
    assert "description" not in created
    assert data(atoms.get(f"/audience/{created['_id']}")) == created


def test_the_list_has_counts_and_all_campaigns_in_order_of_creation(atoms: httpx.Client) -> None:
    first, second = make(atoms), make(atoms, "phoneNumber\n+1\n")
    made = [data(campaign(atoms, first, status=status), 201) for status in ("completed", "running")]
    listed = data(atoms.get("/audience"))
    assert [each["_id"] for each in listed] == [first, second]
    assert [each["memberCount"] for each in listed] == [2, 1]
    assert [each["hasCampaigns"] for each in listed] == [True, False]
    assert listed[0]["campaigns"] == [
        {key: each[key] for key in ("_id", "name", "status", "createdAt")} for each in made
    ]
    assert listed[1]["campaigns"] == []


def test_two_audiences_may_have_one_name(atoms: httpx.Client) -> None:
    assert make(atoms) != make(atoms)


def test_a_csv_is_read_with_bom_quotes_newlines_and_blank_lines(atoms: httpx.Client) -> None:
    text = '\ufeffphoneNumber,note\r\n+1,"two\nlines, one ""cell"""\r\n\r\n+2,Zoë 😀\r\n'
    assert stored(atoms, make(atoms, text)) == [
        {"phoneNumber": "+1", "note": 'two\nlines, one "cell"'},
        {"phoneNumber": "+2", "note": "Zoë 😀"},
    ]


def test_a_comma_too_many_shifts_the_row_as_it_does_in_atoms(atoms: httpx.Client) -> None:
    audience = make(atoms, "firstName,lastName,phoneNumber\nAcme, Inc,Doe,+15550001\n")
    assert stored(atoms, audience) == [{"firstName": "Acme", "lastName": " Inc", "phoneNumber": "Doe"}]


def test_a_short_row_lacks_its_last_columns(atoms: httpx.Client) -> None:
    assert stored(atoms, make(atoms, "phoneNumber,a,b\n+1,x\n")) == [{"phoneNumber": "+1", "a": "x"}]


def test_a_file_that_is_not_utf8_is_stored_malformed(atoms: httpx.Client) -> None:
    audience = data(upload(atoms, "phoneNumber,name\n+1,Zoë\n".encode("latin-1")))["_id"]
    assert stored(atoms, audience) == [{"phoneNumber": "+1", "name": "Zo\ufffd"}]


def test_numbers_are_compared_as_text(atoms: httpx.Client) -> None:
    audience = make(atoms, "phoneNumber\n+919876543210\n919876543210\n+91 98765 43210\n")
    assert members(atoms, audience)["totalCount"] == 3


def test_one_duplicate_refuses_the_whole_file(atoms: httpx.Client) -> None:
    assert refused(upload(atoms, "phoneNumber\n+1\n+2\n+1\n")) == DUPLICATE
    assert data(atoms.get("/audience")) == []


@pytest.mark.parametrize("file", [b"", b"phoneNumber\n", b"\n\n"])
def test_a_file_without_rows_is_no_file(atoms: httpx.Client, file: bytes) -> None:
    assert refused(upload(atoms, file)) == "CSV file is required"


def test_an_audience_needs_a_file(atoms: httpx.Client) -> None:
    fields = {"name": "x", "phoneNumberColumnName": "p"}
    without = atoms.post("/audience", data=fields, files={"other": b"x"})
    as_text = atoms.post("/audience", files={**{k: (None, v) for k, v in fields.items()}, "file": (None, "p\n+1")})
    as_json = atoms.post("/audience", json=fields)
    assert {refused(each) for each in (without, as_text, as_json)} == {"CSV file is required"}


@pytest.mark.parametrize("field", ["name", "phoneNumberColumnName"])
def test_an_audience_needs_a_name_and_a_phone_column(atoms: httpx.Client, field: str) -> None:
    assert refused(upload(atoms, numbers(1), **{field: " "})) == f"Invalid input: {field} is required"


@pytest.mark.parametrize("csv", ["phonenumber\n+1\n", "phoneNumber,a\n+1,x\n,y\n", "a,phoneNumber\nx\n"])
def test_each_row_of_a_file_needs_a_number_in_the_named_column(atoms: httpx.Client, csv: str) -> None:
    assert refused(upload(atoms, csv)) == "Each member must have a phoneNumber field"


def test_a_file_over_five_megabytes_is_too_large(atoms: httpx.Client) -> None:
    text = "phoneNumber,a\n" + "".join(f"+{each},{'x' * 1000}\n" for each in range(6000))
    limit = 5 * 1024 * 1024
    assert refused(upload(atoms, text.encode()[: limit + 1])) == "File too large"
    assert data(upload(atoms, text.encode()[:limit]))


def test_a_file_of_ten_thousand_members_is_the_limit(atoms: httpx.Client) -> None:
    assert refused(upload(atoms, numbers(10_001))) == "Audience cannot exceed 10000 members"
    begun = time.process_time()  # the sandbox is a thread of this process
    make(atoms, numbers(10_000))
    assert time.process_time() - begun < 2
    assert data(atoms.get("/audience"))[0]["memberCount"] == 10_000


def test_a_cell_too_long_for_csv_is_refused(atoms: httpx.Client) -> None:
    message = refused(upload(atoms, f"phoneNumber\n{'1' * 140_000}\n"))
    assert message.startswith("Invalid input: the CSV cannot be read: ")


def test_a_broken_upload_is_refused(atoms: httpx.Client) -> None:
    no_boundary = atoms.post("/audience", content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert refused(no_boundary) == "Missing boundary in multipart."


def test_a_deleted_audience_is_gone_with_its_members(atoms: httpx.Client) -> None:
    audience = make(atoms)
    assert data(atoms.delete(f"/audience/{audience}")) == []
    assert refused(atoms.get(f"/audience/{audience}"), 404) == "Audience not found"
    assert refused(atoms.get(f"/audience/{audience}/members"), 404) == "Audience not found"
    assert refused(atoms.delete(f"/audience/{audience}"), 404) == "Audience not found"


@pytest.mark.parametrize("status", ["draft", "scheduled", "processing", "running", "paused"])
def test_a_campaign_that_is_not_over_blocks_deletion(atoms: httpx.Client, status: str) -> None:
    audience = make(atoms)
    blocking = data(campaign(atoms, audience, status=status), 201)["_id"]
    message = refused(atoms.delete(f"/audience/{audience}"))
    assert message == f"can't delete audience, campaign with this audience {audience} exists"
    assert atoms.delete(f"/campaign/{blocking}").json() == {"status": True}
    assert data(atoms.delete(f"/audience/{audience}")) == []


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_campaign_that_is_over_does_not_block_deletion(atoms: httpx.Client, status: str) -> None:
    audience = make(atoms)
    over = data(campaign(atoms, audience, status=status), 201)["_id"]
    assert data(atoms.delete(f"/audience/{audience}")) == []
    assert data(atoms.get(f"/campaign/{over}"))["campaign"]["audience"] is None


@pytest.mark.parametrize("unknown", [NOBODY, "VIP", "..%2Fdnc", "60d0fe4f5311236168a109cbff"])
def test_an_unknown_or_malformed_id_is_not_found(atoms: httpx.Client, unknown: str) -> None:
    assert atoms.get(f"/audience/{unknown}").status_code == 404
    assert atoms.delete(f"/audience/{unknown}").status_code == 404
    assert atoms.get(f"/audience/{unknown}/members").status_code == 404


def test_a_blank_id_is_a_missing_id(atoms: httpx.Client) -> None:
    for answer in (atoms.get("/audience/%20"), remove(atoms, "%20", [NOBODY])):
        assert refused(answer) == "Audience ID missing"
    assert refused(atoms.get("/audience/%20/members"), status="error") == "Audience ID is required"


def test_an_empty_id_reaches_the_list_as_it_does_in_atoms(atoms: httpx.Client) -> None:
    audience = make(atoms)
    assert [each["_id"] for each in data(atoms.get("/audience/"))] == [audience]


# Members


def test_members_come_in_pages_of_five_and_limit_means_nothing(atoms: httpx.Client) -> None:
    audience = make(atoms, numbers(12))
    page = data(atoms.get(f"/audience/{audience}/members", params={"limit": 100}))
    assert [each["data"]["phoneNumber"] for each in page["members"]] == numbers(5).split()[1:]
    assert all(re.fullmatch("[0-9a-f]{24}", each["_id"]) for each in page["members"])
    assert {key: page[key] for key in page if key != "members"} == {"totalCount": 12, "totalPages": 3, "hasMore": True}


def test_offset_is_the_page_size(atoms: httpx.Client) -> None:
    audience = make(atoms, numbers(12))
    pages = [members(atoms, audience, page=page, offset=5) for page in (1, 2, 3, 4)]
    assert [len(page["members"]) for page in pages] == [5, 5, 2, 0]
    assert [page["hasMore"] for page in pages] == [True, True, False, False]
    listed = [each["data"]["phoneNumber"] for page in pages for each in page["members"]]
    assert listed == numbers(12).split()[1:]


def test_ten_thousand_members_are_read_at_once_or_page_by_page(atoms: httpx.Client) -> None:
    audience = make(atoms, numbers(10_000))
    whole = members(atoms, audience, offset=10_000)["members"]
    begun = time.process_time()
    paged = [each for page in range(1, 11) for each in members(atoms, audience, page=page, offset=1000)["members"]]
    assert time.process_time() - begun < 2
    assert paged == whole
    assert len({each["_id"] for each in whole}) == 10_000


@pytest.mark.parametrize(("name", "value"), [("page", "0"), ("page", "x"), ("offset", "-1"), ("offset", "1.5")])
def test_a_bad_page_of_members_is_refused_with_the_odd_envelope(atoms: httpx.Client, name: str, value: str) -> None:
    answer = atoms.get(f"/audience/{make(atoms)}/members", params={name: value})
    assert refused(answer, status="error") == f"Invalid input: {name} must be a whole number of at least 1"


def test_a_page_beyond_all_numbers_is_empty(atoms: httpx.Client) -> None:
    audience = make(atoms)
    assert members(atoms, audience, page=10**30, offset=10**30)["members"] == []
    assert len(members(atoms, audience, offset=10**30)["members"]) == 2


def test_added_members_are_counted_in_an_array(atoms: httpx.Client) -> None:
    audience = make(atoms)
    before = data(atoms.get(f"/audience/{audience}"))["updatedAt"]
    answer = data(
        add(
            atoms,
            audience,
            [
                {"phoneNumber": "+15550003", "firstName": "Cy"},
                {"phoneNumber": "+15550001", "firstName": "Other"},
                {"phoneNumber": "+15550003", "firstName": "Twice"},
                {"phoneNumber": "15550001", "city": "Any column is taken"},
            ],
        )
    )
    assert answer == [{"message": "2 members added successfully", "data": {"added": 2, "skipped": 2}}]
    assert stored(atoms, audience)[2:] == [
        {"phoneNumber": "+15550003", "firstName": "Cy"},
        {"phoneNumber": "15550001", "city": "Any column is taken"},
    ]
    assert data(atoms.get(f"/audience/{audience}"))["updatedAt"] >= before


def test_a_member_is_stored_as_it_was_sent(atoms: httpx.Client) -> None:
    audience = make(atoms)
    odd = {"phoneNumber": 15550009, "firstName": None, "tags": ["ä", {"b": 1.5}], "half": "\ud800"}
    raw = json.dumps({"members": [odd]})
    assert data(atoms.post(f"/audience/{audience}/members", content=raw))[0]["data"]["added"] == 1
    assert stored(atoms, audience)[-1] == odd
    assert data(add(atoms, audience, [{"phoneNumber": "15550009"}]))[0]["data"] == {"added": 0, "skipped": 1}


@pytest.mark.parametrize("row", [{}, {"firstName": "x"}, {"phonenumber": "+1"}, {"phoneNumber": ""}, "+1", None])
def test_each_added_member_needs_the_phone_field(atoms: httpx.Client, row: object) -> None:
    audience = make(atoms)
    answer = add(atoms, audience, [{"phoneNumber": "+15550009"}, row])
    assert refused(answer) == "Each member must have a phoneNumber field"
    assert len(stored(atoms, audience)) == 2


def test_more_than_ten_thousand_members_are_refused_with_the_room_left(atoms: httpx.Client) -> None:
    audience = make(atoms, numbers(9990))
    new = [{"phoneNumber": f"+44{each}"} for each in range(15)]
    assert refused(add(atoms, audience, new)) == (
        "Cannot add 15 members. You currently have 9990 members in this audience."
        " The maximum limit is 10000 members. You can add up to 10 more members."
    )
    assert data(add(atoms, audience, new[:10]))[0]["data"]["added"] == 10
    assert refused(add(atoms, audience, new[:1])).endswith("You can add up to 0 more members.")
    assert members(atoms, audience)["totalCount"] == 10_000


@pytest.mark.parametrize("wrong", [{}, {"members": []}, {"members": {"phoneNumber": "+1"}}])
def test_adding_needs_a_list_of_members(atoms: httpx.Client, wrong: object) -> None:
    answer = atoms.post(f"/audience/{make(atoms)}/members", json=wrong)
    assert refused(answer) == "Invalid input: members must be a list of at least one member"


def test_members_are_removed_by_id_from_their_own_audience_only(atoms: httpx.Client) -> None:
    audience, other = make(atoms), make(atoms)
    (first, second), (elsewhere, _) = (
        [m["_id"] for m in members(atoms, each)["members"]] for each in (audience, other)
    )
    assert data(remove(atoms, audience, [first, first, elsewhere, NOBODY])) == {"deletedCount": 1}
    assert [each["_id"] for each in members(atoms, audience)["members"]] == [second]
    assert members(atoms, other)["totalCount"] == 2
    assert data(remove(atoms, audience, [NOBODY])) == {"deletedCount": 0}


def test_removing_every_member_deletes_the_audience_even_under_a_running_campaign(atoms: httpx.Client) -> None:
    audience = make(atoms)
    running = data(campaign(atoms, audience, status="running"), 201)["_id"]
    ids = [each["_id"] for each in members(atoms, audience)["members"]]
    assert data(remove(atoms, audience, ids)) == {"deletedCount": 2}
    assert refused(atoms.get(f"/audience/{audience}"), 404) == "Audience not found"
    assert data(atoms.get("/audience")) == []
    assert data(atoms.get(f"/campaign/{running}"))["campaign"]["status"] == "running"


@pytest.mark.parametrize("wrong", [None, [], "all", [1]])
def test_removing_needs_a_list_of_ids(atoms: httpx.Client, wrong: object) -> None:
    message = refused(remove(atoms, make(atoms), wrong))
    assert message == "Invalid input: memberIds must be a list of at least one id"


# Search

PEOPLE = "phoneNumber,firstName,city\n+15550001,ANNE,Köln\n+15550002,Joanne,KÖLN\n+15550003,Bob,Bonn\n"


def test_a_general_search_finds_any_field_in_any_case(atoms: httpx.Client) -> None:
    audience = make(atoms, PEOPLE)
    found = search(atoms, audience, query="köl")
    assert [each["data"]["firstName"] for each in found["members"]] == ["ANNE", "Joanne"]
    assert found["members"][0] == members(atoms, audience)["members"][0]
    assert found["searchInfo"] == {"searchType": "general", "searchTerm": "köl", "totalResults": 2}


def test_a_search_by_fields_wants_all_of_them(atoms: httpx.Client) -> None:
    audience = make(atoms, PEOPLE)
    found = search(atoms, audience, firstName="ann", phoneNumber="+15550002", query="")
    assert [each["data"]["firstName"] for each in found["members"]] == ["Joanne"]
    assert found["searchInfo"] == {
        "searchType": "multiple",
        "searchTerm": "ann, +15550002",
        "searchFields": ["firstName", "phoneNumber"],
        "totalResults": 1,
    }
    assert search(atoms, audience, firstname="ann")["members"] == []


def test_a_search_returns_at_most_ten_members(atoms: httpx.Client) -> None:
    found = search(atoms, make(atoms, numbers(25)), phoneNumber="+1202")
    assert len(found["members"]) == found["searchInfo"]["totalResults"] == 10


def test_an_unencoded_plus_arrives_as_a_space(atoms: httpx.Client) -> None:
    audience = make(atoms, PEOPLE)
    path = f"/audience/{audience}/members/search"
    assert data(atoms.get(f"{path}?phoneNumber=+15550001"))["members"] == []
    assert len(data(atoms.get(f"{path}?phoneNumber=%2B15550001"))["members"]) == 1


@pytest.mark.parametrize("query", ["", "?query=", "?firstName="])
def test_a_search_needs_a_term(atoms: httpx.Client, query: str) -> None:
    assert refused(atoms.get(f"/audience/{make(atoms)}/members/search{query}")) == NO_SEARCH


def test_a_search_is_general_or_by_field_but_not_both(atoms: httpx.Client) -> None:
    answer = atoms.get(f"/audience/{make(atoms)}/members/search?query=a&firstName=b")
    assert "not both" in refused(answer)


# The do-not-call list


def do_not_call(client: httpx.Client, *phones: str, **fields: str) -> list[dict[str, Any]]:
    return [data(client.post("/dnc", json={"phoneNumber": phone, **fields}), 201) for phone in phones]


def dnc(client: httpx.Client, **query: str) -> Any:
    return data(client.get("/dnc", params=query))


def test_a_number_can_be_put_on_the_do_not_call_list(atoms: httpx.Client, stranger: httpx.Client) -> None:
    general, scoped = do_not_call(atoms, "+1555") + do_not_call(atoms, "+1666", agentId=AGENT, source="call")
    organization = atoms.get("/account/get-account-details").json()["organizations"][0]["orgId"]
    assert general == {
        "id": general["id"],
        "agentId": None,
        "orgId": organization,
        "phoneNumber": "+1555",
        "source": "manual",
        "detectedInCallId": None,
        "createdAt": general["createdAt"],
        "updatedAt": general["createdAt"],
    }
    assert dnc(atoms) == {
        "entries": [scoped, general],
        "pagination": {"total": 2, "page": 1, "offset": 50, "totalPages": 1, "hasMore": False},
    }
    assert dnc(atoms, agentId=AGENT)["entries"] == [scoped]
    assert dnc(atoms, agentId=NOBODY)["entries"] == []
    assert dnc(stranger)["entries"] == []


def test_the_do_not_call_list_is_searched_and_sorted(atoms: httpx.Client) -> None:
    do_not_call(atoms, "+12", "+33", "+21")

    def phones(**query: str) -> list[str]:
        return [entry["phoneNumber"] for entry in dnc(atoms, **query)["entries"]]

    assert phones() == ["+21", "+33", "+12"]
    assert phones(sortOrder="asc") == ["+12", "+33", "+21"]
    assert phones(sortField="phoneNumber") == ["+33", "+21", "+12"]
    assert phones(sortField="phoneNumber", sortOrder="asc") == ["+12", "+21", "+33"]
    assert phones(search="2") == ["+21", "+12"]
    assert phones(search="%") == []
    assert (
        refused(atoms.get("/dnc?sortField=source")) == "Invalid input: sortField must be one of createdAt, phoneNumber"
    )


def test_pages_of_the_do_not_call_list_are_clamped(atoms: httpx.Client) -> None:
    do_not_call(atoms, "+1", "+2", "+3")
    second = dnc(atoms, page="2", offset="2")
    assert [entry["phoneNumber"] for entry in second["entries"]] == ["+1"]
    assert second["pagination"] == {"total": 3, "page": 2, "offset": 2, "totalPages": 2, "hasMore": False}
    for sent, used in {"0": 1, "-7": 1, "501": 500, "x": 50, "9" * 5000: 50}.items():
        assert dnc(atoms, offset=sent)["pagination"]["offset"] == used
    assert dnc(atoms, page="0", offset="2")["pagination"]["page"] == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "phoneNumber is required"),
        ({"phoneNumber": 15}, "phoneNumber is required"),
        ({"phoneNumber": "+1", "agentId": "me"}, "agentId must be 24 hexadecimal characters"),
        ({"phoneNumber": "+1", "source": 1}, "source must be a text"),
        ({"phoneNumber": "\ud800"}, "the request is incomplete or not UTF-8"),
    ],
)
def test_a_bad_do_not_call_entry_is_refused(atoms: httpx.Client, body: object, message: str) -> None:
    assert refused(atoms.post("/dnc", content=json.dumps(body))) == f"Invalid input: {message}"


def test_a_malformed_agent_is_refused(atoms: httpx.Client) -> None:
    assert refused(atoms.get("/dnc?agentId=x")) == "Invalid input: agentId must be 24 hexadecimal characters"


# Campaigns


def test_a_campaign_begins_as_a_draft_with_plain_ids(atoms: httpx.Client) -> None:
    audience = make(atoms)
    made = data(campaign(atoms, audience, description="First", phoneNumberIds=[NOBODY]), 201)
    assert made == {
        "_id": made["_id"],
        "name": "January",
        "description": "First",
        "organization": made["organization"],
        "agentId": AGENT,
        "createdBy": made["createdBy"],
        "audienceId": audience,
        "maxRetries": 3,
        "retryDelay": 15,
        "status": "draft",
        "createdAt": made["createdAt"],
        "updatedAt": made["createdAt"],
        "participantsCount": 2,
        "retryAttempts": 0,
    }


def test_a_campaign_with_a_future_start_is_scheduled(atoms: httpx.Client) -> None:
    audience = make(atoms)
    start = datetime.now(UTC) + timedelta(hours=1)
    made = data(campaign(atoms, audience, scheduledAt=start.isoformat(), maxRetries=0, retryDelay=1440), 201)
    assert made["status"] == "scheduled"
    assert made["scheduledAt"] == start.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    without_zone = start.replace(tzinfo=None).isoformat()
    assert data(campaign(atoms, audience, scheduledAt=without_zone), 201)["scheduledAt"] == made["scheduledAt"]


def test_a_campaign_is_shown_with_agent_audience_and_metrics(atoms: httpx.Client) -> None:
    audience = make(atoms)
    made = data(campaign(atoms, audience), 201)
    shown = data(atoms.get(f"/campaign/{made['_id']}"))
    same = {key: made[key] for key in made if key not in {"agentId", "audienceId"}}
    assert shown == {
        "campaign": {
            **same,
            "agent": {"_id": AGENT, "name": "Sandbox agent", "workflowType": "single_prompt"},
            "audience": {"_id": audience, "name": "VIP"},
            "cancelledCallsCount": 0,
        },
        "events": [],
        "metrics": {"total_participants": 2, "contacts_called": 0, "contacts_connected": 0},
    }
    assert data(atoms.get("/campaign"))["campaigns"] == [shown["campaign"]]


def test_campaigns_are_paged_searched_filtered_and_sorted(atoms: httpx.Client, stranger: httpx.Client) -> None:
    audience = make(atoms)
    for each in range(6):
        campaign(atoms, audience, name=f"Wave {each}", status="paused" if each % 2 else "failed")

    def names(**query: str) -> list[str]:
        return [each["name"] for each in data(atoms.get("/campaign", params=query))["campaigns"]]

    assert names(limit="50") == ["Wave 5", "Wave 4", "Wave 3", "Wave 2", "Wave 1"]
    assert names(page="2") == ["Wave 0"]
    assert names(sortOrder="asc", offset="2", sortField="updatedAt") == ["Wave 0", "Wave 1"]
    assert names(status="paused") == ["Wave 5", "Wave 3", "Wave 1"]
    assert names(search="WAVE 4") == ["Wave 4"]
    answer = data(atoms.get("/campaign", params={"status": "failed", "offset": 2}))
    assert answer["pagination"] == {"total": 3, "page": 1, "offset": 2, "totalPages": 2, "hasMore": True}
    assert answer["totalCampaignCount"] == 6
    assert data(stranger.get("/campaign"))["totalCampaignCount"] == 0
    message = refused(atoms.get("/campaign?status=done"))
    assert message.startswith("Invalid input: status must be one of draft, scheduled, ")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "name is required"),
        ({"audienceId": None}, "audienceId is required"),
        ({"agentId": 7}, "agentId is required"),
        ({"agentId": "me"}, "agentId must be 24 hexadecimal characters"),
        ({"maxRetries": 11}, "maxRetries must be a whole number from 0 to 10"),
        ({"maxRetries": True}, "maxRetries must be a whole number from 0 to 10"),
        ({"retryDelay": 0}, "retryDelay must be a whole number from 1 to 1440"),
        ({"scheduledAt": "tomorrow"}, "scheduledAt must be an ISO 8601 timestamp"),
        ({"scheduledAt": "2020-01-01T00:00:00Z"}, "scheduledAt must be in the future"),
        ({"scheduledAt": 5}, "scheduledAt must be a text"),
        ({"status": "done"}, "status must be one of draft, scheduled, processing, running, paused, completed, failed"),
    ],
)
def test_a_bad_campaign_is_refused(atoms: httpx.Client, fields: dict[str, object], message: str) -> None:
    assert refused(campaign(atoms, make(atoms), **fields)) == f"Invalid input: {message}"
    assert data(atoms.get("/campaign"))["campaigns"] == []


def test_a_campaign_needs_an_audience_of_its_organisation(atoms: httpx.Client, stranger: httpx.Client) -> None:
    assert refused(campaign(atoms, NOBODY)) == "Audience not found"
    assert refused(campaign(stranger, make(atoms)), 403) == "Forbidden access"


def test_an_unknown_campaign_is_a_bad_request_to_get_and_not_found_to_delete(
    atoms: httpx.Client, stranger: httpx.Client
) -> None:
    theirs = data(campaign(stranger, make(stranger)), 201)["_id"]
    for unknown in (NOBODY, theirs):
        assert refused(atoms.get(f"/campaign/{unknown}"), 400) == "Campaign not found"
        assert refused(atoms.delete(f"/campaign/{unknown}"), 404) == "Campaign not found"


# HTTP


def test_an_unknown_route_is_a_404_envelope(atoms: httpx.Client) -> None:
    for path in ("/", "/audiences", f"/audience/{NOBODY}/members/search/x", "/campaign/x/start"):
        assert refused(atoms.get(path), 404) == "Not Found"


def test_a_wrong_method_is_a_405_envelope_that_names_the_right_ones(atoms: httpx.Client) -> None:
    answer = atoms.patch("/audience")
    assert refused(answer, 405) == "Method Not Allowed"
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_head_is_a_get_without_a_body(atoms: httpx.Client) -> None:
    answer = atoms.head("/audience")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"members": [{"phoneNumber": NaN}]}', b"[" * 100_000])
def test_a_malformed_body_is_a_400_envelope(atoms: httpx.Client, body: bytes) -> None:
    answer = atoms.post(f"/audience/{make(atoms)}/members", content=body)
    assert refused(answer) == "Invalid input: the body must be JSON"


def test_a_body_that_is_no_object_is_a_400_envelope(atoms: httpx.Client) -> None:
    assert refused(atoms.post("/campaign", json=[])) == "Invalid input: the body must be a JSON object"


def test_a_client_that_leaves_in_the_middle_disturbs_nobody(
    url: str, atoms: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0)) as left:
        head = (
            "POST /atoms/v1/dnc HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk_1\r\nContent-Length: 9\r\n\r\n"
        )
        left.sendall(head.encode() + b"{")
    for _ in range(3):  # by then the loop has seen the connection end
        assert data(atoms.get("/audience")) == []
    assert caplog.records == []


def test_a_failing_database_is_a_500_envelope_with_the_published_text(tmp_path: Path) -> None:
    file = tmp_path / "atoms.db"
    with serve(db=file) as url, organisation(url) as client:
        audience = make(client)
        broken = sqlite3.connect(file)
        broken.execute("DROP TABLE member")
        broken.close()
        path = f"/audience/{audience}/members"
        assert refused(client.get(path), 500) == "Failed to fetch audience members"
        assert refused(client.get(f"{path}/search?query=a"), 500) == "Failed to search audience members"
        assert refused(add(client, audience, [{"phoneNumber": "+1"}]), 500) == "Internal server error"
        assert refused(upload(client, numbers(1)), 500) == "Internal server error"
        assert data(client.get(f"/audience/{audience}"))["_id"] == audience


# Serving


def test_a_database_file_keeps_its_data_over_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "atoms.db"
    with serve(db=file) as url, organisation(url, "sk_kept") as client:
        audience = make(client)
        data(campaign(client, audience, status="running"), 201)
        do_not_call(client, "+1")
        before = [
            client.get(path).json() for path in ("/audience", f"/audience/{audience}/members", "/campaign", "/dnc")
        ]
    with serve(db=str(file)) as url, organisation(url, "sk_kept") as client:
        after = [
            client.get(path).json() for path in ("/audience", f"/audience/{audience}/members", "/campaign", "/dnc")
        ]
    assert after == before
    assert [path.name for path in tmp_path.iterdir()] == ["atoms.db"]


def test_memory_is_forgotten_and_shared_with_nobody() -> None:
    with serve() as one, serve() as other, organisation(one, "sk_a") as client, organisation(other, "sk_a") as same_key:
        make(client)
        assert data(same_key.get("/audience")) == []


def test_two_processes_on_one_file_see_each_other_and_add_each_number_once(tmp_path: Path) -> None:
    file = tmp_path / "atoms.db"
    rows = [{"phoneNumber": f"+1{each}"} for each in range(400)]
    with (
        child(f"run(0, {str(file)!r})") as (_, lines),
        serve(db=file) as here,
        organisation(url_in(lines[0]), "sk_both") as theirs,
        organisation(here, "sk_both") as ours,
    ):
        assert str(file) in lines[1]
        audience = make(theirs)
        assert len(stored(ours, audience)) == 2
        with ThreadPoolExecutor(4) as pool:
            overlapping = [rows[start : start + 200] for start in range(0, 300, 50)]
            answers = pool.map(add, itertools.cycle((ours, theirs)), itertools.repeat(audience), overlapping)
            added = [data(answer)[0]["data"]["added"] for answer in answers]
        assert sum(added) == len(rows)
        assert members(theirs, audience)["totalCount"] == members(ours, audience)["totalCount"] == 2 + len(rows)


def test_it_stops_at_once_although_connections_are_kept_alive(capfd: pytest.CaptureFixture[str]) -> None:
    with httpx.Client(headers={"Authorization": "Bearer sk_1"}, trust_env=False, timeout=60) as client:
        with serve() as url:
            assert client.get(f"{url}/audience").status_code == 200
            port = httpx.URL(url).port or 0
            begun = time.perf_counter()
        assert time.perf_counter() - begun < 20  # an idle connection is kept for 75 seconds
        with serve(port) as again:
            assert again == url
            assert client.get(f"{again}/audience").status_code == 200
    assert capfd.readouterr() == ("", "")


def test_it_can_be_stopped_before_anything_was_asked() -> None:
    with serve() as url:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/atoms/v1", url)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


def test_a_taken_port_is_an_oserror(url: str) -> None:
    port = httpx.URL(url).port or 0
    with pytest.raises(OSError, match="in use"), serve(port):
        pass
    with pytest.raises(OSError, match="in use"):
        run(port)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(numbers(1000))
    with pytest.raises(sqlite3.DatabaseError):
        build_app(file)


@contextmanager
def child(call: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A real process that runs the sandbox, with the lines it greets with."""
    code = f"from audiences_mcp.atoms.sandbox import run; {call}"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-W", "error", "-c", code], stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout
        try:
            yield process, [process.stdout.readline() for _ in range(3)]
        finally:
            process.terminate()


def url_in(line: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+/atoms/v1", line)
    assert found
    return found[0]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_in_the_foreground_it_says_its_url_and_ends_cleanly_on_a_signal(ending: signal.Signals) -> None:
    with child("run(0); print('done')") as (process, lines), organisation(url_in(lines[0])) as client:
        make(client)
        process.send_signal(ending)
        rest, errors = process.communicate(timeout=60)
    assert lines[0].startswith("Atoms sandbox at http://127.0.0.1:")
    assert "sk_" in lines[1]
    assert (process.returncode, rest, errors) == (0, "done\n", "")


def test_a_signal_right_after_the_first_line_is_not_lost() -> None:
    with child("run(0)") as (process, _):
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
