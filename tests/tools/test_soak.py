"""A short soak; `tests/benchmarks/soak.py` is the long one."""

import pytest

from audiences_mcp.config import Settings
from tests.conftest import Organisation
from tests.soaking.driver import Soak

pytestmark = pytest.mark.anyio

CALLS, SEED = 300, 4


async def test_the_sandbox_holds_exactly_what_was_reported_after_many_calls_over_a_network_that_fails(
    settings: Settings, organisation: Organisation
) -> None:
    soak = Soak(settings, organisation, SEED)

    await soak.run(CALLS)

    assert soak.world.differences(organisation) == []
    assert soak.caller.figures.faults.total() > CALLS / 10
    assert sum(kept.gone for kept in soak.world.audiences.values()) > 10
    assert len(soak.world.living) > 3
