"""What the definitions of the tools cost a model on every turn, beside those of the vendor's own server.

python -m tests.benchmarks.definitions
"""

import json
from collections.abc import Iterator
from typing import Any

from tests.benchmarks.measuring import Amount, Row, show
from tests.processes import Server

_VENDOR = "the vendor's own server: 98,668 bytes"
_SEEN = ("name", "description", "inputSchema")


def rows() -> Iterator[Row]:
    with Server() as server:
        listed = server.ask("tools/list", {})
    seen = [{part: tool[part] for part in _SEEN} for tool in listed["result"]["tools"]]
    yield Amount("what a model sees of the tools", [_bytes(seen)], aim=14_000, unit="bytes", beside=_VENDOR)
    yield Amount("tools/list as a whole", [_bytes(listed)], aim=27_000, unit="bytes", beside=_VENDOR)


def _bytes(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


if __name__ == "__main__":
    show(rows())
