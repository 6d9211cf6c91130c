"""What a message tells its reader to do, by the form of its words alone; nothing of the product is known here."""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

_SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z'\"(])|\n")
_VERBS = (
    *(
        "add",
        "allow",
        "ask",
        "call",
        "check",
        "choose",
        "commit",
        "compare",
        "correct",
        "delete",
        "divide",
        "export",
        "finish",
    ),
    *(
        "give",
        "keep",
        "leave",
        "look",
        "make",
        "mend",
        "name",
        "page",
        "pass",
        "put",
        "remove",
        "say",
        "search",
        "send",
    ),
    *("set", "show", "start", "tell", "try", "use", "wait", "write"),
)
_IMPERATIVE = re.compile(rf"(?:^|[;:,] |\bthen |\bso |\belse |\bor |\band )(?:{'|'.join(_VERBS)})\b", re.IGNORECASE)
_OTHERWISE = re.compile(rf"[,;]? (?:else|or) (?=(?:{'|'.join(_VERBS)})\b)", re.IGNORECASE)
_IS_ALL = re.compile(r"^These are all\b|\bDid you mean ")
_ASK = re.compile(r"\b[Aa]sk(?: the person| them)?(?P<what>[^.;]*?)(?=[.;]|, then\b|$)")
_PURPOSE = re.compile(r"^To (?P<what>[^.;]*?) (?=(?:call|use|set|make|check|search|give)\b)")
_AGAIN = re.compile(r"\b(?:call|check|ask|try)\b[^.;]*? again\b", re.IGNORECASE)
_LATER = re.compile(r"\btry again|again later|^wait\b", re.IGNORECASE)
_REFERS = re.compile(r"\bas the warnings?\b[^.;]* says?\b")
_WITHOUT = re.compile(r"\bwithout (?:a )?(?P<what>[a-z_]+)")
_KEY = re.compile(r"\b(?P<name>[a-z_]+_id|[a-z_]+_token)\b:? (?P<value>[0-9a-f]{24,32})\b")
_ASSIGNED = re.compile(r"\b(?P<name>[a-z_]+)=(?P<value>\w+)")
_AUDIENCE = re.compile(r"\b[0-9a-f]{24}\b")
_PLAIN_NAME = r"\b(?:set|another|a) {}\b"
_NEAR = 80  # characters between the name of an argument and its ready value
_json = json.JSONDecoder()


@dataclass(frozen=True)
class Advice:
    """One way to go on.

    Args:
        text: Its words.
        purpose: What it is good for, where it says so: `undo it` of `To undo it call …`.
        question: What to ask the person first; None where nothing.
        tools: The tools that it names.
        given: Arguments that it gives ready.
        named: Arguments that it names without a value.
        dropped: Arguments that it wants left out.
        again: Whether a call is to be made again.
        later: Whether that makes sense only after a while.
        refers: Whether the rest stands in a warning.
        whole: The whole message.
    """

    text: str
    purpose: str = ""
    question: str | None = None
    tools: tuple[str, ...] = ()
    given: dict[str, Any] = field(default_factory=dict)
    named: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    again: bool = False
    later: bool = False
    refers: bool = False
    whole: str = ""

    @property
    def is_call(self) -> bool:
        """Whether it says what to call, or with which arguments."""
        return bool(self.tools or self.given or self.named or self.again)

    @property
    def actionable(self) -> bool:
        """Whether it says something to do, be it a call or not."""
        return self.is_call or _IMPERATIVE.search(self.text) is not None


@dataclass(frozen=True)
class Message:
    """A message, sentence by sentence; a sentence may leave a choice."""

    text: str
    sentences: tuple[tuple[Advice, ...], ...]

    @property
    def advice(self) -> Iterator[Advice]:
        """Every advice that leaves no choice."""
        return (ways[0] for ways in self.sentences if len(ways) == 1)

    @property
    def choices(self) -> tuple[Advice, ...]:
        """The ways among which somebody has to choose; empty where there is nothing to choose."""
        return next((ways for ways in self.sentences if len(ways) > 1), ())

    @property
    def says_what_to_do(self) -> bool:
        """Whether the reader knows how to go on, or that this was all."""
        return bool(_IS_ALL.search(self.text)) or any(ways[0].actionable for ways in self.sentences)


@dataclass(frozen=True)
class Reader:
    """Reads messages of a server of which only the names of its tools and arguments are known."""

    tools: Collection[str]
    arguments: Collection[str]

    def read(self, text: str) -> Message:
        """Return what a text says."""
        sentences = (sentence for sentence in _SENTENCE.split(text) if sentence.strip())
        return Message(text, tuple(tuple(self._ways(sentence, text)) for sentence in sentences))

    def _ways(self, sentence: str, whole: str) -> Iterator[Advice]:
        """Yield the ways of a sentence: `set this, or call that` has two, and what is asked first is asked for both."""
        pieces = _OTHERWISE.split(sentence) if _IMPERATIVE.search(sentence) else [sentence]
        ask = _ASK.search(pieces[0])
        question = (ask["what"].strip() or sentence) if ask else None
        for piece in pieces:
            yield self._advice(piece, question, whole)

    def _advice(self, text: str, question: str | None, whole: str) -> Advice:
        purpose = _PURPOSE.search(text)
        given = self._given(text)
        dropped = tuple(found["what"] for found in _WITHOUT.finditer(text) if found["what"] in self.arguments)
        named = (name for name in self.arguments if name not in given and name not in dropped and _names(text, name))
        return Advice(
            text=text,
            purpose=purpose["what"] if purpose else "",
            question=question,
            tools=tuple(name for name in self.tools if re.search(rf"\b{name}\b", text)),
            given=given,
            named=tuple(named),
            dropped=dropped,
            again=_AGAIN.search(text) is not None,
            later=_LATER.search(text) is not None,
            refers=_REFERS.search(text) is not None,
            whole=whole,
        )

    def _given(self, text: str) -> dict[str, Any]:
        """Return the arguments that a text gives ready: `name {…}`, `name to […]`, `name=value`, `name: key`."""
        given: dict[str, Any] = {found["name"]: found["value"] for found in _KEY.finditer(text)}
        for found in _ASSIGNED.finditer(text):
            given[found["name"]] = _value(found["value"])
        for name in self.arguments:
            for found in re.finditer(rf"\b{name}\b", text):
                start = re.compile(r'[\[{"]').search(text, found.end(), found.end() + _NEAR)
                between = text[found.end() : start.start()] if start else ""
                if start and not any(re.search(rf"\b{other}\b", between) for other in self.arguments if "_" in other):
                    given[name] = _json.raw_decode(text, start.start())[0]
        return {name: value for name, value in given.items() if name in self.arguments or name.endswith("_id")}


def audience_ids(text: str) -> list[str]:
    """Return what looks like the ids of stored things in a text."""
    return _AUDIENCE.findall(text)


def quoted(text: str) -> list[str]:
    """Return the names that a text quotes."""
    return re.findall(r"'([^']+)'", text)


def _names(text: str, argument: str) -> bool:
    """Tell whether a text names an argument; a plain word such as `name` is one only where it is to be set."""
    pattern = rf"\b{argument}\b" if "_" in argument else _PLAIN_NAME.format(argument)
    return re.search(pattern, text) is not None


def _value(text: str) -> Any:
    return {"true": True, "false": False}.get(text, int(text) if text.isdigit() else text)
