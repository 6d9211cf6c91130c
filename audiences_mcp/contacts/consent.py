"""Who said that they do not want to be called: the words of headers, answers, titles and file names.

A column that asks is told from its header, an answer from its words, in the languages whose spreadsheets say it. Where it
cannot be told, somebody is rather asked about than called.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Literal

from audiences_mcp.contacts.sayings import are_of_somebody_else, may_say_no, say_no
from audiences_mcp.text import clean, is_clean

Question = Literal["in", "out", "if no", "if yes"]
"""What a column asks: whether people agreed to be called, or whether they are to be left out.

The names of some columns mean much else too, such as `Contact` or `Objection`: in these only that very answer is a no.
"""

_LISTS = r"(?:ndnc|dn[cd]r?|c?tps|do not (?:call|disturb))(?: (?:list|registry|register|registered|flag))*"

# Whole answers; as a part of one they may speak of anything.
_SAYS_SO = frozenset(
    {
        "blocked",
        "blocked number",
        "number blocked",
        "refus",
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
_MESSAGES = rf"(?:{_E_MAIL}|sms|text(?:s| messages?)?|whats ?app)"
_WRITING = rf"(?:{_MESSAGES}|letters?|post|brief)"
_IN_WRITING_ONLY = re.compile(
    rf"(?:{_MESSAGES}(?: (?:and|or))? )+only(?: please)?|{_E_MAIL} (?:uniquement|seulement)"
    rf"|(?:contact |reach )?(?:by|via|per) {_WRITING} only|only (?:by|via|per) {_WRITING}"
    rf"|nur (?:per |via )?{_E_MAIL}|nur (?:(?:per|via) {_WRITING}|schriftlich)|(?:uniquement|seulement) par {_WRITING}"
    rf"|s[óo]lo (?:por )?{_E_MAIL}"
)
# Said of people whom nobody found on a list of the unwilling, or who are still in. What else is said counts: "not on DNC, but
# do not call".
_NOT_LISTED = re.compile(
    r"\b(?:non (?=dn[cd]|tps)|(?:not|never|isn ?t|no longer) (?:(?:yet|currently) )?"
    rf"(?:(?:registered|listed|found|on|in|with) )+(?:(?:the|any|a|our|your|national|internal) )*){_LISTS}\b"
)
_STILL_IN = re.compile(
    r"(?:has |have |did |is )?(?:not|never|n t) (?:yet )?(?:opt(?:ed)?|unsub\w*|dece\w*|black\w*|died)\b|deceased estate"
    rf"|(?:{_LISTS} )?scrub\w*(?: (?:against|for|from|through|with|of|on) (?:(?:the|national|our|all) )*{_LISTS})?"
    rf"|without (?:(?:a|any|the|being|on|having) ){{0,3}}(?:{_LISTS}\b|\w+)"
    r"|(?:kein(?:en)?|nicht) wider(?:ruf|sproch)\w*|not (?:a |the )?wrong"
    # What consents tell of how they end.
    r"|\b(?:reply|text|send) stop (?:(?:at any time|anytime) )?to (?:opt ?out|unsubscribe|stop|end|cancel|quit)\b"
    r"|\b(?:can|may|could) (?:always )?(?:opt ?out|unsubscribe)\b"
    r"|\bto (?:opt ?out|unsubscribe) (?:reply|text|click|visit|e ?mail)\b"
    r"|\bjederzeit (?:\w+ ){0,5}?widerruf(?:en)?\b|\bwiderruf (?:ist )?jederzeit\b"
)
# Headers that ask who is to be left out, besides those that say so.
_OUT = re.compile(
    r"\b(?:dnd|do not (?:market|use|allow)|excluded?|suppression|block ?list(?:ed)?|robinson ?liste|bloctel|c?tps"
    r"|date of death|death date|sterbedatum|todesdatum|date de d[ée]c[èe]s|fecha de fallecimiento"
    r"|registro (?:pubblico )?(?:delle )?opposizioni|desinscri\w+|afgemeld|uitgeschreven|desuscri\w+"
    r"|(?<!kein )widerspruch(?:sdatum)?|werbesperre|werbewiderspruch"
    r"|kontaktsperre|anrufsperre|sperr(?:liste|vermerk)|abgemeldet|d[ée]sabonn[ée]s?"
    r"|liste rouge|dados? de baja|no molestar)\b"
    # Words that mean much else, alone or with what a flag is called.
    r"|^(?:is |has )?(?:blocked|stop(?!$)(?:ped)?|removed?|suppress(?:ed)?|withdrawn|unsubs?|baja|robinson|gesperrt|no contact)"
    r"(?: (?:status|flag|date|time|on|at|reason|(?:from )?calls))?$"
)
# Headers that ask who agreed.
_IN = re.compile(
    r"\b(?:consent(?:ed|s)?|opt(?:ed)? ?in|optin|subscribed|accept(?:s|es?)?|aceita|permissions?|gdpr|lgpd|agree[ds]?"
    r"|callable|contactable|(?:receive|get|take)s? (?:\w+ )?calls"
    r"|(?:like|want|wish|happy|willing)s? (?:us )?to (?:(?:be|get|receive) )?(?:call|contact|phone)(?:s|d|ed)?"
    r"|(?:may|can|should|shall) (?:(?:we|i|be) )*(?:call(?:ed)?|contact(?:ed)?|phoned?|dial(?:led)?)"
    r"|contact(?:ed)? by (?:tele)?phone|(?:contact|phone|calling|dialling) (?:allowed|permitted|ok)"
    r"|ok(?:ay)? to (?:call|contact|phone)|allow(?:s|ed)? (?:to )?(?:calls?|phone)"
    r"|calls? (?:allowed|permitted|ok)|phone calls|(?:marketing|subscription) (?:contact )?status|marketing"
    r"|einwilligung\w*|werbeeinwilligung|zustimmung|\w*erlaub\w*|einverst[äa]nd\w*|telefonwerbung|dsgvo|rgpd"
    r"|consentement|autorisation"
    r"|accord|consentimiento"
    r"|consentimento|autoriza(?:do|da|ci[óo]n|[çc][ãa]o)?(?! por)|zgoda|souhlas|súhlas|согласие"
    r"|i\u0307?z(?:i\u0307?n|ni\u0307?)|hozz[áa]j[áa]rul[áa]s"
    r"|suostumus|consenso|acepta|toestemming|samtykke|samtycke|kontakt per telefon|darf (?:\w+ )?(?:angerufen|kontaktiert)"
    r"|mag (?:\w+ )?(?:gebeld|benaderd)|الموافقة)\b"
    r"|^(?:(?:please )?call(?: (?:me|them|him|her))?|anrufen)(?: (?:y n|yes no))?$"
    r"|同意|동의"
)
# Headers that ask, where the answer is a plain no or yes.
_IF_NO = re.compile(
    r"(?:contact|interested|telemarketing|(?:(?:sales|marketing|promotional|cold|voice) )?calls)(?: (?:y n|yes no))?"
)
_IF_YES = re.compile(
    r"stop|(?:objections?|oppositions?|refus)(?: (?:to|au|aux|à) (?:la |l )?(?!prices?\b|costs?\b|offers?\b|prix\b)\w+)?"
)
# Headers that ask who was not found on a list of the unwilling, and those that tell when somebody looked.
_CLEARED = re.compile(rf"{_LISTS} (?:(?:is|are) )?(?:clean|clear|cleared|free|passed)")
_LOOKED_UP = r"(?:check(?:ed)?|scrub(?:bed)?|screen(?:ed|ing)?|wash(?:ed)?|lookup|search(?:ed)?)"
_WHEN_LOOKED_UP = re.compile(
    rf"(?:last )?{_LISTS} (?:last )?{_LOOKED_UP} (?:date|on|at|time|by)|(?:last|date of) {_LISTS} {_LOOKED_UP}"
)
# A header that asks who agreed, the other way round.
_AGAINST = re.compile(
    r"\b(?:withdrawn|withdrawal|revoked|declined|refused|denied|no|not|never|without|excluded?|object(?:s|ion|ed)?|erasure"
    r"|delet(?:e|ed|ion)|retir[ée]e?|revocad[oa]|widerruf\w*|widerspruch|kein\w*|sans|sin)\b"
)
_OTHER_THINGS = re.compile(
    r"\b(?:cards?|pets?|insurance|terms|cookies?|price|date|url|form|plan|source|budget|level|region|type|sinks?|hours?|account"
    r"|items?|cart|fax|version|campaign|channel|cgv|cgu|agb|conditions|t[ée]rminos|termos|carte|cart[ãa]o|tarjeta"
    r"|t (?:and )?cs?|tcs?|basis|voicemails?|photos?|pictures?|fotos?|videos?|treatment|surgery|vaccin\w*|flu shots?|swim\w*"
    r"|field trips?|credit check|sortie|rauchen|haustiere?|hunde?)\b"
)
# What people opt out of besides calls, and who may have died besides them.
_OTHER_OUT = re.compile(
    r"\b(?:auto ?renew\w*|paper(?:less)?|dental|vision|arbitration|deceased name|name of (?:the )?deceased"
    r"|(?:spouse|husband|wife|partner|father|mother|parent|pet) (?:is )?deceased)\b"
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
# The truth values of spreadsheets in other languages.
_FALSE = "falsch|faux|falso|fałsz|ложь|onwaar|falskt|nepravda|hamis|yanl[ıi]ş"
_TRUE = "wahr|vrai|verdadero|verdadeiro|vero|prawda|истина|waar|sant|pravda|igaz|doğru"
_YES = re.compile(
    r"(?:yes|y|true|x|ja|oui|s[ií]|sim|da|да|tak|ano|igen|kyll[äa]|subscribed|opted in|opt in|granted|given|obtained"
    r"|(?:(?:i|we) )?(?:do )?(?:agree|consent|accept|allow)|(?:ich )?stimme zu|einverstanden|j accepte|acepto|aceito|accetto"
    r"|áno|accepted|agreed|confirmed|consented|active|ok|okay|checked|allowed|permitted|是|はい|نعم|evet|예|네|同意|동의)\b"
    rf"|(?:t|on|in|1|1 0|{_TRUE})$"
)
# A yes that is none yet, or none any more.
_NOT_QUITE = re.compile(r"\b(?:withdrawn|revoked|rejected|refused|pending|expired)\b")
# A yes that is none to calls.
_BUT_NO_CALLS = re.compile(
    r"\b(?:except|but (?:not|no)|not)(?: (?:for|by|via|to|on|any))* (?:(?:tele)?phone|calls?|calling|voice)\b"
    rf"|\b{_MESSAGES} only\b|\bonly (?:(?:by|via|per|for|to) )?{_MESSAGES}\b"
)

_NO = re.compile(  # not what became of a call
    r"(?!no (?:answer|response|reply|voicemail|contact|phone|info\w*|record)\b|not (?:reached|available|answered)\b)"
    r"(?:no|n|false|0|off|nein|non|n[ãa]o|nej|nee|нет|nie|not|never|none|unsubscribed|declined|denied|withdrawn|widerrufen"
    r"|(?:(?:i|we) )?(?:(?:do not|don ?t|did not|didn ?t|cannot) (?:agree|consent|accept|allow|want|wish)"
    r"|disagree|decline|refuse|object)"
    r"|(?:ich )?stimme nicht|nicht einverstanden|je (?:refuse|n accepte)|rifiuto"
    r"|revoked|refused|rejected|nope|deny|pending|unchecked|stop|removed|abgelehnt|do not allow|expired|hay[ıi]r|否"
    r"|不同意|いいえ|لا|ne|nei|nem|ei|όχι|tidak|không|아니[오요])\b"
    rf"|(?:f|{_FALSE})$"
)
_PLAIN_NO = re.compile(rf"no|n|false|nein|non|n[ãa]o|nej|nee|nie|нет|{_FALSE}")
_PLAIN_YES = re.compile(r"yes|y|true|x|1|ja|oui|s[ií]|sim|da|tak|on|checked|\d{1,4} \d\d? \d{1,4}(?: .*)?")
# Whole answers to whether somebody is to be left out that say they are not.
_STAYS = re.compile(
    r"(?:no|n|f|false|0|0 0|off|nein|non|n[ãa]o|nej|nee|нет|nie|ne|nem|ei|none|null|nil|na ?n|n a|na|unchecked"
    rf"|nei|όχι|tidak|không|無|无|なし|{_FALSE}"
    r"|opted in|in|subscribed|(?:de|in|not )activ(?:e|ated)|0000 00 00|否|いいえ|لا|hay[ıi]r|아니[오요]"
    # What those answer who compare a list with a register.
    r"|allow(?:ed)?|clean|clear|pass|ok(?:ay)?(?: to (?:call|contact|dial))?|callable|contactable|no (?:match|hit|record)"
    rf"|unlisted|not (?:registered|listed|found|matched|a match)|(?:no|not|non) {_LISTS})"
)
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)  # such as that by which one unsubscribes
_BATCH = 1_000
_LETTERS = re.compile(r"[^\W\d_]{3}")
_UNTICKED = frozenset({"-", "–", "—", "☐", "[ ]"})
_YES_SIGNS, _NO_SIGNS = frozenset("✓✔☑✅"), frozenset("❌✗✘✖☐☒👎-–—")

# Names of files, sheets and titles over such people, where the words above do not stand.
_OF_UNWILLING = re.compile(
    r"\b(?:un ?subs?|un ?subscri\w+|dnd|(?<!bus )stop ?lists?|suppress(?:ions?|ed)|no consents?|bounce[sd]|block ?lists?"
    r"|black ?lists?|abmelde\w*|abmeldungen|abgemeldete?n?|sperrlisten?|kontaktsperren?|werbesperren?|robinson ?listen?|bloctel"
    r"|bajas|d[ée]sinscri\w+|d[ée]sabonn\w+|afmelding(?:en)?|uitschrijving(?:en)?|disiscri\w+|descadastr\w+)\b"
    r"|^removals?\b(?! (?:compan\w+|firms?|customers?|clients?|leads|enquir\w+|quotes?))|^(?:baja|removed)$"
)
# They were taken out of it: `Leads (DNC removed)`, `Opted out: No`.
_LEFT_OUT = re.compile(
    r"\b(?:minus|excluding|excl|except|ohne|sans|sin|sem|senza|without(?! (?:consent|permission))|scrub\w*"
    r"|(?:no|non|not|un)(?: (?:on|in|equals?|to|the))* (?=unsub|bounce|dn[cd]|ndnc|c?tps|opt|suppress|stop ?list|bl[oa]c)"
    rf"|{_LISTS} (?:(?:is|are) )?(?:clean(?! up)|cleaned|checked|removed|filtered|excluded|free)"
    r"|(?:opt(?:ed)? ?outs?|unsub\w*|bounces?|suppress\w*|do not (?:call|contact)s?|bl[oa]ck ?list\w*)"
    r" (?:removed(?! from)|filtered|excluded|free|cleaned)"
    r"|(?:equals?|equal to|is) (?:false|no|0))\b| (?:false|no)$"
)


_HUMP = re.compile(r"([a-z]|[A-Z](?=[A-Z][a-z]))(?=[A-Z])")  # a capital in front of which a word ends
_BETWEEN_WORDS = re.compile(r"[\W_]+")


@lru_cache(maxsize=4_096)
def words(text: str) -> str:
    """Return the words of a header or an answer: `AcceptsSMS_marketing` is `accepts sms marketing`."""
    plain = text if is_clean(text) else clean(unicodedata.normalize("NFKC", text))
    return _BETWEEN_WORDS.sub(" ", _HUMP.sub(r"\1 ", plain)).strip().casefold()


def questions(headers: Sequence[str]) -> Iterator[tuple[int, Question]]:
    """Yield the places of the columns that ask; for e-mail only where no other column asks."""
    asked = [(place, words(header)) for place, header in enumerate(headers)]
    found = [(place, text, question) for place, text in asked if (question := _question(text))]
    others = any(_asks_plainly(question) and not _is_only(_E_MAILS, text) for _, text, question in found)
    for place, text, question in found:
        if not (others and _is_only(_E_MAILS, text)):
            yield place, question


def ask_of_calls(asked: Iterable[Question]) -> bool:
    """Tell whether a column asks by its name alone, so that one about messages only says nothing of calls."""
    return any(map(_asks_plainly, asked))


def _asks_plainly(question: Question) -> bool:
    return question in {"in", "out"}


def _is_only(messages: re.Pattern[str], header: str) -> bool:
    """Tell whether a header is about messages and not about calls: `Do not call or email` is about both."""
    return messages.search(header) is not None and _CALLS.search(_OTHER_CONTACT.sub(" ", header)) is None


def _question(header: str) -> Question | None:
    if _WHEN_LOOKED_UP.fullmatch(header):
        return None
    if _CLEARED.fullmatch(header):
        return "in"
    says_so = may_say_no([header]) and say_no(header)
    if (says_so or _OUT.search(header)) and not any(_is_only(each, header) for each in (_FAXES, _OTHER_OUT)):
        return "out"
    if _IN.search(header) and not _is_only(_OTHER_THINGS, header):
        return "out" if _AGAINST.search(header) else "in"
    if _IF_NO.fullmatch(header):
        return "if no"
    return "if yes" if _IF_YES.fullmatch(header) else None


def is_about_email(header: str) -> bool:
    """Tell whether a column is about messages only, so that its no is none to being called where another asks."""
    return _is_only(_E_MAILS, words(header))


def refuses(answer: str, question: Question | None) -> bool:
    """Tell whether an answer is a no to being called: a no to consent, or anything but a no to being left out.

    Args:
        answer: The cell.
        question: What its column asks; None where it asks nothing, so that only plain words count.
    """
    if not answer.strip() or _LINK.fullmatch(answer.strip()):
        return False
    said, unticked = words(answer), answer.strip() in _UNTICKED
    if question == "out":
        return not (_STAYS.fullmatch(said) or _is_still_in(said) or unticked)
    opts_out = _opts_out(said)
    if opts_out or question is None:
        return opts_out
    if question == "in":
        unticked = unticked or (not said and not _NO_SIGNS.isdisjoint(answer))
        return unticked or _NO.match(said) is not None or _BUT_NO_CALLS.search(said) is not None
    return (_PLAIN_NO if question == "if no" else _PLAIN_YES).fullmatch(said) is not None


def _is_still_in(said: str) -> bool:
    return _NOT_LISTED.fullmatch(said) is not None or (_STILL_IN.match(said) is not None and not _says_so(said))


def agrees(answer: str) -> bool:
    """Tell whether an answer is a yes to being called."""
    said = words(answer)
    signs = not said and not _YES_SIGNS.isdisjoint(answer)
    return signs or (_YES.match(said) is not None and not refuses(answer, "in") and _NOT_QUITE.search(said) is None)


def reads_as_opt_out(text: str) -> bool:
    """Tell whether a header, a name or an answer speaks of people who must not be called."""
    return may_say_no([text]) and _opts_out(words(text))


def _opts_out(said: str) -> bool:
    return said in _SAYS_SO or _IN_WRITING_ONLY.fullmatch(said) is not None or _says_so(said)


def _says_so(said: str) -> bool:
    """Tell whether words say so, besides those of people who are on no list of the unwilling."""
    return say_no(said) and say_no(_STILL_IN.sub(" ", _NOT_LISTED.sub(" ", said)))


def is_wrong_number(answer: str) -> bool:
    """Tell whether an answer that refuses says that the number is somebody else's."""
    return are_of_somebody_else(words(answer))


