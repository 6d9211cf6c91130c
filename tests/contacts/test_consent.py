"""The words of a no, of a yes, and of what only looks like one."""

import itertools
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterator
from typing import Any

import pytest

from audiences_mcp.contacts.consent import Question, agrees, names_unwilling, questions, refuses
from audiences_mcp.contacts.sayings import SAYINGS, may_say_no

# --- notes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "note",
    [
        "notas: número equivocado",
        "take him off the list",
        "Called without permission. Do not call again.",
        "Demo not done. Do not call again.",
        "Scrubbed - DNC hit",
        "asked not to call again",
        "asked us not to call",
        "Not to contact",
        "Refused calls",
        "refused to be called",
        "declined further calls",
        "No telephone calls",
        "no solicitation calls",
        "no telemarketing",
        "Do not telephone",
        "don't ever call",
        "told me never to call",
        "stop calls",
        "cease contact",
        "no contact please",
        "remove number",
        "remove my number",
        "delete my data",
        "GDPR erasure",
        "do not solicit",
        "Text only",
        "SMS only",
        "WhatsApp only",
        "SMS or email only",
        "No interest",
        "Not Intrested",
        "not intersted",
        "isn't interested",
        "dnt call",
        "do nt call",
        "DND customer",
        "on DND list",
        "Number is in DND",
        "DND activated",
        "not his number",
        "incorrect number",
        "Number belongs to someone else",
        "Blocked number",
        "blocked our number",
        "ne souhaite plus être contacté",
        "ne veut plus être appelée",
        "ne pas rappeler",
        "refus",
        "Désinscrit",
        "Anruf unerwünscht",
        "wünscht keinen Kontakt",
        "abgemeldet am 3.5.2024",
        "Bitte löschen",
        "Dada de baja",
        "no desea recibir llamadas",
        "no quiere llamadas",
        "Desuscrito",
        "Não me perturbe",
        "não tem interesse",
        "não interessado",
        "descadastrado",
        "non richiamare",
        "non vuole essere chiamato",
        "disiscritto",
        "afgemeld",
        "uitgeschreven",
        "wil niet gebeld worden",
    ],
)
def test_a_no_in_plain_words_is_one_in_any_column(note: str) -> None:
    assert refuses(note, None)
    assert may_say_no([note])


@pytest.mark.parametrize(
    "note",
    [
        "demo not done",
        "scrubbed against the national DNC list",
        "DNC scrub done",
        "came without DNC flag",
        "has not opted out",
        "did not opt out",
        "decided not to call yet",
        "asked whom to call",
        "declined the call",
        "refused contact details",
        "no calls made yet",
        "no contact made yet",
        "never called",
        "bus stop opposite",
        "remove number plate",
        "delete my appointment",
        "data erased by mistake",
        "text only in capitals, please",
        "post only",
        "no interest for 12 months",
        "no interest charges",
        "very interested",
        "not yet interviewed",
        "phone was on DND mode",
        "not in DND",
        "DND deactivated",
        "plays DnD",
        "not his number one choice",
        "incorrect number of items",
        "incorrect number format",
        "not my number of choice",
        "no sales calls logged",
        "blocked US dollar account",
        "order number belongs to March",
        "called from a blocked number",
        "refusé par la banque",
        "souhaite être rappelée",
        "Auto abgemeldet",
        "bitte Termin löschen",
        "wünscht keinen Vertrag",
        "baja California",
        "servicio dado de baja",
        "no desea factura",
        "tem interesse",
        "non risponde",
        "https://example.com/unsubscribe?id=1",
        "I agree to calls from Acme. Reply STOP to opt out, rates apply.",
        "I know that I can unsubscribe at any time",
        "Ich kann meine Einwilligung jederzeit mit Wirkung für die Zukunft widerrufen",
        "take me to the airport",
        "removed from list price",
        "wrong number plate",
        "declined contact lens fitting",
        "phone on DND till 5",
        "phone belongs to a different carrier",
        "number belongs to another tariff",
        "dada de baja temporal del gimnasio",
        "dado de baja médica",
        "wil graag gebeld worden",
        "is van de club uitgeschreven",
    ],
)
def test_the_nearest_harmless_words_are_no_no(note: str) -> None:
    assert not refuses(note, None)


