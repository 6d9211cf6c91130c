"""A script that plays the model: it knows tools/list, the instructions and the results, and asks the person the rest.

It calls a tool, does what the answer says, and calls the next one, until the tool that the wish is for has done it. What no
message says it does not do: then the task has failed, and the message is to be mended.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from tests.agents.catalogue import Catalogue
from tests.agents.figures import Figures
from tests.agents.meaning import Meaning
from tests.agents.person import Audience, Person, Reply, Stuck, declines, words_of
from tests.agents.plans import Call, Memory, Planner, Wish
from tests.agents.reading import Advice, Message, Reader
from tests.conftest import Agent, Answer

_MOST_CALLS = 15  # for one wish; a script that goes round in circles is stuck
_RENAMED = re.compile(r"^(\w+) is .*: give it as (\w+)\.")
_SEVERAL = re.compile(r"you gave (\w+) and (\w+)")
_MEANT = re.compile(r"'([^']+)'.*Did you mean '([^']+)'\?")
_ABOVE = re.compile(r"\babove it, such as ([\w,]+)\.")
_SHOWN = ("problems", "rows", "members", "audiences", "possible")


class Model:
    """The script.

    Args:
        agent: A connected client.
        person: Whom it serves.
        wait: Lets time pass, when an answer says that later is better.
    """

    def __init__(self, agent: Agent, person: Person, wait: Callable[[], Awaitable[None]]) -> None:
        self._agent, self._person, self._wait = agent, person, wait
        self.figures = Figures()
        self._memory = Memory()
        self._answered: set[str] = set()
        self._may_repeat = False

    async def start(self) -> None:
        """Read what the server says of itself."""
        listed = await self._agent.client.list_tools()
        self._catalogue = Catalogue(listed.tools, self._agent.client.instructions or "")
        self._reader = Reader([*self._catalogue.tools], self._catalogue.arguments)
        self._planner = Planner(self._catalogue, self._memory, self._ask)
        self._meaning = Meaning(self._catalogue)

    async def wish(self, words: str, **facts: Any) -> dict[str, Any]:
        """Do what the person wants, and return the last answer.

        Args:
            words: What they want.
            facts: What they know, by what they call it.
        """
        self._answered = set()
        wish = self._planner.wish(words, facts)
        wish.goal = await self._with_ids(wish.goal)
        wish.source = wish.source and await self._with_ids(wish.source)
        call = wish.source or wish.goal
        for _ in range(_MOST_CALLS):
            self._may_repeat = False
            answer = await self._call(call)
            following = await self._following(wish, call, answer)
            if following is None:
                return answer.data
            if following == call and not self._may_repeat:
                raise Stuck(f"{words}: the same call again, which said: {answer.text}")
            call = following
        raise Stuck(f"{words}: {_MOST_CALLS} calls lead nowhere.")

    async def change(self, what: str, *, of: str, to: str, audience: Audience) -> None:
        """Change something of a stored person as some description says that it is done."""
        sentence = self._catalogue.sentence_on(f"change {what}")
        if not sentence:
            raise Stuck(f"No description says how to change {what}.")
        await self._by_clauses(sentence, of, audience, to)

    async def correct(self, problems: Iterable[Mapping[str, Any]], audience: Audience) -> None:
        """Mend stored people as the hints say, where these say to ask for something."""
        for problem in problems:
            if re.search(r"\bask for\b", problem["hint"]):
                await self._by_clauses(problem["hint"], problem["value"], audience)

    async def _by_clauses(self, sentence: str, text: str, audience: Audience, number: str = "") -> None:
        """Do to a stored person what the clauses of a sentence say, one after the other: ask, add, remove."""
        found = await self.wish("Search a person stored in an audience", text=text, audience=audience)
        if len(found["members"]) != 1:
            raise Stuck(f"{text} is {len(found['members'])} members, and nobody said which.")
        member = found["members"][0]
        for clause in re.split(r"[:,;] ", sentence):
            if asking := re.match(r"ask (.+)", clause):
                number = words_of(self._ask(f"{text}: {asking[1]}"))
            if re.search(r"\badd\b", clause):
                typed = [{"phone_number": number, "variables": member["fields"]}]
                await self.wish("Add people to an audience", typed=typed, meant_for=audience)
            if re.search(r"\bremove\b", clause):
                await self.wish("Remove them from the audience", ids=[member["member_id"]], off=audience)

    # --- calling -------------------------------------------------------------------------------------------------

    async def _with_ids(self, call: Call) -> Call:
        """Return a call with ids where the person named stored audiences."""
        ready: dict[str, Any] = {}
        for name, value in call.arguments.items():
            match value:
                case Audience():
                    found = await self._id_of(value)
                    ready[name] = [found] if self._catalogue.parameters(call.tool)[name]["type"] == "array" else found
                case [Audience(), *_]:
                    ready[name] = [await self._id_of(each) for each in value]
                case _:
                    ready[name] = value
        return Call(call.tool, ready)

    async def _id_of(self, audience: Audience) -> str:
        """Look for an audience by its name."""
        if audience.name not in self._memory.audiences:
            facts = {"name": audience.name}
            tool = self._planner.picked("list stored audiences to find the audience_id that other tools need", facts)
            await self._call(Call(tool, self._catalogue.assign(tool, facts).arguments))
        if audience.name not in self._memory.audiences:
            raise Stuck(f"No answer gave the id of {audience.name}.")
        return self._memory.audiences[audience.name]

    async def _call(self, call: Call) -> Answer:
        answer = await self._agent(call.tool, **call.arguments)
        self.figures.count(call.arguments, answer.text)
        said = answer.text if answer.is_error else f"{answer.data['summary']} {answer.data['next_step']}"
        self.figures.transcript += [f"> {call.tool} {json.dumps(call.arguments)[:300]}", said]
        if answer.is_error:
            self._person.tell(answer.text)
        else:
            self._tell(answer.data)
        message = self._read(answer)
        if not message.says_what_to_do:
            raise Stuck(f"{call.tool} did not say what to do next: {message.text}")
        self._memory.note(call, answer, message, only_read=self._catalogue.only_reads(call.tool))
        return answer

    def _read(self, answer: Answer) -> Message:
        """Read what an answer says to do: the text of an error, or the next step."""
        return self._reader.read(answer.text if answer.is_error else answer.data["next_step"])

    def _tell(self, data: Mapping[str, Any]) -> None:
        """Tell the person what an answer says, as the instructions want it."""
        self._person.tell(data["summary"])
        for name in _SHOWN:
            for item in data.get(name, []):
                self._person.tell(", ".join(f"{key} {value}" for key, value in item.items()))
        for warning in data.get("warnings", []):
            self._person.tell(warning)

    def _ask(self, question: str) -> Reply:
        self.figures.asked += 1
        self.figures.transcript.append(f"? {question}")
        return self._person.ask(question)

    # --- what comes next -----------------------------------------------------------------------------------------

    async def _following(self, wish: Wish, call: Call, answer: Answer) -> Call | None:
        """Return the next call; None when the wish is fulfilled."""
        message = self._read(answer)
        if answer.is_error:
            return await self._mended(wish, call, answer, message)
        if call.tool == wish.goal.tool and not self._is_check(call):
            return self._finished(call, answer, message)
        changes = await self._settled(wish, call, answer, message)
        if changes is None:
            return None
        if changes:
            wish.source = call.with_(changes)
            return wish.source
        if call.tool == wish.goal.tool:
            return None
        wish.goal = wish.goal.with_(self._passed_on(wish.goal.tool, answer))
        return wish.goal

    def _is_check(self, call: Call) -> bool:
        return self._catalogue.only_reads(call.tool) and "sample" in self._catalogue.gives(call.tool)

    def _passed_on(self, tool: str, answer: Answer) -> dict[str, Any]:
        parameters = self._catalogue.parameters(tool)
        return {name: value for name, value in answer.data.items() if name.endswith("_id") and name in parameters}

    def _finished(self, call: Call, answer: Answer, message: Message) -> Call | None:
        """Return the call that confirms one that changed nothing yet, or that turns to the next page."""
        for advice in message.advice:
            if not advice.again or advice.purpose:
                continue
            if advice.question is not None and declines(self._ask(f"{answer.data['summary']} {advice.text}")):
                return None
            values = {name: answer.data[name] for name in advice.named if name in answer.data}
            if not (values or advice.given):
                continue
            return call.with_({**values, **advice.given})
        return None

    async def _settled(self, wish: Wish, call: Call, answer: Answer, message: Message) -> dict[str, Any] | None:
        """Ask what an answer wants to be asked; return what changes in the call, or None when the person declines."""
        changes: dict[str, Any] = {}
        ready = self._ready_in_warnings(answer)
        for advice in message.advice:
            if advice.tools or not (advice.refers or advice.question is not None) or advice.text in self._answered:
                continue
            self._answered |= {advice.text, *advice.named}
            reply = self._ask(advice.text) if advice.question is not None else "yes"
            if not declines(reply):
                changes |= self._meaning.changes(call.tool, advice, reply, ready)
        changes = changes or self._of_problems(call, answer)
        if changes:
            return changes
        # What is asked before another tool is called is not asked for this one.
        asking = [each for each in message.advice if each.question is not None and wish.goal.tool in each.tools]
        return None if any(declines(self._ask(each.text)) for each in asking) else {}

    def _ready_in_warnings(self, answer: Answer) -> dict[str, Any]:
        """Return the arguments that the warnings of an answer give ready."""
        messages = map(self._reader.read, answer.data.get("warnings", []))
        return {name: value for each in messages for advice in each.advice for name, value in advice.given.items()}

    def _of_problems(self, call: Call, answer: Answer) -> dict[str, Any]:
        """Ask about the rows that could not be read, reason by reason, with the hint that they have."""
        changes: dict[str, Any] = {}
        hints = {problem["reason"]: problem["hint"] for problem in reversed(answer.data.get("problems", []))}
        for reason, hint in hints.items():
            message, question = self._reader.read(hint), f"{reason}: {hint}"
            named = {name for ways in message.sentences for way in ways for name in way.named}
            if not message.says_what_to_do or question in self._answered or named & self._answered:
                continue
            self._answered.add(question)
            reply = self._ask(question)
            if not declines(reply):
                changes |= self._meaning.changes(
                    call.tool, self._meaning.way(message.choices or (*message.advice,), reply), reply
                )
        return changes

    # --- errors --------------------------------------------------------------------------------------------------

    async def _mended(self, wish: Wish, call: Call, answer: Answer, message: Message) -> Call | None:
        """Return the call that an error asks for, after asking the person where it leaves a choice."""
        if any(advice.later for advice in message.advice):
            await self._wait()
            self._may_repeat = True
            return call
        if better := self._with_right_arguments(call, message):
            return better
        ways = [each for each in message.choices or (*message.advice,) if each.is_call]
        if not ways:
            return None  # it is for the person, who was told
        if not message.choices and all(way.question is None for way in ways):
            return await self._advised(wish, call, answer, ways[0], {})
        return await self._as_said(wish, call, answer, ways)

    async def _as_said(self, wish: Wish, call: Call, answer: Answer, ways: Sequence[Advice]) -> Call | None:
        """Ask the person which way to go, and of the rows of a refused list what their hints say."""
        if changes := self._of_problems(call, answer):
            return call.with_(changes)
        reply = self._ask(answer.text)
        if declines(reply):
            return None
        way = self._meaning.way(ways, reply)
        return await self._advised(wish, call, answer, way, self._meaning.changes(call.tool, way, reply))

    def _with_right_arguments(self, call: Call, message: Message) -> Call | None:
        """Return the call as an error wants its arguments; None where it says nothing of them."""
        if renamed := _RENAMED.search(message.text):
            contacts = call.arguments["contacts"]
            return call.with_({"contacts": [_moved(each, *renamed.groups()) for each in contacts]})
        if several := _SEVERAL.search(message.text):
            return call.without([min(several.groups(), key=[*call.arguments].index)])  # what was said last counts
        if above := _ABOVE.search(message.text):
            lists = {name: value for name, value in call.arguments.items() if "\n" in str(value)}
            return call.with_({name: f"{above[1]}\n{value}" for name, value in lists.items()})
        if (meant := _MEANT.search(message.text)) and not declines(self._ask(message.text)):
            wrong, right = meant.groups()
            return call.with_({name: right for name, value in call.arguments.items() if value == wrong})
        return None

    async def _advised(
        self, wish: Wish, call: Call, answer: Answer, advice: Advice, changes: Mapping[str, Any]
    ) -> Call | None:
        """Return the call that an advice is for: the same again, the one before it again, or another one instead."""
        changes = {**advice.given, **changes}
        others = [tool for tool in advice.tools if tool != call.tool] if call.tool not in advice.tools else []
        if any(map(self._catalogue.only_reads, others)):
            source = await self._with_ids(self._planner.source_again(wish, call))
            wish.goal = wish.goal.without({"check_id", *source.arguments, *changes})
            wish.source = source.with_(changes)
            return wish.source
        if others:
            wish.goal = self._planner.instead(others[0], call, changes, answer.text)
            return wish.goal
        self._may_repeat = advice.again  # the message itself wants the same call again
        return call.without(advice.dropped).with_(changes)


def _moved(person: Mapping[str, Any], variable: str, field_: str) -> dict[str, Any]:
    """Return a typed person with a variable as a field of its own."""
    variables = dict(person.get("variables", {}))
    value = variables.pop(variable, None)
    return {**person, "variables": variables, **({field_: value} if value else {})}
