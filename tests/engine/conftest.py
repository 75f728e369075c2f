"""One site per test: topics and a group of its own on the shared broker. And deaths that are only noted."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.kafka import LocalKafka
from tests.engine.harness import Site, site_of
from tests.engine.members import note_deaths

_COUNT = itertools.count()


@pytest.fixture
def site(kafka: LocalKafka, tmp_path: Path) -> Iterator[Site]:
    """Topics, group and workers of one test."""
    with site_of(kafka.bootstrap, f"e{os.getpid()}-{next(_COUNT)}", tmp_path) as made:
        yield made


@pytest.fixture
def deaths(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """What would have ended the process."""
    return note_deaths(monkeypatch)
