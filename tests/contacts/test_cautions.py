"""Who said no, which country a column names, what is blank or badly read aloud."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiences_mcp.contacts import report
from audiences_mcp.contacts.cautions import (
    country_warnings,
    filter_warnings,
    header_warnings,
    objections,
    unwilling_headers,
    variable_warnings,
    without_mends,
)
from audiences_mcp.contacts.check import Check, KnownLists, Options, check_table
from audiences_mcp.contacts.consent import says_no, who_says_no
from audiences_mcp.contacts.reasons import Reason
from audiences_mcp.contacts.sources import table_from_csv
from audiences_mcp.contacts.tables import Table
from audiences_mcp.errors import InvalidInput

NUMBERS = ("+12025550143", "+442079460958", "+919876543210", "+33612345678")


def listed(header: str, *answers: str) -> Table:
    rows = [f'{number},"{answer}"' for number, answer in zip(NUMBERS, answers, strict=False)]
    return table_from_csv("\n".join([f'phone,"{header}"', *rows]))


def checked(table: Table, **options: Any) -> Check:
    return check_table(table, Options(**{"phone_columns": ["phone"], **options}), KnownLists())


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
        ("marketing_opt_in", "t", "f"),
        ("consent", "1.0", "0.0"),
        ("Consent", "given", "rejected"),
        ("Consent", "obtained", "pending"),
        ("Consent", "Yes", "Nope"),
        ("Do you agree to be contacted about your car insurance?", "Yes", "No"),
        ("i_agree_to_be_called_about_an_energy_plan", "yes", "no"),
        ("Contact allowed", "yes", "no"),
        ("Can be called", "yes", "no"),
        ("May be contacted", "yes", "no"),
        ("Phone allowed", "yes", "no"),
        ("Consentimento", "sim", "não"),
        ("Autoriza llamadas", "sí", "no"),
        ("Zgoda", "tak", "nie"),
        ("Souhlas", "ano", "ne"),
        ("Согласие", "да", "нет"),
        ("Arama İzni", "Evet", "Hayır"),
        ("İZİN", "EVET", "HAYIR"),
        ("Hozzájárulás", "igen", "nem"),
        ("Suostumus", "kyllä", "ei"),
        ("同意", "是", "否"),
        ("동의", "예", "아니요"),
    ],
)
def test_a_no_to_consent_is_told_with_what_leaves_it_out(header: str, yes: str, no: str) -> None:
    (told,) = warned(header, yes, no, no, "")

    assert told == (
        f'2 ready rows say no to being contacted in "{header}" and 1 says nothing: to leave all 3 out check again with '
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
        ("opted_out", "t", "f"),
        ("opted_out", "1.0", "0.0"),
        ("DND Status", "DND", "Non DND"),
        ("DNC", "DNC", "Clean"),
        ("DNC", "DNC", "callable"),
        ("DNC", "DNC", "non-DNC"),
        ("DNC", "DNC", "not on the national DNC list"),
        ("TPS", "Registered", "Not registered"),
        ("TPS", "TPS", "not on TPS"),
        ("TPS", "yes", "no match"),
        ("TPS", "yes", "OK"),
        ("DNC", "yes", "clear"),
        ("No contact", "yes", "no"),
        ("Nicht kontaktieren", "ja", "nein"),
        ("Keine Werbung", "ja", "nein"),
        ("Widerspruch", "ja", "nein"),
        ("Do Not Call/Fax", "Yes", "No"),
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
        ("Opted in", ("yes", "Yes")),
        ("Opted in", ("", "")),
        ("Subscription status", ("active", "trialing", "")),
        ("Opted in at", ("1/2/2024", "2/3/2024")),
        ("Marketing", ("Online", "In store", "On hold")),
        ("Marketing contact status source", ("None", "CRM")),
        ("Opted out", ("no", "", "No")),
        ("OPTIN_TIME", ("2024-03-10 10:00", "2024-03-11 10:00")),
        ("Note", ("no", "no")),
        ("Country", ("NO", "no")),  # Norway
        ("Knowledge of products", ("no", "no")),
    ],
)
def test_where_nobody_objects_nothing_is_told(header: str, answers: tuple[str, ...]) -> None:
    assert warned(header, *answers) == []


def test_where_nobody_agrees_the_person_is_asked() -> None:
    (nobody,) = warned("Consent", "no", "no")

    assert nobody == '2 ready rows say no to being contacted in "Consent": ask whom to leave out; only_where does it.'


def test_where_the_answers_are_many_the_rows_are_named() -> None:
    many = "\n".join(f"+9198765432{place:02},yes {place}" for place in range(20))
    table = table_from_csv(f"phone,consent\n{many}\n+12025550143,no\n")

    assert [objection.warning for objection in objections(table, checked(table))] == [
        '1 ready row says no to being contacted in "consent": to leave them out take row 22 out of the list and check again.'
    ]


NOTES = """phone,Notes,City
+12025550143,Wants a demo in May,Reno
+442079460958,Do not call again please,Leeds
+919876543210,"Asked for the price, twice",Pune
0044 20 7946 0958,,Leeds
+33612345678,Sent the brochure by post,Lyon
+33612345679,Told us never to call,Lyon
"""


def test_of_notes_the_rows_are_named_and_no_other_note_is_taken_for_a_yes() -> None:
    table = table_from_csv(NOTES)
    (objection,) = objections(table, checked(table))

    assert objection.warning == (
        '2 ready rows say no to being contacted in "Notes": to leave them out take rows 3, 5, 7 out of the list and check '
        "again, once you have seen that no other answer is a no too."
    )
    without = table_from_csv("".join(NOTES.splitlines(keepends=True)[place] for place in (0, 1, 3, 5)))
    assert objections(without, checked(without)) == []


def test_of_many_notes_it_is_said_how_many_rows_more() -> None:
    rows = "".join(f"+9198765432{place:02},do not call him in week {place}\n" for place in range(30))
    table = table_from_csv(f"phone,Notes\n{rows}+12025550143,all well with them\n")

    (objection,) = objections(table, checked(table))

    assert "20, 21 and 10 more out of the list" in objection.warning


def test_one_filter_holds_what_was_asked_for_and_every_column_that_somebody_objects_in() -> None:
    table = table_from_csv(
        "Region,phone,name,DNC,Status\nNorth,+4915112345678,A,,new\nnorth ,+4915112345679,B,yes,new\n"
        "South,+4915112345680,C,,new\nNorth,+4915112345681,D,,unsubscribed\nNorth,+4915112345682,E,,won\n"
    )
    in_force = {"region": ["north"]}
    found = objections(table, checked(table, only_where=in_force), in_force)

    assert [each.header for each in found] == ["DNC", "Status"]
    for each in found:
        whole = {"Region": ["North"], "DNC": [""], "Status": ["new", "won"]}
        assert f"with only_where {json.dumps(whole)}" in each.warning
        kept = {header: [value.casefold() for value in values] for header, values in whole.items()}
        assert [row.label for row in checked(table, only_where=kept).ready] == ["A", "E"]


def test_what_is_kept_in_force_is_told_where_the_rows_are_named() -> None:
    table = table_from_csv(NOTES)
    in_force = {"City": ["leeds", "pune"]}

    (told,) = objections(table, checked(table, only_where=in_force), in_force)

    assert 'take rows 3, 5 out of the list and check again with only_where {"City": ["Leeds", "Pune"]}' in told.warning


def test_who_says_nothing_is_kept_also_where_the_number_is_still_to_be_mended() -> None:
    table = table_from_csv("phone,name,DNC\n+919876543210,A,No\n9876543211,B,\n9876543212,C,no\n+919876543213,D,Yes\n")

    (objection,) = objections(table, checked(table))

    assert objection.only_where == {"DNC": ["No", ""]}


def test_a_date_of_consent_is_a_yes_unless_another_column_has_it() -> None:
    (alone,) = warned("Consent given on", "2024-03-01", "1.4.2024", "")
    mixed = table_from_csv("phone,Opt-in,Consent\n+12025550143,2024-03-01,yes\n+442079460958,no,yes\n")
    beside_no_other = table_from_csv("phone,OPTIN_TIME,OPTIN_IP\n+12025550143,2024-03-01,10.0.0.1\n+442079460958,,\n")
    table = table_from_csv("phone,Consent,Consent given on\n+12025550143,yes,2024-03-01\n+442079460958,yes,\n")

    assert alone == (
        '1 ready row says nothing in "Consent given on", where others agree to being contacted: to leave them out take row '
        "4 out of the list and check again."
    )
    assert [(each.count, each.unclear) for each in objections(mixed, checked(mixed))] == [(1, 0)]
    assert [each.unsaid for each in objections(beside_no_other, checked(beside_no_other))] == [1]
    assert objections(table, checked(table)) == []


def test_an_answer_about_e_mail_counts_only_where_no_other_is_asked_for() -> None:
    both = table_from_csv("phone,Email opt-in,Phone opt-in\n+12025550143,no,no\n")
    alone = table_from_csv("phone,Email opt-in\n+12025550143,no\n")

    assert [objection.header for objection in objections(both, checked(both))] == ["Phone opt-in"]
    assert [objection.header for objection in objections(alone, checked(alone))] == ["Email opt-in"]


@pytest.mark.parametrize(
    "header",
    ["Do not call or email", "Do not contact (phone, e-mail)", "Email/phone opt out", "Do not call / fax / e-mail"],
)
def test_an_answer_about_e_mail_and_calls_counts_beside_others(header: str) -> None:
    table = table_from_csv(f'phone,"{header}",GDPR consent\n+12025550143,TRUE,Yes\n')

    assert [objection.header for objection in objections(table, checked(table))] == [header]


@pytest.mark.parametrize(
    "header", ["May we contact you by e-mail", "Email contact allowed", "Marketing emails accepted"]
)
def test_an_answer_about_being_written_to_is_none_to_being_called(header: str) -> None:
    table = table_from_csv(f"phone,{header},Phone consent\n+12025550143,no,yes\n")

    assert objections(table, checked(table)) == []


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (
            ("Checked", "", ""),
            '2 ready rows say nothing in "Opt-in", where others agree to being contacted: to leave them out',
        ),
        (("granted", "maybe"), '1 ready row says neither yes nor no in "Opt-in", where others agree'),
        (
            ("yes", "", "maybe"),
            (
                '1 ready row says nothing and 1 says neither yes nor no in "Opt-in", where others agree to being contacted: to '
                "leave both out"
            ),
        ),
        (("yes", "yes, consent withdrawn"), '1 ready row says no to being contacted in "Opt-in": to leave them out'),
        (("granted", "opt-in pending"), '1 ready row says neither yes nor no in "Opt-in"'),
    ],
)
def test_where_some_agree_the_others_are_told_too(answers: tuple[str, ...], told: str) -> None:
    (warning,) = warned("Opt-in", *answers)

    assert warning.startswith(told)
    assert warning.endswith(f'check again with only_where {{"Opt-in": ["{answers[0]}"]}}.')


def test_of_refused_rows_alone_nobody_is_said_to_agree() -> None:
    table = table_from_csv("phone,Consent\n12,no\n+12025550143,\n")

    assert [each.warning for each in objections(table, checked(table))] == [
        '1 refused row says no to being contacted in "Consent": leave them out rather than mend them.'
    ]


def test_who_says_nothing_is_told_beside_a_refused_row_that_says_no() -> None:
    table = table_from_csv("phone,Consent\n12,no\n+12025550143,\n+442079460958,yes\n")

    assert [each.warning for each in objections(table, checked(table))] == [
        (
            '1 ready row says nothing in "Consent", where others agree to being contacted: to leave them out check again with '
            'only_where {"Consent": ["yes"]}. 1 refused row says no to being contacted in "Consent": leave them out rather '
            "than mend them."
        )
    ]


def test_only_people_who_would_be_called_count() -> None:
    table = listed("Opted in", "no", "yes", "no")

    assert objections(table, checked(table, only_where={"Opted in": ["yes"]})) == []


def test_what_is_offered_leaves_out_just_those_who_said_no() -> None:
    table = listed("Do not call", "", "yes", "No", "maybe")
    (objection,) = objections(table, checked(table))
    assert objection.only_where
    kept = {header: [value.casefold() for value in values] for header, values in objection.only_where.items()}

    again = checked(table, only_where=kept)

    assert objection.count == 2  # who says maybe is asked about too
    assert [row.status.value for row in again.rows] == ["ready", "filtered_out", "ready", "filtered_out"]
    assert objections(table, again) == []


TWICE = table_from_csv(
    "Name,Phone,Opted Out\n"
    "A,+447400123401,Yes\n"
    "B,+447400123402,No\n"
    "A again,07400 123401,No\n"
    "C,+447400123403,No\n"
    "C again,00447400123403,Yes\n"
)


def test_who_said_no_in_one_row_is_told_and_left_out_in_the_others_too() -> None:
    first = checked(TWICE, phone_columns=["Phone"], default_region="GB")
    (objection,) = objections(TWICE, first)
    kept = {"Opted Out": ["no"]}

    again = checked(TWICE, phone_columns=["Phone"], default_region="GB", only_where=kept)

    assert [row.status.value for row in first.rows] == ["ready", "ready", "duplicate", "ready", "duplicate"]
    assert (objection.count, objection.only_where) == (2, {"Opted Out": ["No"]})
    assert [row.status.value for row in again.rows] == [
        "filtered_out",
        "ready",
        "filtered_out",
        "filtered_out",
        "filtered_out",
    ]
    assert again.also_objecting == 2
    assert "2 rows of people who said no in another of their rows: they are left out too." in report.warnings(again)


def test_who_said_no_is_left_out_on_their_other_numbers_too() -> None:
    table = table_from_csv("home,mobile,DNC\n+442079460958,+447400123401,yes\n,07400 123401,no\n+442079460959,,no\n")
    options = {"phone_columns": ["home", "mobile"], "default_region": "GB", "only_where": {"DNC": ["no"]}}

    assert [row.status.value for row in checked(table, **options).rows] == ["filtered_out", "filtered_out", "ready"]


def test_who_is_unsubscribed_by_a_status_is_left_out_in_all_rows() -> None:
    table = table_from_csv("phone,Status\n+447400123401,Unsubscribed\n07400 123401,active\n+447400123402,active\n")

    found = checked(table, default_region="GB", only_where={"Status": ["active"]})

    assert [row.status.value for row in found.rows] == ["filtered_out", "filtered_out", "ready"]


def test_a_column_of_something_else_leaves_nobody_else_out() -> None:
    table = table_from_csv("phone,city\n+447400123401,Leeds\n+447400123401,York\n")

    assert [row.status.value for row in checked(table, only_where={"city": ["york"]}).rows] == ["filtered_out", "ready"]


@pytest.mark.parametrize(
    ("header", "answer"),
    [
        ("Status", "unsubscribed"),
        ("Lead Status", "Do not call"),
        ("Notes", "asked twice, DO NOT CALL!"),
        ("Bemerkung", "bitte nicht anrufen"),
        ("Remarques", "Ne pas appeler"),
        ("Werbesperre", "ja"),
        ("Nicht anrufen", "x"),
        ("DSGVO Einwilligung", "widerrufen"),
        ("Ne pas appeler", "oui"),
        ("No llamar", "sí"),
        ("Unsubscribed", "2024-03-01"),
        ("optout", "checked"),
        ("STOP", "STOP"),
        ("Marketing", "unsubscribed"),
        ("Deceased", "yes"),
        ("DND", "Y"),
        ("DND", "1"),
        ("DND status", "active"),
        ("Status", "DND"),
        ("Contact by phone", "no"),
        ("Call?", "N"),
        ("May we call", "no"),
        ("Call preference", "Email only"),
        ("Call preference", "no calls"),
        ("Preferred contact", "only by e-mail"),
        ("Bevorzugt", "nur per E-Mail"),
        ("Notes", "Please remove from list"),
        ("Notes", "wants to be taken off our call list"),
        ("Disposition", "Not interested"),
        ("Notes", "no longer interested, thanks"),
        ("Bemerkung", "möchte keine Anrufe"),
        ("Bemerkung", "Frau Meier will nicht angerufen werden"),
        ("Bemerkung", "Widerruf vom 3.5."),
        ("Bemerkung", "hat kein Interesse"),
        ("Remarques", "pas intéressée"),
        ("Notas", "no le interesa"),
        ("Wrong number", "yes"),
        *(
            ("Status", each)
            for each in ("Suppressed", "Unsub", "Removed", "Abgemeldet", "Gesperrt", "Désabonné", "Withdrawn")
        ),
        *(
            ("Notes", each)
            for each in (
                "asked us to stop calling",
                "does not want to be called",
                "doesn't want any calls",
                "no longer wishes to be contacted",
                "asked not to be contacted",
                "must not be called",
                "no phone calls",
                "no contact",
                "no consent",
                "does not consent",
                "withdrew consent",
                "withdrew his consent in May",
                "replied STOP",
                "passed away in May",
                "nicht kontaktieren",
                "Keine Werbung!",
                "décédé",
                "fallecida",
                "falecido",
                "overleden",
                "was not on DNC, but do not call",
            )
        ),
    ],
)
def test_an_objection_is_found_wherever_it_is_said(header: str, answer: str) -> None:
    (told,) = warned(header, answer, "")

    assert told.startswith(f'1 ready row says no to being contacted in "{header}"')


@pytest.mark.parametrize(
    ("header", "no", "yes"),
    [
        ("Consent withdrawn", "Yes", "No"),
        ("No marketing", "yes", "no"),
        ("Exclude from marketing", "TRUE", "FALSE"),
        ("Not opted in", "yes", "no"),
        ("GDPR erasure", "1", "0"),
        ("Consentement retiré", "oui", "non"),
        ("TPS", "x", ""),
        ("Werbewiderspruch", "ja", "nein"),
        ("DNCFlag", "Y", "N"),
        ("Opted out", "✅", "no"),
        ("Do not call", "Not to be called", "no"),
        ("Opted out", "No longer wants calls", "no"),
        ("Consent", "❌", "✅"),
        ("Can call", "No", "Yes"),
        ("Callable", "false", "true"),
        ("Werbeeinwilligung", "nein", "ja"),
        ("Status", "DNC", "open"),
        ("Status", "Blocked", "open"),
        ("Notes", "please don’t call", "nice"),
        ("Notes", "remove me from your list", "nice"),
        ("Notes", "Bitte nicht mehr anrufen", "nett"),
        ("Notes", "do\u00a0not  call", "nice"),
    ],
)
def test_the_advice_keeps_who_may_be_called_and_leaves_out_who_may_not(header: str, no: str, yes: str) -> None:
    table = listed(header, no, yes)
    (objection,) = objections(table, checked(table))
    assert objection.only_where
    kept = {name: [value.casefold() for value in values] for name, values in objection.only_where.items()}

    again = checked(table, only_where=kept)

    assert objection.count == 1
    assert [row.status.value for row in again.rows] == ["filtered_out", "ready"]


@pytest.mark.parametrize(
    ("header", "answers"),
    [
        ("Blocked hours", ("9-10", "none")),
        ("Bus stop", ("Main St", "")),
        ("Removed items", ("3", "0")),
        ("Baja California", ("yes", "no")),
        ("Accepts credit cards", ("no", "yes")),
        ("Marketing source", ("None", "Google")),
        ("Permission level", ("0", "1")),
        ("Opted out", ("NaN", "n/a", "Opted in", "-")),
        ("Notes", ("has not opted out", "Deceased estate cleaning")),
        ("Fax Opt Out", ("yes", "no")),
        ("Do not contact by fax", ("yes", "no")),
        ("Status", ("non-DNC", "not on the DNC list")),
        ("Notes", ("no call yet", "no call back so far")),
        ("Newsletter", ("nein", "ja")),
        ("DND", ("N", "inactive")),
        ("Call", ("No answer", "not reached")),
        ("Notes", ("wrong number of items sent", "remove from cart")),
        ("Bemerkung", ("wurde noch nicht kontaktiert", "Kein Widerruf eingegangen")),
        ("Notes", ("interested only in email marketing", "Kontakt über Messe")),
        ("Interested", ("not yet", "very")),
    ],
)
def test_a_column_of_something_else_is_no_objection(header: str, answers: tuple[str, ...]) -> None:
    assert warned(header, *answers) == []


@pytest.mark.parametrize("answer", ["Wrong number", "falsche Nummer", "mauvais numéro", "número equivocado"])
def test_a_wrong_number_is_told_as_such(answer: str) -> None:
    (told,) = warned("Notes", answer, "unsubscribed", "nice")

    assert told == (
        '2 ready rows say no to being contacted in "Notes" (1 of them: a wrong number): to leave them out check again with '
        'only_where {"Notes": ["nice"]}, once you have seen that no other answer is a no too.'
    )


@pytest.mark.parametrize(
    "cell", ["+31612345678 / +31612345677", "+31612345678 ext 4", "+31612345678 (home)", "0612345678"]
)
def test_a_no_counts_also_where_its_own_row_cannot_be_called(cell: str) -> None:
    table = table_from_csv(f"phone,name,Opted out\n{cell},A,yes\n+31612345678,A,no\n+31612345679,B,no\n")

    (objection,) = objections(table, checked(table))
    again = checked(table, only_where={"Opted out": ["no"]})

    assert objection.count == 1
    assert [row.status.value for row in again.rows] == ["filtered_out", "filtered_out", "ready"]


def test_a_no_counts_on_a_number_of_a_column_that_is_not_called() -> None:
    table = table_from_csv(
        "name,mobile,work phone,Opted out\nA,+31612345678,,no\nB,+31612345679,+31612345678,yes\nC,+31612345670,,no\n"
    )

    again = checked(table, phone_columns=["mobile"], only_where={"Opted out": ["no"]})

    assert [row.status.value for row in again.rows] == ["filtered_out", "filtered_out", "ready"]


def test_what_is_offered_leaves_out_nobody_whom_the_warning_does_not_count() -> None:
    table = listed("Consent", "yes", "no", "maybe", "")
    (objection,) = objections(table, checked(table))

    assert objection.warning == (
        '1 ready row says no to being contacted in "Consent", 1 says nothing and 1 says neither yes nor no: to leave all 3 '
        'out check again with only_where {"Consent": ["yes"]}.'
    )


# --- what the phone cell says ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell",
    [
        "98765 43210 (do not call)",
        "DO NOT CALL 98765 43210",
        "9876543210 STOP",
        "98765 43210 - opted out",
        "+91 98765 43210 opt-out",
        "dnc 9876543210",
        "98765 43210 / 98765 43211 do not call",
        "do not call",
    ],
)
def test_a_phone_cell_that_says_no_is_refused_counted_and_never_to_be_stripped(cell: str) -> None:
    table = table_from_csv(f"name,phone\nA,{cell}\nB,98765 43212\n")

    found = checked(table, default_region="IN", take_first_number=True)

    assert [(row.status.value, row.reason) for row in found.rows] == [("invalid", "not_a_number"), ("ready", None)]
    assert found.rows[0].hint == "The cell itself says that this number is not to be called: leave the row out."
    assert [row.says_no for row in found.rows] == [True, False]
    assert report.warnings(found)[0] == (
        "1 refused row says in the phone cell itself that the number is not to be called: leave them out, and do not strip "
        "that off the number."
    )


@pytest.mark.parametrize("cell", ["98765 43210 (has not opted out)", "98765 43210 office", "call 98765 43210"])
def test_a_phone_cell_that_says_something_else_says_no_no(cell: str) -> None:
    found = checked(table_from_csv(f"name,phone\nA,{cell}\nB,98765 43212\n"), default_region="IN")

    assert not any("not to be called" in text for text in (found.rows[0].hint, *report.warnings(found)))


@given(st.lists(st.sampled_from(["+14155552671", "do not call", "DNC 12", "12 office", "stop", "5 s", ""]), max_size=5))
def test_each_phone_cell_is_asked_for_itself(cells: list[str]) -> None:
    assert who_says_no(cells) == [place for place, cell in enumerate(cells) if says_no(cell)]


def test_who_says_no_in_a_phone_cell_is_called_neither_by_another_row_nor_on_another_number() -> None:
    table = table_from_csv(
        "mobile,home\n98765 43210 (do not call),022 2345 6789\n+919876543210,\n98765 43213,\n022 23456789,\n"
    )

    found = checked(table, phone_columns=["mobile", "home"], default_region="IN")

    assert [row.status.value for row in found.rows] == ["invalid", "filtered_out", "ready", "filtered_out"]
    assert "2 rows of people who said no in another of their rows: they are left out too." in report.warnings(found)


@pytest.mark.parametrize(
    ("region", "home", "abroad"),
    [
        ("AR", "0351 15 234-5678", "+54 9 351 234 5678"),
        ("FO", "211 234", "+298 211234"),
        ("IN", "98765 43210", "+919876543210"),
    ],
)
@pytest.mark.parametrize("where", ["column", "cell"])
def test_who_says_no_under_a_national_number_is_not_called_by_a_row_with_its_country_code(
    region: str, home: str, abroad: str, where: str
) -> None:
    said = f"{home},yes" if where == "column" else f"{home} (do not call),"
    table = table_from_csv(f"phone,DNC\n{said}\n{abroad},\n")

    found = checked(table, default_region=region, only_where={"DNC": [""]})

    assert [row.status.value for row in found.rows][1] == "filtered_out"
    if where == "column":
        (told,) = objections(table, checked(table, default_region=region))
        assert told.count == 1


def test_a_refused_row_that_says_no_is_counted_and_nobody_is_told_to_mend_it() -> None:
    table = table_from_csv("phone,Opted out\n12,yes\n98765 43210 ext 4,yes\n98765 43211,yes\n98765 43212,no\n13,no\n")
    found = checked(table, default_region="IN")
    against = objections(table, found)

    heard = without_mends(found, against)

    assert [each.warning for each in against] == [
        (
            '1 ready row says no to being contacted in "Opted out": to leave them out check again with only_where '
            '{"Opted out": ["no"]}. 2 refused rows say so too: leave them out rather than mend them.'
        )
    ]
    assert [row.hint for row in heard.rows[:2]] == ["The row says no to being called: leave it out."] * 2
    assert [row.reason for row in heard.rows] == [row.reason for row in found.rows]
    assert heard.rows[2:] == found.rows[2:]


# --- countries -------------------------------------------------------------------------------------------------------

ABROAD = "phone,Land\n020 7946 0958,United Kingdom\n98765 43210,IN\n+33612345678,FR\n"


def test_a_column_of_countries_is_offered_where_it_would_mend_rows() -> None:
    table = table_from_csv(ABROAD)

    assert country_warnings(table, checked(table), Options()) == [
        '"Land" names the country of 2 rows refused for lack of one: check again with region_column "Land".'
    ]
    assert country_warnings(table, checked(table, region_column="Land"), Options(region_column="Land")) == []


def test_a_number_read_in_another_country_than_its_row_says_is_refused() -> None:
    options = Options(default_region="IN")
    table = table_from_csv("phone,Country\n98765 43210,IN\n91234 56789,Singapore\n+12025550143,SG\n")

    found = checked(table, default_region="IN")

    assert [row.reason for row in found.rows] == [None, Reason.AMBIGUOUS_COUNTRY, None]
    assert found.rows[1].hint.startswith("Another column of its row names another country")
    assert country_warnings(table, found, options) == [
        '"Country" names the country of 1 row refused for lack of one: check again with region_column "Country".'
    ]


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        *((name, Reason.AMBIGUOUS_COUNTRY) for name in ("Great Britian", "London", "Großbritannien")),
        *((name, None) for name in ("n/a", "-", "", "TX")),
    ],
)
def test_a_row_that_names_a_country_nobody_knows_is_not_read_in_the_default_region(
    named: str, reason: Reason | None
) -> None:
    table = table_from_csv(f"phone,Country\n4155552671,USA\n4155552672,US\n4155552673,u.s.\n2079460958,{named}\n")

    assert [row.reason for row in checked(table, default_region="US").rows] == [None, None, None, reason]


@pytest.mark.parametrize("land", ["Germany", "Deutschland", "DE", "DEU"])
def test_bare_digits_that_are_real_abroad_are_doubted_where_the_row_names_another_country(land: str) -> None:
    table = table_from_csv(f"phone,Land\n15123456701,{land}\n")  # a German mobile without its 0, or a line in Texas

    assert [row.reason for row in checked(table).rows] == [Reason.AMBIGUOUS_COUNTRY]
    read = checked(table, region_column="Land").rows[0].phone
    assert read
    assert read.number == "+4915123456701"


def test_names_in_a_column_of_countries_that_are_none_are_told() -> None:
    table = table_from_csv("phone,Country\n+12025550143,US\n98765 43210,IN\n1,Atlantis\n2, Lemuria \n3,GB\n")

    assert country_warnings(table, checked(table, region_column="Country"), Options(region_column="Country")) == [
        'No country by its name, so that the rows are read by their plus alone: "Atlantis", "Lemuria".'
    ]


@pytest.mark.parametrize(
    "header", ["Country of interest", "Country of birth", "Destination Country", "Country club", "Land (acres)"]
)
def test_a_column_of_other_countries_or_of_land_says_nothing_of_a_number(header: str) -> None:
    table = table_from_csv(f"phone,{header}\n98765 43210,Canada\n98123 45678,Germany\n98112 34567,7\n")

    found = checked(table, default_region="IN")

    assert len(found.ready) == 3
    assert country_warnings(table, found, Options(default_region="IN")) == []


@pytest.mark.parametrize("country", ["GBR", "United Kingdom", "UK"])
def test_one_state_among_countries_does_not_end_the_doubt(country: str) -> None:
    table = table_from_csv(f"phone,Country\n2079460123,{country}\n2125551234,USA\n2125551235,TX\n")

    assert [row.reason for row in checked(table, default_region="US").rows] == [Reason.AMBIGUOUS_COUNTRY, None, None]


def test_what_the_person_says_of_bare_digits_ends_the_doubt() -> None:
    table = table_from_csv("phone,Country\n98765 43210,Germany\n")

    assert len(checked(table, default_region="IN", bare_digits="national").ready) == 1


@pytest.mark.parametrize("codes", [("IN", "DE", "CO"), ("IN", "NY")])
def test_a_column_of_states_is_not_taken_for_one_of_countries(codes: tuple[str, ...]) -> None:
    rows = "\n".join(f"202-555-01{place:02},{code}" for place, code in enumerate(codes))
    table = table_from_csv(f"phone,State\n{rows}\n")

    with pytest.raises(InvalidInput, match=r"region_column: .* states"):
        checked(table, region_column="State")


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


# --- headers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "odd"),
    [
        ("Phone", False),
        ("Telefon (privat)", False),
        ("Kontakt", False),
        ("电话", False),
        ("No.", False),
        ("unknown", True),
    ],
)
def test_a_phone_column_whose_name_is_none_may_be_the_cell_of_a_person(header: str, odd: bool) -> None:  # noqa: FBT001
    table = table_from_csv(f"Anna,{header}\nBen,+442079460958\n")

    told = header_warnings(table, check_table(table, Options(), KnownLists()), Options())

    assert bool(told) == odd


def test_a_column_that_is_private_by_its_name_is_told() -> None:
    table = table_from_csv("phone,name,Password\n+442079460958,Ann,hunter2\n")

    assert variable_warnings(checked(table)) == [
        'Private by its name, and sent all the same unless keep_columns leaves it out: "Password".'
    ]
    assert variable_warnings(checked(table, keep_columns=["name"])) == []


def test_each_column_that_is_private_by_its_name_is_told() -> None:
    table = table_from_csv("phone,ssn,password,iban\n+442079460958,1,hunter2,DE1\n")

    assert variable_warnings(checked(table)) == [
        'Private by their names, and sent all the same unless keep_columns leaves them out: "ssn", "password", "iban".'
    ]


def test_of_many_values_it_is_said_how_many_more() -> None:
    known = "".join(f"+12025550143,{code}\n" for code in ("US", "GB", "FR", "DE", "IN", "JP", "BR"))
    unknown = "".join(f"98765 4321{place},Country {place}\n" for place in range(7))
    countries = table_from_csv(f"phone,Land\n{known}{unknown}")
    options = Options(region_column="Land", only_where={"Land": [f"x{place}" for place in range(7)]})

    assert country_warnings(countries, checked(countries, region_column="Land"), options)[0].endswith(
        '"Country 3", "Country 4" and 2 more.'
    )
    assert filter_warnings(countries, options) == [
        'No row has "x0", "x1", "x2", "x3", "x4" and 2 more in "Land"; rows have "US", "GB", "FR", "DE", "IN" and 9 more.'
    ]


def test_each_phone_column_of_unwilling_people_is_told() -> None:
    table = table_from_csv("unsubscribed phone,DNC number\n+442079460958,+442079460959\n")
    found = checked(table, phone_columns=["unsubscribed phone", "DNC number"])

    assert unwilling_headers(found) == [
        (
            'By its header "unsubscribed phone", "DNC number" may be a column of people who must not be called: ask before '
            "calling them."
        )
    ]
