"""A short run of the fuzzing in `tests/benchmarks/fuzz.py`; a long one is run by hand."""

import pytest

from tests.benchmarks.fuzz import TARGETS, run

SECONDS = 1
SEED = 1
"""Always the same inputs: what chance finds is for whoever looks for it, and does not stop another's change."""


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_that_comes_from_outside_breaks_a_law(target: str) -> None:
    figures = run(target, SECONDS, SEED)

    assert not figures.failures, "\n".join(figures.failures)
    assert figures.inputs > 10
