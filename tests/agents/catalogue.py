"""Which tool serves a wish, and which argument takes a fact, by the words of tools/list and of the instructions alone."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Any

from mcp.types import Tool

from tests.agents.person import Audience

_COMMON = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be been but by can do does every everyone for from has have here how i if in into is it its me my "
        "of on one only or such that the their them these they this those to was were what when which who whose with you",
    )
)
# What every speaker of English knows.
_SAME = {
    "make": "create",
    "left": "leave",
    "off": "remove",
    "take": "remove",
    "drop": "delete",
    "called": "name",
    "find": "search",
    "people": "person",
    "member": "person",
    "typed": "type",
    "pasted": "paste",
}
_ENDINGS = re.compile(r"(?:ing|ed|es|s)$")
_SENTENCE = re.compile(r"(?<=\.)\s+")
_BY_NAME, _BY_TEXT = 3.0, 1.0


@dataclass(frozen=True)
class Found:
    """Which arguments of a tool take which facts, and the facts that none takes."""

    arguments: dict[str, Any]
    left: dict[str, Any]
    score: float


class Catalogue:
    """What a client was told of the tools.

    Args:
        tools: The answer to tools/list.
        instructions: What the server says of itself.
    """

    def __init__(self, tools: Iterable[Tool], instructions: str) -> None:
        self.tools = {tool.name: tool for tool in tools}
        self._instructions = instructions

    @property
    def arguments(self) -> set[str]:
        """The names of all arguments of all tools."""
        return {name for tool in self.tools.values() for name in self.parameters(tool.name)}

    def parameters(self, tool: str) -> dict[str, Any]:
        """Return the parameters of a tool by their names."""
        properties: dict[str, Any] = self.tools[tool].input_schema["properties"]
        return properties

    def required(self, tool: str) -> list[str]:
        """Return the arguments that a tool needs."""
        return list(self.tools[tool].input_schema.get("required", []))

    def gives(self, tool: str) -> set[str]:
        """Return the names of what a tool answers."""
        return set((self.tools[tool].output_schema or {}).get("properties", {}))

    def only_reads(self, tool: str) -> bool:
        """Tell whether a tool changes nothing."""
        hints = self.tools[tool].annotations
        return bool(hints and hints.read_only_hint)

    def likeness(self, wish: str, tool: str) -> float:
        """Return how much the words of a wish are those of a tool; a word that all tools have says little."""
        names, texts = self._words[tool]
        return sum(
            self._weight(word) * (_BY_NAME * (word in names) + _BY_TEXT * (word in texts)) for word in set(stems(wish))
        )

    def sentence_on(self, wish: str) -> str:
        """Return the sentence that says how a wish comes true that no tool is for; empty where none does."""
        purposes = {
            sentence: set(stems(purpose[1]))
            for tool in self.tools.values()
            for sentence in re.split(r"(?<=[.:;])\s+", tool.description or "")
            if (purpose := re.match(r"[Tt]o (.+?) (?=add|call|remove|use)", sentence))
        }
        wanted = set(stems(wish))
        return next((sentence for sentence, purpose in purposes.items() if purpose and purpose == wanted), "")

    @cached_property
    def _words(self) -> dict[str, tuple[set[str], set[str]]]:
        """The words of each tool's name and of all that is said of it; what names another tool is said of that one."""
        said: dict[str, list[str]] = {name: [str(tool.title)] for name, tool in self.tools.items()}
        for owner, tool in self.tools.items():
            for sentence in _SENTENCE.split(tool.description or ""):
                others = [name for name in self.tools if name in sentence and name != owner]
                for name in others or [owner]:
                    said[name].append(sentence)
        for sentence in _SENTENCE.split(self._instructions):
            for name in self.tools:
                if name in sentence:
                    said[name].append(sentence)
        return {name: (set(stems(name)), set(stems(" ".join(texts)))) for name, texts in said.items()}

    def _weight(self, word: str) -> float:
        having = sum(word in names or word in texts for names, texts in self._words.values())
        return log(1 + len(self.tools) / having) if having else 0.0

    # --- facts ---------------------------------------------------------------------------------------------------

    def assign(self, tool: str, facts: Mapping[str, Any]) -> Found:
        """Return which arguments of a tool take which facts: the kinds have to agree, and the words decide."""
        arguments: dict[str, Any] = {}
        left: dict[str, Any] = {}
        total = 0.0
        for fact, value in facts.items():
            name, score = self._best(tool, fact, value)
            if not name:
                left[fact] = value
                continue
            arguments[name] = value
            total += score
        return Found(arguments, left, total)

    def _best(self, tool: str, fact: str, value: Any) -> tuple[str, float]:
        parameters = self.parameters(tool)
        words = {name: (set(stems(name)), set(stems(each["description"]))) for name, each in parameters.items()}
        spread = Counter(word for name, text in words.values() for word in name | text)

        def score(parameter: str) -> float:
            names, texts = words[parameter]
            return sum((_BY_NAME * (word in names) + (word in texts)) / (1 + spread[word]) for word in stems(fact))

        fitting = [name for name in parameters if _takes(name, parameters[name], value)]
        best = max(fitting, key=score, default="")
        if best and score(best) > 0:
            return best, score(best)
        # Whatever they call it, an audience is what a tool needs that needs one.
        needed = [name for name in fitting if name in self.required(tool)] if isinstance(value, Audience) else []
        return (needed[0], 0.5) if needed else ("", 0.0)


def stems(text: str) -> list[str]:
    """Return the words of a text that mean something, without their endings."""
    words = (
        word for word in re.findall(r"[a-z]+", text.lower().replace("do-not-call", "donotcall")) if word not in _COMMON
    )
    plain = (_SAME.get(word, word) for word in words)
    shorter = (word if len(word) < 5 else _ENDINGS.sub("", word)[:6] for word in plain)
    return [_SAME.get(word, word) for word in shorter]


def _takes(name: str, parameter: Mapping[str, Any], value: Any) -> bool:
    """Tell whether a parameter takes a value of this kind, by its schema and, for a stored audience, by its words."""
    kind = parameter.get("type")
    one_of_many = isinstance(value, list) and value and isinstance(value[0], Audience)
    is_of_audience = (
        "audience_id" in f"{name} {parameter['description']}" or "list_audiences" in parameter["description"]
    )
    match value:
        case Audience():
            return is_of_audience and kind in {"string", "array"}
        case list() if one_of_many:
            return is_of_audience and kind == "array"
        case bool():
            return kind == "boolean"
        case str():
            return kind == "string" and not name.endswith(("_id", "_token"))
        case list():
            wanted = "object" if value and isinstance(value[0], dict) else "string"
            return kind == "array" and parameter["items"].get("type") == wanted
        case _:
            return kind == "object"
