"""Who said that they do not want to be called: the words of headers, answers, titles and file names.

A column that asks is told from its header, an answer from its words, in the languages whose spreadsheets say it. Where it
cannot be told, somebody is rather asked about than called.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Literal

from audiences_mcp.text import clean

Question = Literal["in", "out"]
"""What a column asks: whether people agreed to be called, or whether they are to be left out."""

# Said of people, these leave no doubt, in whatever column they stand.
_SURE = (
    r"(?:do not|don ?t|never) (?:call|contact|disturb|phone|dial|ring)|do ?not ?call|dnc\w*|ndnc|unsubscribe[ds]?"
    r"|opt(?:ed)? ?outs?|optouts?|no (?:more )?calls?|(?:remove|take) me|asked to be removed|blacklist(?:ed)?|deceased|died"
    r"|verstorben|gestorben|(?:consent|permission) (?:withdrawn|revoked)|(?:withdrawn|revoked) (?:consent|permission)"
    r"|nicht (?:mehr )?anrufen|ne (?:pas|plus) (?:appeler|contacter)|niet (?:meer )?bellen|no (?:llamar|llame|contactar)"
    r"|n[ãa]o (?:ligar|contactar)|non (?:chiamare|contattare)|ring (?:ikke|inte)|nie dzwoni[ćc]|не звонить"
    r"|(?:remove|delete|take)[dn]? (?:(?:me|us|him|her|them|this|number|contact) )*(?:off|from)"
    r" (?:(?:the|this|your|our|my|all|any|calls?|calling|phone|contact|mailing|marketing) )*(?:lists?|database)"
    r"|keine (?:weiteren |werbe ?|telefon ?)?anrufe|widerruf(?:en)?|widersprochen"
    r"|keinen? kontakt (?:mehr|(?:er|ge)w[üu]nscht)"
    r"|(?:will|wollen|m(?:ö|oe|o)chten?|w[üu]nsch(?:t|en)|darf|d[üu]rfen|bitte|soll(?:en)?) (?:\w+ )?nicht (?:mehr )?"
    r"(?:angerufen|kontaktiert|gest[öo]rt)"
    r"|(?:not|no longer) interested|keine? interesse|geen interesse|pas int[ée]ress[ée]e?s?"
    r"|no (?:est[áa] |estoy )?interesad[oa]s?|no (?:le |me )?interesa|non interessat[oa]|sem interesse"
)
# Not a no, but nobody there has agreed to anything.
_WRONG = (
    r"wrong (?:(?:tele|mobile )?phone )?(?:numbers?|no|person)(?! (?:of|one))|falsche (?:telefon|handy)?nummer"
    r"|(?:mauvais|faux) num[ée]ro|n[úu]mero (?:equivocado|errado|err[óo]neo)|numero sbagliato|verkeerd nummer"
)
_SURE_ANYWHERE = re.compile(rf"\b(?:{_SURE}|{_WRONG})\b|请勿致电|不要打电话")
_WRONG_NUMBER = re.compile(rf"\b(?:{_WRONG})\b")
# Whole answers; as a part of one they may speak of anything.
_SAYS_SO = frozenset(
    {
        "blocked",
        "blacklist",
        "stop",
        "robinson",
        "do not use",
        "dnd",
        "on dnd",
        "dnd active",
        "dnd registered",
        "please remove",
    }
)
_E_MAIL = r"(?:e ?mails?|mail|courriel|correo)"
_WRITING = rf"(?:{_E_MAIL}|sms|texts?|text messages?|whatsapp|letters?|post|brief)"
_IN_WRITING_ONLY = re.compile(
    rf"{_E_MAIL} (?:only|uniquement|seulement)|(?:contact |reach )?(?:by|via|per) {_WRITING} only"
    rf"|only (?:by|via|per) {_WRITING}"
    rf"|nur (?:per |via )?{_E_MAIL}|nur (?:(?:per|via) {_WRITING}|schriftlich)|(?:uniquement|seulement) par {_WRITING}"
    rf"|s[óo]lo (?:por )?{_E_MAIL}"
)
# One of these must stand in a text for any of the above to do so, which is quickly looked for.
_HINTS = (
    *(
        "call",
        "contact",
        "disturb",
        "phone",
        "dial",
        "ring",
        "dnc",
        "subscrib",
        "opt",
        "remove",
        "take me",
        "black",
        "decease",
    ),
    *(
        "died",
        "storben",
        "consent",
        "permission",
        "anrufen",
        "appeler",
        "bellen",
        "llam",
        "ligar",
        "chiamare",
        "contattare",
    ),
    *(
        "dzwoni",
        "звонить",
        "致电",
        "电话",
        "delete",
        "taken",
        "anruf",
        "widerruf",
        "widersproch",
        "kontakt",
        "nicht",
        "interes",
    ),
    *("intéress", "wrong", "falsch", "num", "verkeerd", "only", "nur", "uniquement", "seulement", "solo", "sólo"),
    *("block", "stop", "robinson", "do not use", "dnd"),
)
_STILL_IN = re.compile(
    r"(?:has |have )?(?:not|never|n t) (?:yet )?(?:opted|unsub|dece|black|died|done)|deceased estate|scrub|without"
    r"|(?:kein(?:en)?|nicht) wider(?:ruf|sproch)|not (?:a |the )?wrong"
)
# Headers that ask who is to be left out, besides those that say so.
_OUT = re.compile(
    r"\b(?:dnd|do not (?:market|use|allow)|excluded?|suppression|block ?list|robinson ?liste|bloctel|c?tps"
    r"|werbesperre"
    r"|werbewiderspruch|kontaktsperre|anrufsperre|sperr(?:liste|vermerk)|abgemeldet|d[ée]sabonn[ée]s?"
    r"|liste rouge|dados? de baja|no molestar)\b"
    # Words that mean much else, alone or with what a flag is called.
    r"|^(?:is |has )?(?:blocked|stop(?:ped)?|removed?|suppress(?:ed)?|baja|robinson|gesperrt)"
    r"(?: (?:status|flag|date|on|at|reason|from calls))?$"
)
# Headers that ask who agreed.
_IN = re.compile(
    r"\b(?:consent(?:ed|s)?|opt(?:ed)? ?in|optin|subscribed|accepts?|permissions?|gdpr|agree[ds]?|callable|contactable"
    r"|(?:may|can|should|shall) (?:we )?(?:call|contact)|contact(?:ed)? by (?:tele)?phone"
    r"|ok(?:ay)? to (?:call|contact|phone)|allow(?:s|ed)? (?:to )?(?:calls?|phone)"
    r"|calls? (?:allowed|ok)|phone calls|wants? to be called|(?:marketing|subscription) (?:contact )?status|marketing"
    r"|einwilligung\w*|werbeeinwilligung|zustimmung|erlaub\w*|dsgvo|rgpd|consentement|autorisation|accord|consentimiento"
    r"|consenso|acepta|toestemming|samtykke|samtycke|kontakt per telefon|darf (?:\w+ )?(?:angerufen|kontaktiert))\b"
    r"|^(?:(?:please )?call(?: (?:me|them|him|her))?|anrufen)$"
)
# A header that asks who agreed, the other way round.
_AGAINST = re.compile(
    r"\b(?:withdrawn|withdrawal|revoked|declined|refused|denied|no|not|never|without|excluded?|object(?:s|ion|ed)?|erasure"
    r"|delet(?:e|ed|ion)|retir[ée]e?|revocad[oa]|widerruf\w*|widerspruch|kein\w*|sans|sin)\b"
)
_OTHER_THINGS = re.compile(
    r"\b(?:cards?|pets?|insurance|terms|cookies?|price|date|url|form|plan|source|budget|level|region|type|sinks?|hours?|account"
    r"|items?|cart|fax|version|campaign|channel)\b"
)
_EMAIL_ONLY = re.compile(r"\b(?:e ?mails?|newsletters?)\b")
_YES = re.compile(
    r"(?:yes|y|true|1|on|x|ja|oui|s[ií]|sim|da|да|tak|subscribed|opted in|in|granted|accepted|agreed|confirmed|consented|active"
    r"|ok|okay|checked|allowed|是|はい|نعم|evet)\b"
)
_NO = re.compile(  # not what became of a call
    r"(?!no (?:answer|response|reply|voicemail|contact|phone|info\w*|record)\b|not (?:reached|available|answered)\b)"
    r"(?:no|n|false|0|off|nein|non|n[ãa]o|nej|nee|нет|nie|not|never|none|unsubscribed|declined|denied|withdrawn|widerrufen"
    r"|revoked|refused|unchecked|stop|removed|abgelehnt|do not allow|expired|hayır|否|いいえ|لا|ne|όχι)\b"
)
# Whole answers to whether somebody is to be left out that say they are not.
_STAYS = re.compile(
    r"(?:no|n|false|0|off|nein|non|n[ãa]o|nej|nee|нет|nie|none|null|nil|na ?n|n a|na|unchecked|allow(?:ed)?|opted in|in"
    r"|subscribed|inactive|0000 00 00|否|いいえ|لا|hayır)"
)
_LETTERS = re.compile(r"[^\W\d_]{3}")
_UNTICKED = frozenset({"-", "–", "—", "☐", "[ ]"})
_YES_SIGNS, _NO_SIGNS = frozenset("✓✔☑✅"), frozenset("❌✗✘✖☐☒👎-–—")

# Names of files, sheets and titles over such people, where the words above do not stand.
_OF_UNWILLING = re.compile(
    r"\b(?:un ?subs?|un ?subscri\w+|dnd|(?<!bus )stop ?lists?|suppress(?:ions?|ed)|no consents?|bounce[sd]|block ?lists?"
    r"|black ?lists?|abmelde\w*|abmeldungen|abgemeldete?n?|sperrlisten?|kontaktsperren?|werbesperren?|robinson ?listen?|bloctel"
    r"|bajas|d[ée]sinscri\w+|d[ée]sabonn\w+|afmelding(?:en)?|uitschrijving(?:en)?|disiscri\w+|descadastr\w+)\b"
    r"|^removals?\b|^(?:baja|removed)$"
)
# They were taken out of it.
_LEFT_OUT = re.compile(
    r"\b(?:minus|excluding|excl|except|ohne|sans|sin|sem|senza|without|scrub\w*|no (?=unsub|bounce|dnd|suppress|stop|block))"
)


@lru_cache(maxsize=4_096)
def words(text: str) -> str:
    """Return the words of a header or an answer: `AcceptsSMS_marketing` is `accepts sms marketing`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", clean(unicodedata.normalize("NFKC", text)))
    return re.sub(r"[\W_]+", " ", spaced).strip().casefold()


