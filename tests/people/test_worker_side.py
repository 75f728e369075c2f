"""What ``leadstream trace`` and ``leadstream erase`` make of what they find."""

import asyncio
from typing import Any

import pytest

from processors.engine.kafka.lookup import Stored
from processors.kafka.connection import KafkaRefused
from processors.people import worker_side
from processors.people.identity import Person
from processors.settings import Settings


def test_a_state_of_a_newer_release_is_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stored_state(*_: Any) -> Stored:
        return Stored(b"\x7f", "changelog", 0, 1, 0)

    monkeypatch.setattr(worker_side, "stored_state", stored_state)
    with pytest.raises(KafkaRefused, match=r"written by a newer release: ask with the `leadstream` of that"):
        asyncio.run(worker_side.held_state(Settings(), Person("acme", "u1")))
