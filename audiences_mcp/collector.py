"""The garbage collector kept from long lists.

A full pass looks at every object there is while nothing else runs: with a list of 100,000 rows in memory each takes
100 ms, and building one sets off a dozen. Rows hold no cycles, so there is nothing in them for the collector to find.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_MANY = 10_000  # objects, of which a pass takes a millisecond or two

_lock = Lock()
_builders = 0


@contextmanager
def paused(*, forgets: bool = True) -> Iterator[None]:
    """Build something without cycles, undisturbed. It is freed as ever.

    Args:
        forgets: Whether the collector, if it is long, never looks at it, nor at what else there is now.
    """
    global _builders  # noqa: PLW0603 - there is one collector, too
    with _lock:
        if not _builders:
            gc.collect(1)  # what is garbage by now is not to be kept for good
            gc.disable()
        _builders += 1
    try:
        yield
    finally:
        with _lock:
            _builders -= 1
            if not _builders:
                if forgets and gc.get_count()[0] > _MANY:
                    gc.freeze()
                gc.enable()
