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
    r"|opt(?:ed)? ?outs?|optouts?|(?:remove|take) me|asked to be removed|blacklist(?:ed)?|deceased|died"
    r"|no (?:(?:more|further|phone|cold|marketing|sales) )*calls?(?! (?:yet|so far|made|back|answered))"
    r"|passed away|verstorben|gestorben|décédée?|decedee?|fallecid[oa]|falecid[oa]|overleden"
    r"|(?:consent|permission) (?:was )?(?:withdrawn|revoked)|no (?:more|further) contact|stop (?:calling|contacting|phoning)"
    r"|(?:withdr[ae]wn?|revoked?) (?:(?:his|her|their|the|my) )?(?:consent|permission)|no consent(?! (?:needed|required|form))"
    r"|(?:not to|(?:must|may|should) (?:not|never)) be (?:called|contacted|phoned)|(?:replied|texted) stop"
    r"|(?:(?:do|does|did)(?: not|n ?t)|no longer) (?:want|wish|agree)(?:s|es)? (?:to )?(?:be |any )?"
    r"(?:calls?|called|contact(?:ed)?|phoned|phone calls)|(?:do|does|did)(?: not|n ?t) consent"
    r"|keine werbung|nicht (?:mehr )?(?:anrufen|kontaktieren)|ne (?:pas|plus) (?:appeler|contacter)"
    r"|niet (?:meer )?bellen|no (?:llamar|llame|contactar)"
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
        "no contact",
        "stop all",
        "stopall",
        "unsub",
        "removed",
        "suppressed",
        "withdrawn",
        "abgemeldet",
        "gesperrt",
        "désabonné",
        "désabonnée",
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
    *("block", "stop", "robinson", "do not use", "dnd", "passed", "décéd", "decede", "fallec", "falec", "overled"),
    *("withdr", "werbung", "unsub", "suppress", "gemeldet", "gesperrt", "abonn"),
)
_STILL_IN = re.compile(
    r"(?:has |have )?(?:not|never|n t) (?:yet )?(?:opted|unsub|dece|black|died|done)|deceased estate|scrub|without"
    r"|(?:kein(?:en)?|nicht) wider(?:ruf|sproch)|not (?:a |the )?wrong"
)
_LISTS = r"(?:ndnc|dn[cd]r?|c?tps|do not (?:call|disturb))(?: (?:list|registry|register|registered|flag))*"
# Said of people whom nobody found on such a list. What else is said counts: "not on DNC, but do not call".
_NOT_LISTED = re.compile(
    r"\b(?:non (?=dn[cd]|tps)|(?:not|never|isn ?t|no longer) (?:(?:yet|currently) )?"
    rf"(?:(?:registered|listed|found|on|in|with) )+(?:(?:the|any|a|our|your|national|internal) )*){_LISTS}\b"
)
# Headers that ask who is to be left out, besides those that say so.
_OUT = re.compile(
    r"\b(?:dnd|do not (?:market|use|allow)|excluded?|suppression|block ?list|robinson ?liste|bloctel|c?tps"
    r"|(?<!kein )widerspruch(?:sdatum)?"
    r"|werbesperre"
    r"|werbewiderspruch|kontaktsperre|anrufsperre|sperr(?:liste|vermerk)|abgemeldet|d[ée]sabonn[ée]s?"
    r"|liste rouge|dados? de baja|no molestar)\b"
    # Words that mean much else, alone or with what a flag is called.
    r"|^(?:is |has )?(?:blocked|stop(?:ped)?|removed?|suppress(?:ed)?|withdrawn|unsubs?|baja|robinson|gesperrt|no contact)"
    r"(?: (?:status|flag|date|on|at|reason|from calls))?$"
)
# Headers that ask who agreed.
_IN = re.compile(
    r"\b(?:consent(?:ed|s)?|opt(?:ed)? ?in|optin|subscribed|accepts?|permissions?|gdpr|agree[ds]?|callable|contactable"
    r"|(?:may|can|should|shall) (?:(?:we|i|be) )*(?:call(?:ed)?|contact(?:ed)?|phoned?|dial(?:led)?)"
    r"|contact(?:ed)? by (?:tele)?phone|(?:contact|phone|calling|dialling) (?:allowed|permitted|ok)"
    r"|ok(?:ay)? to (?:call|contact|phone)|allow(?:s|ed)? (?:to )?(?:calls?|phone)"
    r"|calls? (?:allowed|permitted|ok)|phone calls|wants? to be called|(?:marketing|subscription) (?:contact )?status|marketing"
    r"|einwilligung\w*|werbeeinwilligung|zustimmung|erlaub\w*|dsgvo|rgpd|consentement|autorisation|accord|consentimiento"
    r"|consentimento|autoriza(?:do|da|ci[óo]n|[çc][ãa]o)?(?! por)|zgoda|souhlas|súhlas|согласие"
    r"|i\u0307?z(?:i\u0307?n|ni\u0307?)|hozz[áa]j[áa]rul[áa]s"
    r"|suostumus|consenso|acepta|toestemming|samtykke|samtycke|kontakt per telefon|darf (?:\w+ )?(?:angerufen|kontaktiert))\b"
    r"|^(?:(?:please )?call(?: (?:me|them|him|her))?|anrufen)$"
    r"|同意|동의"
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
# Where one of these stands, a question is about calls, whatever else it names.
_CALLS = re.compile(
    r"\b(?:call(?:s|ed|ing|able)?|contact(?:s|ed|ing|able)?|(?:tele)?phone[ds]?|dial(?:l?ed|l?ing)?|rung|voice|\w*anruf\w*"
    r"|angerufen|\w*kontakt\w*|telef\w*|t[ée]l[ée]phon\w*|appel(?:s|er|[ée]e?s?)?|contacter|contacto|conta[ct]t?ar|llamad\w*"
    r"|llam(?:ar|en)|ligar|liga[çc](?:[ãa]o|[õo]es)|chiam\w*|bellen|gebeld|dzwoni\w*|звон\w*)\b"
)
# But not in these.
_OTHER_CONTACT = re.compile(
    r"\bcontact(?:s|ed)? (?:(?:me|you|us|them|by|via|per|through) )*(?:e ?mails?|fax(?:es)?)\b"
    r"|\b(?:e ?mails?|fax(?:es)?|marketing) contacts?\b"
)
_E_MAILS, _FAXES = re.compile(r"\b(?:e ?mails?|newsletters?)\b"), re.compile(r"\bfax(?:es)?\b")
_YES = re.compile(
    r"(?:yes|y|true|x|ja|oui|s[ií]|sim|da|да|tak|ano|igen|kyll[äa]|subscribed|opted in|opt in|granted|given|obtained"
    r"|accepted|agreed|confirmed|consented|active|ok|okay|checked|allowed|permitted|是|はい|نعم|evet|예|네|同意|동의)\b"
    r"|(?:t|on|in|1|1 0)$"
)
# A yes that is none yet, none any more, or none to calls.
_NOT_QUITE = re.compile(r"\b(?:withdrawn|revoked|rejected|refused|pending|expired|not by (?:tele)?phone)\b")

_NO = re.compile(  # not what became of a call
    r"(?!no (?:answer|response|reply|voicemail|contact|phone|info\w*|record)\b|not (?:reached|available|answered)\b)"
    r"(?:no|n|false|0|off|nein|non|n[ãa]o|nej|nee|нет|nie|not|never|none|unsubscribed|declined|denied|withdrawn|widerrufen"
    r"|revoked|refused|rejected|nope|deny|pending|unchecked|stop|removed|abgelehnt|do not allow|expired|hay[ıi]r|否"
    r"|不同意|いいえ|لا|ne|nem|ei|όχι|아니[오요])\b|f$"
)
# Whole answers to whether somebody is to be left out that say they are not.
_STAYS = re.compile(
    r"(?:no|n|f|false|0|0 0|off|nein|non|n[ãa]o|nej|nee|нет|nie|ne|nem|ei|none|null|nil|na ?n|n a|na|unchecked"
    r"|opted in|in|subscribed|(?:de|in|not )activ(?:e|ated)|0000 00 00|否|いいえ|لا|hay[ıi]r|아니[오요]"
    # What those answer who compare a list with a register.
    r"|allow(?:ed)?|clean|clear|pass|ok(?:ay)?(?: to (?:call|contact|dial))?|callable|contactable|no (?:match|hit|record)"
    rf"|unlisted|not (?:registered|listed|found|matched|a match)|(?:no|not|non) {_LISTS})"
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
    for place, _, question in [each for each in found if not _is_only(_E_MAILS, each[1])] or found:
        yield place, question


def _is_only(messages: re.Pattern[str], header: str) -> bool:
    """Tell whether a header is about messages and not about calls: `Do not call or email` is about both."""
    return messages.search(header) is not None and _CALLS.search(_OTHER_CONTACT.sub(" ", header)) is None


def _question(header: str) -> Question | None:
    if (_SURE_ANYWHERE.search(header) or _OUT.search(header)) and not _is_only(_FAXES, header):
        return "out"
    if not _IN.search(header) or _is_only(_OTHER_THINGS, header):
        return None
    return "out" if _AGAINST.search(header) else "in"


def is_about_email(header: str) -> bool:
    """Tell whether a column is about messages only, so that its no is none to being called where another asks."""
    return _is_only(_E_MAILS, words(header))


def refuses(answer: str, question: Question | None) -> bool:
    """Tell whether an answer is a no to being called: a no to consent, or anything but a no to being left out.

    Args:
        answer: The cell.
        question: What its column asks; None where it asks nothing, so that only plain words count.
    """
    if not answer.strip():
        return False
    said = words(answer)
    if question == "out":
        return not (
            _STAYS.fullmatch(said)
            or _STILL_IN.match(said)
            or _NOT_LISTED.fullmatch(said)
            or answer.strip() in _UNTICKED
        )
    if reads_as_opt_out(said):
        return True
    if question == "in":
        return (
            _NO.match(said) is not None
            or (not said and not _NO_SIGNS.isdisjoint(answer))
            or answer.strip() in _UNTICKED
        )
    return False


def agrees(answer: str) -> bool:
    """Tell whether an answer is a yes to being called."""
    said = words(answer)
    signs = not said and not _YES_SIGNS.isdisjoint(answer)
    return signs or (_YES.match(said) is not None and not refuses(answer, "in") and _NOT_QUITE.search(said) is None)


def reads_as_opt_out(text: str) -> bool:
    """Tell whether a header, a name or an answer speaks of people who must not be called."""
    said = words(text)
    if said in _SAYS_SO or _IN_WRITING_ONLY.fullmatch(said):
        return True
    if _SURE_ANYWHERE.search(said) is None or _STILL_IN.search(said) is not None:
        return False
    return _SURE_ANYWHERE.search(_NOT_LISTED.sub(" ", said)) is not None


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
