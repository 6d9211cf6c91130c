"""What to call for a wish: the tool, the call before it, and what earlier answers gave."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.agents.catalogue import Catalogue, Found, stems
from tests.agents.person import Audience, Reply, Stuck, words_of
from tests.agents.reading import Advice, Message, audience_ids
from tests.conftest import Answer


@dataclass(frozen=True)
class Call:
    """A call to be made."""

    tool: str
    arguments: dict[str, Any]

    def with_(self, changes: Mapping[str, Any]) -> "Call":
        """Return the call with other arguments."""
        return Call(self.tool, {**self.arguments, **changes})

    def without(self, names: Iterable[str]) -> "Call":
        """Return the call without some arguments."""
        return Call(self.tool, {name: value for name, value in self.arguments.items() if name not in {*names}})


@dataclass
class Wish:
    """What is wanted now.

    Args:
        goal: The call that does it.
        source: The call before it, that gives what this one needs.
        facts: What the person knows, by what they call it.
    """

    goal: Call
    source: Call | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def own_facts(self) -> dict[str, Any]:
        """The facts that are no stored audience: whom the wish is about."""
        return {name: value for name, value in self.facts.items() if not isinstance(value, Audience)}


@dataclass
class Memory:
    """What earlier answers said.

    Args:
        known: Ids, tokens and reasons by their names.
        audiences: Ids of audiences by their names.
        offers: What the last answer said one can do further: `To undo it call …`.
        checked: The last call that gave a check_id.
    """

    known: dict[str, Any] = field(default_factory=dict)
    audiences: dict[str, str] = field(default_factory=dict)
    offers: list[Advice] = field(default_factory=list)
    checked: Call | None = None

    def note(self, call: Call, answer: Answer, message: Message, *, only_read: bool) -> None:
        """Remember what an answer gave."""
        self.known |= {name: value for name, value in answer.data.items() if name.endswith(("_id", "_token"))}
        for advice in message.advice:
            self.known |= {name: value for name, value in advice.given.items() if name.endswith("_id")}
        if answer.is_error:
            return
        if "audience_id" in call.arguments:
            self.known["audience_id"] = call.arguments["audience_id"]
        if "by_reason" in answer.data:
            self.known["reasons"] = [each["reason"] for each in answer.data["by_reason"]]
        self.audiences |= {each["name"]: each["audience_id"] for each in answer.data.get("audiences", [])}
        if only_read and "check_id" in answer.data:
            self.checked = call
        self.offers = [each for each in message.advice if each.purpose and each.tools]


class Planner:
    """Decides what to call.

    Args:
        catalogue: What the server says of its tools.
        memory: What earlier answers said.
        ask: Asks the person.
    """

    def __init__(self, catalogue: Catalogue, memory: Memory, ask: Callable[[str], Reply]) -> None:
        self._catalogue, self._memory, self._ask = catalogue, memory, ask

    def wish(self, words: str, facts: Mapping[str, Any]) -> Wish:
        """Return the calls for a wish; stored audiences are in them as the person named them."""
        offer = self._offer(words)
        tool = offer.tools[0] if offer else self.picked(words, facts)
        found = self._catalogue.assign(tool, facts)
        goal = Call(tool, found.arguments)
        if offer:
            goal = goal.with_(self._offered(offer, goal))
        if found.left:
            return Wish(goal, self.source(tool, found.left, facts), facts)
        return Wish(goal.with_(self._missing(goal)), None, facts)

    def picked(self, words: str, facts: Mapping[str, Any]) -> str:
        """Return the tool that is most like the words, of those that can make use of all facts."""
        for tool in sorted(self._catalogue.tools, key=lambda tool: -self._catalogue.likeness(words, tool)):
            left = self._catalogue.assign(tool, facts).left
            if not left or self._sources(tool, left):
                return tool
        raise Stuck(f"No tool takes {', '.join(facts)} for: {words}.")

    def source(self, tool: str, left: Mapping[str, Any], facts: Mapping[str, Any]) -> Call:
        """Return the call that gives an id for a tool, and takes the facts that the tool itself does not."""
        ways = self._sources(tool, left)
        if not ways:
            raise Stuck(f"No tool takes {', '.join(left)} for {tool}.")
        source = max(ways, key=lambda name: ways[name].score)
        # What is for the tool itself may help here too, where it is spoken of in the same words.
        helping = {name: value for name, value in facts.items() if name not in left and isinstance(value, Audience)}
        return Call(source, {**self._catalogue.assign(source, helping).arguments, **ways[source].arguments})

    def source_again(self, wish: Wish, call: Call) -> Call:
        """Return the call to be made again before a goal: the one before, else one for the facts of the wish."""
        kept = self._memory.checked if "check_id" in call.arguments else None
        return wish.source or kept or self.source(call.tool, wish.own_facts, wish.facts)

    def instead(self, tool: str, call: Call, changes: Mapping[str, Any], text: str) -> Call:
        """Return the call of another tool with what is known: `with the same check_id` takes it along."""
        known = dict(self._memory.known)
        for audience_id in audience_ids(text)[:1]:
            known["audience_id"] = audience_id
        found = {name: known[name] for name in self._catalogue.required(tool) if name in known}
        kept = {name: value for name, value in call.arguments.items() if name in {"check_id", "audience_id"}}
        arguments = {**found, **kept, **changes}
        return Call(tool, {name: arguments[name] for name in self._catalogue.parameters(tool) if name in arguments})

    def _sources(self, tool: str, left: Mapping[str, Any]) -> dict[str, Found]:
        """Return the tools that change nothing, take the facts, and give an id that a tool takes."""
        wanted = {name for name in self._catalogue.parameters(tool) if name.endswith("_id")}
        return {
            name: found
            for name in self._catalogue.tools
            if name != tool and self._catalogue.only_reads(name) and wanted & self._catalogue.gives(name)
            if not (found := self._catalogue.assign(name, left)).left
        }

    def _offer(self, words: str) -> Advice | None:
        """Return what the last answer offers for these words."""
        wanted = set(stems(words))
        return next((offer for offer in self._memory.offers if wanted & set(stems(offer.purpose))), None)

    def _offered(self, offer: Advice, goal: Call) -> dict[str, Any]:
        """Return the arguments that an offer names: `undo_check_id as check_id` takes the one for the other."""
        known = self._memory.known
        renamed = {name: known[source] for source, name in re.findall(r"\b(\w+_id) as (\w+)", offer.text)}
        names = set(re.findall(r"\w+", offer.text)) & set(self._catalogue.parameters(goal.tool))
        arguments = {name: known[name] for name in names - set(goal.arguments) if name in known} | renamed
        for name in names:
            if re.search(rf"\bthe {name} that the person\b", offer.text):
                said = words_of(self._ask(offer.text))
                arguments[name] = [value for value in known[name] if value.replace("_", " ") in said]
        return arguments

    def _missing(self, goal: Call) -> dict[str, Any]:
        """Return what a tool needs, and nobody said now, from the answers before."""
        wanted = self._catalogue.required(goal.tool)
        if not any(isinstance(value, list) for value in goal.arguments.values()):  # the call itself names nobody
            wanted += [name for name in self._catalogue.parameters(goal.tool) if name == "check_id"]
        known = self._memory.known
        return {name: known[name] for name in wanted if name in known and name not in goal.arguments}
