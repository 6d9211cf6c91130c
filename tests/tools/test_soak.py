"""A short soak; `tests/benchmarks/soak.py` is the long one."""

import pytest

from audiences_mcp.config import Settings
from tests.conftest import Organisation
from tests.soaking.driver import Soak

pytestmark = pytest.mark.anyio

CALLS, SEED = 400, 4


@pytest.mark.parametrize("restarts", [False, True])
async def test_the_sandbox_holds_exactly_what_was_reported_after_many_calls_over_a_network_that_fails(
    settings: Settings, organisation: Organisation, *, restarts: bool
) -> None:
    soak = Soak(settings, organisation, SEED, restarts=restarts)

    await soak.run(CALLS)

    assert soak.world.differences(organisation) == []
    assert soak.caller.figures.faults.total() > CALLS / 10
    assert bool(soak.caller.figures.restarts) == restarts
    assert sum(kept.gone for kept in soak.world.audiences.values()) > 5
    assert len(soak.world.living) > 3
