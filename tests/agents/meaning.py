"""What an answer of the person means for the arguments of a call."""

from collections.abc import Iterable, Mapping
from typing import Any

from tests.agents.catalogue import Catalogue, stems
from tests.agents.person import Reply, facts_of, words_of
from tests.agents.reading import Advice, quoted

_COUNTRIES = {"India": "IN", "Germany": "DE", "France": "FR", "America": "US"}  # as every model knows them


class Meaning:
    """Takes what somebody said for arguments.

    Args:
        catalogue: What the server says of its tools.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def way(self, ways: Iterable[Advice], reply: Reply) -> Advice:
        """Return the way that the person means: by the country that they name, else by their words."""
        ways, said = [*ways], set(stems(words_of(reply)))
        if _country(reply):
            return next((way for way in ways if any(map(self._is_country, way.named))), ways[0])
        return max(ways, key=lambda way: len(said & set(stems(way.text))))

    def changes(
        self, tool: str, advice: Advice, reply: Reply, ready: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the arguments that change.

        Args:
            tool: The tool that is to be called, unless the advice names another.
            advice: What the person was asked about.
            reply: What they said.
            ready: Arguments that stand ready elsewhere in the answer.
        """
        facts, ready = facts_of(reply), ready or {}
        changes = self._catalogue.assign(tool, facts).arguments
        changes |= {name: facts[name] for name in self._catalogue.arguments if name in facts and name not in changes}
        takes = {name for each in advice.tools or [tool] for name in self._catalogue.parameters(each)}
        given = {**(ready if advice.refers else {}), **advice.given}
        changes |= {name: _chosen(value, reply) for name, value in given.items() if name in takes}
        for name in advice.named:
            value = changes.get(name, self._value(tool, name, advice, reply))
            if value is None and not (_country(reply) and self._is_country(name)):
                value = ready.get(name)
            if value is not None:
                changes[name] = value
        return changes

    def _value(self, tool: str, name: str, advice: Advice, reply: Reply) -> Any:
        """Return the value that a reply has for an argument: yes, a country, or one of the names that were quoted."""
        kind = self._catalogue.parameters(tool).get(name, {}).get("type")
        if kind == "boolean":
            return True
        if kind != "string" or name.endswith("_id"):
            return None
        if self._is_country(name):
            return _country(reply)
        return next((each for each in quoted(advice.whole) if each in words_of(reply)), None)

    def _is_country(self, name: str) -> bool:
        return any(
            "ISO" in self._catalogue.parameters(tool).get(name, {}).get("description", "")
            for tool in self._catalogue.tools
        )


def _country(reply: Reply) -> str | None:
    return next((code for country, code in _COUNTRIES.items() if country in words_of(reply)), None)


def _chosen(value: Any, reply: Reply) -> Any:
    """Return those of ready values that somebody named, in their order; all of them where they named none."""
    if not isinstance(value, list):
        return value
    said = words_of(reply).casefold()
    places = {each: place for each in value if (place := said.find(str(each).casefold())) >= 0}
    return sorted(places, key=places.__getitem__) or value