def test_whatever_is_sought_has_a_hint_of_it() -> None:
    """Whole columns are passed over where no hint stands, so a saying without one would never be found."""
    written = [
        text
        for beginnings, rest in SAYINGS
        for beginning in beginnings.split("|")
        for text in _texts(parser.parse(beginning + rest))
    ]

    assert len(written) > len(SAYINGS)
    assert {text for text in written if not may_say_no([text])} == set()


def _texts(parsed: Any) -> Iterator[str]:
    """Return texts that an expression finds, with each of its alternatives, optional parts once without and once with."""
    return map("".join, itertools.product(*[list(_part(*each)) for each in parsed]))


def _part(kind: Any, value: Any) -> Iterator[str]:
    match str(kind):
        case "LITERAL":
            yield chr(value)
        case "IN":
            yield from ("x" if str(each) == "CATEGORY" else chr(char) for each, char in value)
        case "BRANCH":
            yield from (text for branch in value[1] for text in _texts(branch))
        case "SUBPATTERN":
            yield from _texts(value[-1])
        case "MAX_REPEAT":
            least, most, part = value
            yield from ("" for _ in range(least == 0))
            yield from _texts(part) if most else ()
        case "ASSERT" | "ASSERT_NOT":
            yield ""
        case other:
            raise AssertionError(other)


# --- answers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        *(
            "I do not agree",
            "I disagree",
            "I don't agree",
            "I do not accept",
            "I decline",
            "I do not consent",
            "We object",
        ),
        *("Do not contact me", "Ich stimme nicht zu", "Je refuse", "No acepto"),
        *("Yes - email only", "Yes (SMS only)", "yes, except calls", "Yes, but not phone", "Yes, only by e-mail"),
    ],
)
def test_an_answer_to_a_question_for_consent_that_is_none(answer: str) -> None:
    assert refuses(answer, "in")
    assert not agrees(answer)


@pytest.mark.parametrize(
    "answer",
    [
        *("I agree", "I consent", "I accept", "Agree", "We agree to be contacted", "Ich stimme zu", "Acepto"),
        *("Yes - email and phone", "Yes, except Sundays", "Yes, but not before noon", "Yes, call any time"),
    ],
)
def test_an_answer_to_a_question_for_consent_that_is_a_yes(answer: str) -> None:
    assert agrees(answer)
    assert not refuses(answer, "in")


