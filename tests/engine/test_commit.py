"""Effects come true in one order, all of them or none."""

from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka.errors import ProducerFenced
from aiokafka.structs import TopicPartition

from processors.engine.commit import commit
from processors.engine.effects import Effects, StateWrite
from processors.engine.errors import Refused, Superseded, Unexpected
from processors.engine.group import GroupMember
from processors.engine.processor import Output
from processors.engine.state.memory import MemoryStore
from processors.engine.steps import Step
from tests.engine.memory import Broker, MemoryProducer
from tests.engine.records import plain

IN, OUT, LOG = TopicPartition("in", 0), TopicPartition("out", 0), TopicPartition("t-changelog", 0)
MEMBER = GroupMember("group", 1, "w0", None)


class Case:
    """One batch: an output, a state, an offset. ``seen``: what there is at each step."""

    def __init__(self) -> None:
        self.broker = Broker(1)
        self.broker.generation = 1
        self.producer = MemoryProducer(self.broker, "w0")
        self.store = MemoryStore(Path("t-0"))
        self.seen: list[tuple[Step, int, int, int]] = []

    async def run(
        self, *, member: bool = True, is_current: Callable[[], bool] = lambda: True, spend: bool = False
    ) -> None:
        if member:
            self.broker.members["w0"] = lambda: None
        effects = Effects(7, offsets={IN: 9})
        effects.outputs["out", 0] = [Output("out", b"k", b"v"), Output("out", b"k", b"w", timestamp_ms=3)]
        effects.states["t", 0] = StateWrite({} if spend else plain(b"k"), [b"entry"])
        stores = {("t", 0): self.store}
        changelogs = {"t": "t-changelog"}
        await commit(effects, MEMBER, stores, changelogs, self.producer, is_current, self._on_step)

    def _on_step(self, step: Step) -> None:
        there = len(self.broker.read("out")), len(self.broker.offsets), self.store.size
        self.seen.append((step, *there))


async def test_the_order_of_effects() -> None:
    """Nothing is there before the transaction ends; then all but the store, which comes last."""
    case = Case()
    await case.run()
    before = (Step.BEGUN, Step.SENT, Step.PRODUCED, Step.OFFSETS)
    assert case.seen == [*((step, 0, 0, 0) for step in before), (Step.ENDED, 2, 1, 0), (Step.STORED, 2, 1, 1)]
    assert [record.timestamp for record in case.broker.read("out")] == [7, 3]
    assert (case.broker.offsets, case.store.position) == ({IN: (9, "")}, 0)


async def test_a_former_owner_leaves_nothing() -> None:
    case = Case()
    with pytest.raises(Refused):
        await case.run(member=False)
    assert (case.broker.read("out"), case.broker.offsets, case.store.position) == ([], {}, -1)
    assert case.broker.open == {}


async def test_a_store_that_may_be_anothers_is_left_alone() -> None:
    """The batch has happened all the same: the changelog has what is missing here."""
    case = Case()
    with pytest.raises(Superseded, match="committed, but"):
        await case.run(is_current=lambda: False)
    assert (len(case.broker.read("t-changelog")), case.broker.offsets) == (1, {IN: (9, "")})
    assert (case.store.position, case.store.size) == (-1, 0)


async def test_spent_entries_move_no_position() -> None:
    case = Case()
    await case.run(spend=True)
    assert (case.store.position, case.broker.logs[LOG].end) == (-1, 0)


async def test_a_transaction_that_was_taken_from_us(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case()

    async def fenced() -> None:
        raise ProducerFenced

    monkeypatch.setattr(case.producer, "commit", fenced)
    with pytest.raises(Unexpected, match="longer than its timeout"):
        await case.run()
