"""What a task took: calls, questions to the person, bytes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Figures:
    """What a task took.

    Args:
        calls: How many tools were called.
        asked: How often the person was asked.
        arguments: Bytes of what was sent.
        answers: Bytes of what was read.
        transcript: What was said, in its order.
    """

    calls: int = 0
    asked: int = 0
    arguments: int = 0
    answers: int = 0
    transcript: list[str] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """Calls and questions."""
        return self.calls + self.asked

    @property
    def cells(self) -> list[str]:
        """The figures as they stand in the table."""
        return [f"{each:,}" for each in (self.steps, self.calls, self.asked, self.arguments + self.answers)]

    def count(self, arguments: Mapping[str, Any], answer: str) -> None:
        """Count a call."""
        self.calls += 1
        self.arguments += len(json.dumps(arguments, ensure_ascii=False).encode())
        self.answers += len(answer.encode())

    def add(self, other: "Figures") -> None:
        """Add what another task took."""
        self.calls += other.calls
        self.asked += other.asked
        self.arguments += other.arguments
        self.answers += other.answers
