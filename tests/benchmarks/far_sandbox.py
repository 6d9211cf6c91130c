"""The sandbox in a process of its own, as Atoms is elsewhere."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from tests.conftest import Organisation
from tests.processes import COMMAND, environment


@contextmanager
def organisation() -> Iterator[Organisation]:
    """Yield an organisation of its own in a sandbox of its own."""
    command = [*COMMAND, "sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout
        try:
            yield Organisation(process.stdout.readline().split()[-1], f"sk_{uuid4().hex}")
        finally:
            process.terminate()