def questions(headers: Sequence[str]) -> Iterator[tuple[int, Question]]:
    """Yield the places of the columns that ask; for e-mail only where no other column asks."""
    asked = [(place, words(header)) for place, header in enumerate(headers)]
    found = [(place, text, question) for place, text in asked if (question := _question(text))]
    for place, _, question in [each for each in found if not _EMAIL_ONLY.search(each[1])] or found:
        yield place, question


def _question(header: str) -> Question | None:
    if (_SURE_ANYWHERE.search(header) or _OUT.search(header)) and not re.search(r"\bfax\b", header):
        return "out"
    if not _IN.search(header) or _OTHER_THINGS.search(header):
        return None
    return "out" if _AGAINST.search(header) else "in"


def is_about_email(header: str) -> bool:
    """Tell whether a column is about messages only, so that its no is none to being called where another asks."""
    return _EMAIL_ONLY.search(words(header)) is not None


def refuses(answer: str, question: Question | None) -> bool:
    """Tell whether an answer is a no to being called: a no to consent, or anything but a no to being left out.

    Args:
        answer: The cell.
        question: What its column asks; None where it asks nothing, so that only plain words count.
    """
    if not answer.strip():
        return False
    said = words(answer)
    if reads_as_opt_out(said):
        return True
    if question is None:
        return False
    if question == "in":
        return (
            _NO.match(said) is not None
            or (not said and not _NO_SIGNS.isdisjoint(answer))
            or answer.strip() in _UNTICKED
        )
    stays = _STAYS.fullmatch(said) or _STILL_IN.match(said) or answer.strip() in _UNTICKED
    return not stays


