"""The error tree: as its docstring draws it, and with texts that are shown as they are."""

import re

import pytest
from pydantic import BaseModel

from audiences_mcp import errors
from audiences_mcp.errors import AtomsError, AudiencesError, Refused


class Result(BaseModel):
    summary: str


def below(base: type[Exception], depth: int = 0) -> list[tuple[int, str]]:
    return [(depth, base.__name__), *(line for child in base.__subclasses__() for line in below(child, depth + 1))]


def test_the_docstring_draws_the_tree_as_it_is() -> None:
    drawn = re.findall(r"^ {4}([│├└─ ]*)([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE)
    assert [(len(branch) // 4, name) for branch, name in drawn] == below(AudiencesError)


@pytest.mark.parametrize("error", AtomsError.__subclasses__(), ids=lambda error: error.__name__)
def test_a_failure_of_atoms_changed_nothing_unless_it_says_so(error: type[AtomsError]) -> None:
    assert not error("Nothing was changed.").maybe_done
    assert error("The outcome is unknown.", maybe_done=True).maybe_done


@pytest.mark.parametrize("error", [AudiencesError, *AtomsError.__subclasses__()], ids=lambda error: error.__name__)
def test_the_text_of_an_error_is_its_message_alone(error: type[AudiencesError]) -> None:
    assert str(error("What happened.")) == "What happened."


def test_a_refused_commit_carries_its_whole_result_beside_its_text() -> None:
    result = Result(summary="Nothing was sent.")
    refused = Refused(result, lambda told: f"{told.summary} Two rows cannot be called.")
    assert str(refused) == refused.told(result) == "Nothing was sent. Two rows cannot be called."
    assert refused.result is result