def says_no(cell: str) -> bool:
    """Tell whether a phone cell itself says, beside a number or without one, that it must not be called."""
    return _LETTERS.search(cell) is not None and reads_as_opt_out(re.sub(r"\d+", " ", cell))


def who_says_no(cells: Sequence[str]) -> list[int]:
    """Return the places of the phone cells that say no, in little time where hardly any has letters."""
    return [place for place, cell in enumerate(cells) if _LETTERS.search(cell) and says_no(cell)]


OF_UNWILLING = "of people who must not be called: ask before calling them."
"""Ends the note on a list that by its name is one to leave out."""


def names_unwilling(name: str) -> bool:
    """Tell whether the name of a file or a sheet, a title or a phone header is one of people who must not be called."""
    said = words(name)
    return (reads_as_opt_out(name) or _OF_UNWILLING.search(said) is not None) and _LEFT_OUT.search(said) is None


def refusing(answers: Iterable[str], question: Question | None) -> frozenset[str]:
    """Return which of many answers are a no to being called, in little time where hardly any could be."""
    several = list(set(answers))
    batches = [several[start : start + _BATCH] for start in range(0, len(several), _BATCH)]
    may = (batch for batch in batches if question or may_say_no(batch))
    return frozenset(answer for batch in may for answer in batch if refuses(answer, question))
