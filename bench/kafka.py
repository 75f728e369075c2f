"""The broker that the bench runs on."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.kafka import LocalKafka


@contextmanager
def broker(given: str | None, say: Callable[[str], None]) -> Iterator[str]:
    """Its address: ``given``, or an embedded one's, which goes with all its data. Raises
    ``LocalServerError``."""
    if given is not None:
        yield given
        return
    with (
        tempfile.TemporaryDirectory(prefix="leadstream-bench-") as directory,
        LocalKafka(Path(directory), progress=say) as kafka,
    ):
        yield kafka.bootstrap
