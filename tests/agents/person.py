"""The person in a task: what they want, what they say when they are asked, and what they were told."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Reply = str | Mapping[str, Any]
"""What a person says: plain words, or words under `say` with facts beside them, such as `{"say": …, "name": …}`."""

Answers = Mapping[str, Reply | Callable[[], Reply]]
"""What they say to a question that has certain words; what is called may take its time."""

AGREED: Mapping[str, Reply] = {"agreed to be called": "yes"}
"""What most people say before a list is sent."""


class Stuck(AssertionError):
    """A task cannot be gone on with: a result did not say how, or the person cannot know what was asked."""


@dataclass(frozen=True)
class Audience:
    """A stored audience as a person speaks of it."""

    name: str


@dataclass
class Person:
    """Somebody who knows their lists and nothing of tools.

    Args:
        answers: What they say; the first words that a question has decide.
        asked: The questions so far.
        told: What they were told so far.
    """

    answers: Answers
    asked: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def ask(self, question: str) -> Reply:
        """Return their answer."""
        self.asked.append(question)
        for words, reply in self.answers.items():
            if re.search(words, question, re.IGNORECASE):
                return reply() if callable(reply) else reply
        raise Stuck(f"The person has no answer to: {question}")

    def tell(self, text: str) -> None:
        """Tell them something, once."""
        if text and text not in self.told:
            self.told.append(text)

    def was_told(self, words: str) -> bool:
        """Tell whether they were told something with these words."""
        return any(re.search(words, text, re.IGNORECASE) for text in self.told)

    def was_asked(self, words: str) -> bool:
        """Tell whether they were asked something with these words."""
        return any(re.search(words, text, re.IGNORECASE) for text in self.asked)


def words_of(reply: Reply) -> str:
    """Return what a person said, without the facts beside it."""
    return reply if isinstance(reply, str) else str(reply.get("say", ""))


def facts_of(reply: Reply) -> dict[str, Any]:
    """Return the facts that a person gave beside what they said."""
    return {} if isinstance(reply, str) else {name: value for name, value in reply.items() if name != "say"}


def declines(reply: Reply) -> bool:
    """Tell whether a person does not want it."""
    return bool(re.match(r"(?:no|leave (?:it|them)|do not)\b", words_of(reply), re.IGNORECASE))