def agrees(answer: str) -> bool:
    """Tell whether an answer is a yes to being called."""
    said = words(answer)
    signs = not said and not _YES_SIGNS.isdisjoint(answer)
    return signs or (_YES.match(said) is not None and not refuses(answer, "in") and "withdrawn" not in said)


def reads_as_opt_out(text: str) -> bool:
    """Tell whether a header, a name or an answer speaks of people who must not be called."""
    said = words(text)
    if said in _SAYS_SO or _IN_WRITING_ONLY.fullmatch(said):
        return True
    return _SURE_ANYWHERE.search(said) is not None and _STILL_IN.search(said) is None


def is_wrong_number(answer: str) -> bool:
    """Tell whether an answer that refuses says that the number is somebody else's."""
    return _WRONG_NUMBER.search(words(answer)) is not None


def says_no(cell: str) -> bool:
    """Tell whether a phone cell itself says, beside a number or without one, that it must not be called."""
    if _LETTERS.search(cell) is None or not may_refuse([cell]):
        return False
    return reads_as_opt_out(re.sub(r"\d+", " ", cell))


def who_says_no(cells: Sequence[str]) -> list[int]:
    """Return the places of the phone cells that say no, in little time where hardly any has letters."""
    return [place for place, cell in enumerate(cells) if _LETTERS.search(cell) and says_no(cell)]


def names_unwilling(name: str) -> bool:
    """Tell whether the name of a file or a sheet, a title or a phone header is one of people who must not be called."""
    said = words(name)
    return reads_as_opt_out(name) or (_OF_UNWILLING.search(said) is not None and _LEFT_OUT.search(said) is None)


def may_refuse(answers: Iterable[str]) -> bool:
    """Tell in little time whether any of many cells could say so."""
    folded = "\n".join(answers).casefold()
    return any(hint in folded for hint in _HINTS)
