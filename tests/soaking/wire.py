"""A network on which every few requests go wrong, each in one of the ways in which a request can."""

from collections import Counter
from random import Random

import anyio
import httpx  # noqa: TID251 - faults are put in at the transport

from tests.tools.conftest import (
    Fault,
    Send,
    Wire,
    answer_lost,
    failed_after,
    failed_before,
    html,
    not_reached,
    too_many,
)

_LONGEST = 0.004  # seconds that a request is on its way, so that those of several calls mix

_OUTAGES, _LONGEST_OUTAGE = 0.1, 12  # after how many faults the next requests, of all calls, fail too; how many do


async def reset_before(_: Send, request: httpx.Request) -> httpx.Response:
    """The connection breaks off while the request is sent."""
    raise httpx.WriteError("connection reset", request=request)


async def reset_after(send: Send, request: httpx.Request) -> httpx.Response:
    """Atoms does it, and the connection breaks off while it answers."""
    await (await send(request)).aread()
    raise httpx.RemoteProtocolError("peer closed connection", request=request)


async def cut_off(send: Send, request: httpx.Request) -> httpx.Response:
    """Atoms does it, and half of its answer arrives."""
    answer = await (await send(request)).aread()
    return httpx.Response(200, content=answer[: len(answer) // 2])


FAULTS: tuple[Fault, ...] = (
    not_reached,
    answer_lost,
    failed_after,
    failed_before,
    too_many,
    html,
    reset_before,
    reset_after,
    cut_off,
)


class RoughWire(Wire):
    """The network between the server and the sandbox.

    Args:
        rng: Decides which requests go wrong, and how.
        share: How many of them do, from 0 to 1.
        faults: Where each fault is counted.
    """

    def __init__(self, rng: Random, share: float, faults: Counter[str]) -> None:
        super().__init__()
        self._rng, self._share, self._made = rng, share, faults
        self._outage = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await anyio.sleep(self._rng.random() * _LONGEST)
        if not self._outage and self._rng.random() >= self._share:
            return await super().handle_async_request(request)
        self._outage = max(self._outage - 1, 0) or (self._rng.random() < _OUTAGES) * self._rng.randint(
            1, _LONGEST_OUTAGE
        )
        fault = self._rng.choice(FAULTS)
        self._made[fault.__name__] += 1
        return await fault(self._network.handle_async_request, request)
