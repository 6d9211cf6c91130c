"""Who said no, which country a column names, what is blank or badly read aloud."""

import pytest

from audiences_mcp.contacts.cautions import country_warnings, objections, variable_warnings
from audiences_mcp.contacts.check import Check, KnownLists, Options, check_table
from audiences_mcp.contacts.sources import table_from_csv
from audiences_mcp.contacts.tables import Table

NUMBERS = ("+12025550143", "+442079460958", "+919876543210", "+33612345678")


def listed(header: str, *answers: str) -> Table:
    rows = [f'{number},"{answer}"' for number, answer in zip(NUMBERS, answers, strict=False)]
    return table_from_csv("\n".join([f'phone,"{header}"', *rows]))


def checked(table: Table, **options: object) -> Check:
    return check_table(table, Options(**{"phone_columns": ["phone"], **options}), KnownLists())  # type: ignore[arg-type] # any option


def warned(header: str, *answers: str) -> list[str]:
    table = listed(header, *answers)
    return [objection.warning for objection in objections(table, checked(table))]


@pytest.mark.parametrize(
    ("header", "yes", "no"),
    [
        ("Accepts SMS Marketing", "yes", "no"),
        ("AcceptsSMSMarketing", "TRUE", "FALSE"),
        ("SMS Marketing Consent", "SUBSCRIBED", "NEVER_SUBSCRIBED"),
        ("consent", "1", "0"),
        ("Opted in", "Y", "N"),
        ("opt-in", "granted", "withdrawn"),
        ("May we call you about this?", "Yes, please", "No, thanks"),
        ("I agree to be called", "yes", "not yet"),
        ("Einwilligung Telefon", "Ja", "Nein"),
        ("Marketing contact status", "opted in", "opted out"),
    ],
)
def test_a_no_to_consent_is_told_with_what_leaves_it_out(header: str, yes: str, no: str) -> None:
    (told,) = warned(header, yes, no, no, "")

    assert told == (
        f'2 ready rows say no to being contacted in "{header}" and 1 says nothing: to leave them out check again with '
        f'only_where {{"{header}": ["{yes}"]}}.'
    )


@pytest.mark.parametrize(
    ("header", "yes", "no"),
    [
        ("DNC", "Y", "N"),
        ("Do Not Call", "1", "0"),
        ("do_not_contact", "true", "false"),
        ("optedOut", "Yes", ""),
        ("Unsubscribed", "x", ""),
        ("Opt-out status", "Opted out", "none"),
        ("Blacklisted", "on", "off"),
    ],
)
def test_a_yes_to_being_left_out_is_told_with_what_leaves_it_out(header: str, yes: str, no: str) -> None:
    (told,) = warned(header, no, yes, no)

    assert told == (
        f'1 ready row says no to being contacted in "{header}": to leave them out check again with only_where '
        f'{{"{header}": ["{no}"]}}.'
    )


@pytest.mark.parametrize(
    ("header", "answers"),
    [
        ("Opted in", ("yes", "Yes", "")),
        ("Opted out", ("no", "", "No")),
        ("OPTIN_TIME", ("2024-03-10 10:00", "2024-03-11 10:00")),
        ("Note", ("no", "no")),
        ("Country", ("NO", "no")),  # Norway
        ("Knowledge of products", ("no", "no")),
    ],
)
def test_where_nobody_objects_nothing_is_told(header: str, answers: tuple[str, ...]) -> None:
    assert warned(header, *answers) == []


def test_where_nobody_agrees_or_the_answers_are_many_the_person_is_asked() -> None:
    (nobody,) = warned("Consent", "no", "no")
    many = "\n".join(f"+9198765432{place:02},yes {place}" for place in range(20))
    table = table_from_csv(f"phone,consent\n{many}\n+12025550143,no\n")

    assert nobody == '2 ready rows say no to being contacted in "Consent": ask whom to leave out; only_where does it.'
    assert [objection.only_where for objection in objections(table, checked(table))] == [None]


def test_an_answer_about_e_mail_counts_only_where_no_other_is_asked_for() -> None:
    both = table_from_csv("phone,Email opt-in,Phone opt-in\n+12025550143,no,no\n")
    alone = table_from_csv("phone,Email opt-in\n+12025550143,no\n")

    assert [objection.header for objection in objections(both, checked(both))] == ["Phone opt-in"]
    assert [objection.header for objection in objections(alone, checked(alone))] == ["Email opt-in"]


def test_only_people_who_would_be_called_count() -> None:
    table = listed("Opted in", "no", "yes", "no")

    assert objections(table, checked(table, only_where={"Opted in": ["yes"]})) == []


def test_what_is_offered_leaves_out_just_those_who_said_no() -> None:
    table = listed("Do not call", "", "yes", "No", "maybe")
    (objection,) = objections(table, checked(table))
    assert objection.only_where
    kept = {header: [value.casefold() for value in values] for header, values in objection.only_where.items()}

    again = checked(table, only_where=kept)

    assert [row.status.value for row in again.rows] == ["ready", "filtered_out", "ready", "ready"]


# --- countries -------------------------------------------------------------------------------------------------------

ABROAD = "phone,Land\n020 7946 0958,United Kingdom\n98765 43210,IN\n+33612345678,FR\n"


def test_a_column_of_countries_is_offered_where_it_would_mend_rows() -> None:
    table = table_from_csv(ABROAD)

    assert country_warnings(table, checked(table), Options()) == [
        '"Land" names the country of 2 rows refused for lack of one: check again with region_column "Land".'
    ]
    assert country_warnings(table, checked(table, region_column="Land"), Options(region_column="Land")) == []


def test_a_number_read_in_another_country_than_its_row_says_is_told() -> None:
    options = Options(default_region="IN")
    table = table_from_csv("phone,Country\n98765 43210,IN\n91234 56789,Singapore\n+12025550143,SG\n")

    (told,) = country_warnings(table, checked(table, default_region="IN"), options)

    assert told == (
        '1 number without a country code was read in another country than "Country" says: check again with region_column '
        '"Country".'
    )


@pytest.mark.parametrize(
    "text",
    [
        "phone,Country\n202-555-0143,IN\n202-555-0144,NY\n",  # Indiana and New York
        "phone,Country\n202-555-0143,somewhere\n202-555-0144,US\n",
        "phone,City\n202-555-0143,US\n",
        "phone,Country\n202-555-0143,\n",
    ],
)
def test_what_is_no_column_of_countries_is_not_offered(text: str) -> None:
    table = table_from_csv(text)

    assert country_warnings(table, checked(table), Options()) == []


# --- call variables --------------------------------------------------------------------------------------------------


def test_blank_long_and_badly_read_cells_are_told_by_column() -> None:
    table = table_from_csv(
        "phone,name,due,note,web\n"
        f"+12025550143,Ann,10/03/2024,{'x' * 501},https://a.example\n"
        "+442079460958,,10 March,short,www.b.example\n"
        "call me,,,,\n"
    )

    assert variable_warnings(checked(table)) == [
        'Blank for some people (keep_columns sends only the columns that the agent needs): "name" (1).',
        'Longer than 500 characters, which is much to read out: "note" (1).',
        'Dates in figures or web addresses, read badly aloud (10 March 2024 is better): "due" (1), "web" (2).',
    ]


def test_many_columns_are_counted_rather_than_listed() -> None:
    names = [f"column {place}" for place in range(14)]
    table = table_from_csv(f"phone,{','.join(names)}\n+12025550143{',' * 14}\n+442079460958,{','.join('x' * 14)}\n")

    (told,) = variable_warnings(checked(table))

    assert told.endswith('"column 9" (1) and 4 more columns.')
