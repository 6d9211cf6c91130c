"""Who said that they do not want to be called: the words of headers, answers, titles and file names.

A column that asks is told from its header, an answer from its first words, in the languages whose spreadsheets say it.
Where it cannot be told, somebody is rather asked about than called.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Literal

Question = Literal["in", "out"]
"""What a column asks: whether people agreed to be called, or whether they are to be left out."""

_OUT = re.compile(
    r"\b(?:dnc|dnd|(?:do not|don t|dont|never) (?:call|contact|disturb|phone|dial|use)|opt(?:ed)? ?outs?|optouts?"
    r"|unsubscribe[ds]?|unsubscriptions?|suppress(?:ed|ion)?|blocked|block ?list(?:ed)?|black ?list(?:ed)?|no calls?"
    r"|stop(?:ped)?|removed?|deceased|robinson|werbesperre|gesperrt|sperr(?:e|liste|vermerk)|nicht (?:mehr )?anrufen"
    r"|abgemeldet|widerruf(?:en)?|ne pas (?:appeler|contacter)|desabonnes?|désabonnés?|liste rouge|no (?:llamar|contactar)"
    r"|dados? de baja|baja|non (?:chiamare|contattare)|niet bellen|ring ikke|ring inte)\b"
)
_IN = re.compile(
    r"\b(?:consent(?:ed|s)?|opt(?:ed)? ?in|optin|subscribed|accepts?|permissions?|gdpr|agree[ds]?"
    r"|(?:may|can) we (?:call|contact)|ok(?:ay)? to call|(?:marketing|subscription) (?:contact )?status|marketing contact"
    r"|marketing|einwilligung|zustimmung|erlaub\w*|dsgvo|rgpd|consentement|consentimiento|consenso|acepta|toestemming"
    r"|samtykke|samtycke)\b"
)
_EMAIL_ONLY = re.compile(r"\b(?:e ?mails?|newsletters?)\b")
_YES = re.compile(
    r"(?:yes|y|true|1|on|x|ja|oui|s[ií]|sim|da|да|tak|subscribed|opted in|granted|accepted|agreed|confirmed|consented"
    r"|checked|✓|✔|☑)(?:\b|$)"
)
_NO = re.compile(
    r"(?:no|n|false|0|off|nein|non|n[ãa]o|nej|nee|нет|nie|not|never|none|null|unsubscribed|opted out|opt out|optout"
    r"|declined|denied|withdrawn|widerrufen|revoked|refused|unchecked|stop|removed|abgelehnt|–|-)(?:\b|$)"
)
# What says so in any column, whatever its header: said of people, these leave no doubt.
_PLAIN = (
    *("do not call", "do not contact", "don't call", "don't contact", "do_not_call", "unsubscribed", "opted out"),
    *("opted_out", "opt-out", "nicht anrufen", "ne pas appeler", "no llamar", "deceased", "blacklisted"),
)


@lru_cache(maxsize=4_096)
def words(text: str) -> str:
    """Return the words of a header or an answer: `AcceptsSMS_marketing` is `accepts sms marketing`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return re.sub(r"[^\w–✓✔☑-]+|_+|(?<=\w)-", " ", spaced).strip().casefold()


def questions(headers: Sequence[str]) -> Iterator[tuple[int, Question]]:
    """Yield the places of the columns that ask; for e-mail only where no other column asks."""
    asked = [(place, words(header)) for place, header in enumerate(headers)]
    found = [(place, text) for place, text in asked if _OUT.search(text) or _IN.search(text)]
    for place, text in [each for each in found if not _EMAIL_ONLY.search(each[1])] or found:
        yield place, "out" if _OUT.search(text) else "in"


def is_about_email(header: str) -> bool:
    """Tell whether a column is about messages only, so that its no is none to being called where another asks."""
    return _EMAIL_ONLY.search(words(header)) is not None


def refuses(answer: str, question: Question | None) -> bool:
    """Tell whether an answer is a no to being called: a no to consent, or anything but a no to being left out.

    Args:
        answer: The cell.
        question: What its column asks; None where it asks nothing, so that only plain words count.
    """
    if question is None:
        return plainly_refuses(answer)
    said = words(answer)
    if not said:
        return False
    if reads_as_opt_out(said):
        return True
    if question == "in":
        return _NO.match(said) is not None
    return _NO.match(said) is None


def agrees(answer: str) -> bool:
    """Tell whether an answer is a yes to being called."""
    said = words(answer)
    return _YES.match(said) is not None and not reads_as_opt_out(said)


def reads_as_opt_out(text: str) -> bool:
    """Tell whether a title, a name or an answer speaks of people who must not be called."""
    said = words(text)
    # An answer to "Opted out" may be "not opted out".
    return _OUT.search(said) is not None and not said.startswith(("not ", "never "))


def plainly_refuses(answer: str) -> bool:
    """Tell whether a cell of any column says that somebody must not be called."""
    folded = answer.casefold()
    return any(phrase in folded for phrase in _PLAIN)


def may_refuse(answers: Iterable[str]) -> bool:
    """Tell in little time whether any of many cells could say so."""
    folded = "\n".join(answers).casefold()
    return any(phrase in folded for phrase in _PLAIN)