# --- headers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "no", "harmless"),
    [
        ("Would you like us to call you?", "No", "Yes"),
        ("Interested (Y/N)", "N", "Y"),
        ("Interested", "No", "not yet"),
        ("Blocklisted", "yes", "no"),
        ("Call (Y/N)", "N", "Y"),
        ("Contact?", "No", "Noor"),
        ("Receive calls", "No", "Yes"),
        ("Willing to be called", "No", "Yes"),
        ("Sales calls", "No", "0"),
        ("Telemarketing", "No", "Yes"),
        ("Do not telephone", "Yes", "No"),
        ("Suppress calls", "Y", "N"),
        ("Objection", "Yes", "price too high"),
        ("UNSUB_TIME", "2024-03-01 10:00", ""),
        ("Date of death", "2024-03-01", ""),
        ("abgemeldet am", "3.5.2024", ""),
        ("Accepte d'être contacté par téléphone", "Non", "Oui"),
        ("Opposition", "oui", "forte"),
        ("Werbeerlaubnis Telefon", "nein", "ja"),
        ("Einverständnis", "nein", "ja"),
        ("Telefonwerbung", "nein", "ja"),
        ("Lista Robinson", "Sí", "No"),
        ("Aceita receber ligações", "Não", "Sim"),
        ("LGPD", "Não", "Sim"),
        ("Não Me Perturbe", "Sim", "Não"),
        ("Registro Opposizioni", "Sì", "No"),
        ("Bel-me-niet", "ja", "nee"),
        ("Mag gebeld worden", "nee", "ja"),
        ("الموافقة", "لا", "نعم"),
        ("DNC", "Scrubbed - DNC hit", "Scrubbed"),
        ("Unsubscribe link", "yes", "https://example.com/u/1"),
        ("Stop", "Yes", "3"),
        ("Stop", "2024-03-01", "12"),
        ("Stop date", "2024-03-01", ""),
        ("DNC clean", "No", "Yes"),
        ("TPS clear", "FALSE", "TRUE"),
        ("Nicht anrufen", "WAHR", "FALSCH"),
        ("Ne pas appeler", "VRAI", "FAUX"),
        ("No llamar", "VERDADERO", "FALSO"),
        ("Nie dzwonić", "PRAWDA", "FAŁSZ"),
        ("Не звонить", "ИСТИНА", "ЛОЖЬ"),
        ("Lista Robinson", "VERO", "FALSO"),
        ("Einwilligung", "FALSCH", "WAHR"),
        ("Consentement", "FAUX", "VRAI"),
        ("Samtykke", "Nei", "Ja"),
        ("Do not call", "Ya", "Tidak"),
    ],
)
def test_a_column_that_asks_is_told_by_its_header(header: str, no: str, harmless: str) -> None:
    ((_, question),) = questions([header])

    assert refuses(no, question)
    assert not refuses(harmless, question)


@pytest.mark.parametrize(
    "header",
    [
        *("Contact name", "Interested in", "Calls made", "Objections raised by phone", "Telemarketing agent", "Urlaub"),
        *(
            "Would you like to visit us?",
            "Received",
            "Refuse collection",
            "Accepted offer",
            "Opposing party",
            "Accepte les CGV",
        ),
        *("DNC check date", "TPS screened on", "Last DNC scrub", "Date of TPS check", "Objections to price"),
        *("DNC checked by", "GDPR basis", "Agree to T&C", "Permission to leave voicemail", "Flu shot consent"),
        *("Auto-renew opt-out", "Spouse deceased", "Name of deceased"),
        *("Photo consent", "Autorisation de sortie", "Toestemming foto", "Treatment consent", "Rauchen erlaubt"),
    ],
)
def test_a_header_of_something_else_asks_nothing(header: str) -> None:
    assert [*questions([header])] == []


def test_a_column_whose_name_may_mean_much_else_does_not_silence_one_of_e_mail() -> None:
    asked: list[tuple[int, Question]] = [*questions(["Contact", "Email opt-in"])]

    assert asked == [(0, "if no"), (1, "in")]


# --- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left_out", "unwilling"),
    [
        ("Filtered By: Do Not Call equals False", "Filtered By: Do Not Call equals True"),
        ("Filter: Status not equal to Unsubscribed", "Filter: Status equals Unsubscribed"),
        ("leads_dnc_clean", "leads_dnc"),
        ("non_dnd_numbers", "dnd_numbers"),
        ("Opted out: No", "Opted out: Yes"),
        ("Leads (DNC removed)", "Removed leads (DNC)"),
        ("leads-no-dnc", "dnc-no-duplicates"),
        ("callable_not_dnc", "do not call"),
        ("leads_dnd_filtered", "Filtered: DND"),
        ("Customers without opt-outs", "Customers without consent, do not call"),
        ("Leads excluding DNC", "Excluded: no calls"),
        ("opt-outs removed", "Opted out (removed from CRM)"),
        ("DNC cleaned", "DNC clean-up list"),
        ("Removals customers", "Removals May"),
    ],
)
def test_a_list_without_the_unwilling_is_none_of_them(left_out: str, unwilling: str) -> None:
    assert not names_unwilling(left_out)
    assert names_unwilling(unwilling)
