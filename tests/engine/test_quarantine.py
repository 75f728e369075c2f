"""A record that ends the worker does so twice. Then it is passed over, it alone."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from processors.engine import frame
from processors.engine.effects import Effects
from processors.engine.processor import Halt, Output, Unfit
from processors.engine.records import Record
from processors.engine.settings import Limits
from processors.kafka.placement import partition_for
from tests.engine.lives import START, Store, Worker
from tests.engine.records import record
from tests.engine.test_batch import NOW, PARTITIONS, K, Toy, due

HOUR_MS = 3_600_000


class Broken(Toy):
    """Raises in the method that the value names, or on a state with such a value in it."""

    fatal = (NotImplementedError,)

    def __init__(self, exception: type[Exception] = KeyError) -> None:
        super().__init__()
        self.exception = exception
        self.mended = False

    def _check(self, method: str, values: Any) -> None:
        if not self.mended and method.encode() in values:
            raise self.exception("no such thing")

    def parse(self, r: Any, now_ms: int) -> tuple[str, bytes, bytes]:
        self._check("parse", (r.value,))
        return super().parse(r, now_ms)

    def load(self, raw: bytes) -> tuple[bytes, ...]:
        state = super().load(raw)
        self._check("load", state)
        return state

    def dump(self, state: tuple[bytes, ...]) -> bytes:
        self._check("dump", state)
        return super().dump(state)

    def due(self, state: tuple[bytes, ...]) -> int | None:
        self._check("due", state)
        return super().due(state)

    def apply(self, key: bytes, state: Any, fact: bytes, now_ms: int) -> tuple[Any, Sequence[Output]]:
        self._check("apply", (fact,))
        del now_ms  # the toy insists on its own
        return super().apply(key, state, fact, NOW)

    def expire(self, key: bytes, state: Any, now_ms: int) -> tuple[Any, Sequence[Output]]:
        self._check("expire", state)
        return super().expire(key, state, now_ms)


OTHER = next(k for i in range(1000) if partition_for(k := b"o%d" % i, PARTITIONS) == 1)
#: Others of the same partition.
KEYS = [k for i in range(100) if partition_for(k := b"k%d" % i, PARTITIONS) == 1]


def records(*pairs: tuple[bytes, bytes]) -> tuple[str, int, list[Record]]:
    return "in", 1, [record("in", 1, START + n, key, value) for n, (key, value) in enumerate(pairs)]


def values(effects: Effects | None, topic: str) -> list[bytes | None]:
    assert effects is not None
    return [one.value for (name, _), outputs in effects.outputs.items() if name == topic for one in outputs]


@pytest.mark.parametrize("method", ["parse", "apply", "dump", "due"])
@pytest.mark.parametrize("exception", [KeyError, RecursionError, MemoryError, AssertionError])
def test_after_two_deaths_the_record_is_passed_over_and_it_alone(
    method: str, exception: type[Exception]
) -> None:
    worker = Worker(toy=Broken(exception))
    good = [(OTHER, b"%d" % n) for n in range(100)]
    batch = records(*good[:70], (K[1], b"0"), (K[1], method.encode()), (K[1], b"1"), *good[70:])
    assert worker.live(batch) is None
    assert worker.live(batch) is None
    where = f"in, partition 1, offset {START + 71} has ended the worker"
    assert [str(death) for death in worker.deaths] == [
        f"{where} once; the next start tries it once more",
        f"{where} 2 times; the next start passes it over",
    ]
    effects = worker.live(batch)
    assert values(effects, "dead") == [Unfit.FAILED.encode()]
    assert worker.states(1) == {K[1]: b"0,1", OTHER: b",".join(value for _, value in good)}
    assert effects is not None
    [quarantined] = effects.quarantined
    assert str(quarantined) == (
        f"in, partition 1, offset {START + 71} ended the worker 2 times and is a dead letter now: "
        f"{exception.__name__}"
    )
    assert "no such thing" in quarantined.failure.cause


def test_a_state_that_cannot_be_read_costs_its_own_events_alone() -> None:
    worker = Worker(toy=Broken())
    worker.stored[1][K[1]] = frame.wrap(b"load", None, None)
    batch = records((OTHER, b"1"), (K[1], b"2"))
    assert [worker.live(batch), worker.live(batch)] == [None, None]
    assert values(worker.live(batch), "dead") == [Unfit.FAILED.encode()]
    assert worker.states(1) == {K[1]: b"load", OTHER: b"1"}


def test_a_state_that_cannot_be_expired_is_left_as_it_is() -> None:
    worker = Worker(toy=Broken())
    worker.stored[1][K[1]] = frame.wrap(b"expire,d100", 100, None)
    for _ in range(2):
        assert worker.live(due=[due(100)]) is None
    effects = worker.live(due=[due(100)])
    assert effects is not None
    assert effects.states["toy", 1].spent == [b"entry 100"]
    assert (
        "the state that was due at 100 ms in partition 1 beside in ended the worker 2 times and is kept"
        in str(effects.quarantined[0])
    )
    assert worker.states(1)[K[1]].endswith(b"expire,d100")


def test_a_disk_that_cannot_be_read_is_not_blamed_on_a_state(monkeypatch: pytest.MonkeyPatch) -> None:
    def get_many(_: Store, keys: Sequence[bytes]) -> list[bytes | None]:
        raise OSError(f"no {keys}")

    monkeypatch.setattr(Store, "get_many", get_many)
    worker = Worker()
    with pytest.raises(OSError, match="no"):
        worker.live(due=[due(100)])
    with pytest.raises(OSError, match="no"):
        worker.live(records((K[1], b"1")))


@pytest.mark.parametrize("exception", [NotImplementedError, Halt])
@pytest.mark.parametrize("method", ["parse", "apply", "dump", "expire"])
def test_what_says_nothing_of_a_record_is_not_noted(method: str, exception: type[Exception]) -> None:
    worker = Worker(toy=Broken(exception))
    worker.stored[1][OTHER] = frame.wrap(b"expire,d100", 100, None)
    for _ in range(3):
        with pytest.raises(exception):
            worker.live(records((K[1], method.encode())), due=[due(100, OTHER)])


def test_a_record_that_can_be_processed_after_all_is_forgotten() -> None:
    worker = Worker(toy=(toy := Broken()))
    batch = records((K[1], b"apply"))
    assert worker.live(batch) is None
    toy.mended = True
    assert worker.live(batch) is not None
    assert worker.states(1) == {K[1]: b"apply"}
    assert not any(worker.metadata.values())


def test_another_record_in_the_same_place_is_not_the_one() -> None:
    """A topic was made anew."""
    worker = Worker(toy=Broken())
    for _ in range(2):
        worker.live(records((K[1], b"apply")))
    effects = worker.live(records((K[1], b"good")))
    assert values(effects, "dead") == []
    assert worker.states(1) == {K[1]: b"good"}


@pytest.mark.parametrize(
    ("methods", "deaths"),
    [(["apply"] * 10, 20), (["parse"] * 10, 20), (["dump", "apply", "parse"], 8)],
    ids=str,
)
def test_several_of_one_batch_are_passed_over_one_after_the_other(methods: list[str], deaths: int) -> None:
    """No more than two are remembered of a partition. Of those that share a stride the last may be blamed
    first, and be forgotten before its turn has come.
    """
    worker = Worker(toy=Broken())
    bad = [(key, method.encode()) for key, method in zip(KEYS, methods, strict=False)]
    batch = records((OTHER, b"1"), *bad, (OTHER, b"2"))
    done = worker.work(*batch)
    dead = [value for effects in done for value in values(effects, "dead")]
    assert dead == [Unfit.FAILED.encode()] * len(methods)
    assert worker.states(1) == {OTHER: b"1,2"}
    assert len(worker.deaths) == deaths
    assert not worker.troubles.suspects


def test_several_states_that_cannot_be_expired() -> None:
    worker = Worker(toy=Broken())
    keys = KEYS[:5]
    worker.stored[1] = {key: frame.wrap(b"expire,d100", 100, None) for key in keys}
    left = [due(100, key) for key in keys]
    for _ in range(100):
        effects = worker.live(due=left)
        if effects is not None:
            left = left[len(effects.states["toy", 1].spent) :]
        if not left:
            break
    assert not left
    assert len(worker.deaths) == 2 * len(keys)
    assert set(worker.states(1)) == set(keys)


def test_the_eleventh_within_an_hour_stops_the_worker() -> None:
    """It is the release, not the records; of all partitions together."""
    worker = Worker(Limits(quarantined_an_hour=10), Broken())

    def bad(number: int) -> tuple[str, int, list[Record]]:
        partition = number % PARTITIONS
        return "in", partition, [record("in", partition, number, K[partition], b"apply")]

    for number in range(10):
        lives = [worker.live(bad(number), now_ms=NOW + number) for _ in range(3)]
        assert values(lives[2], "dead") == [Unfit.FAILED.encode()]
    for _ in range(4):
        assert worker.live(bad(10), now_ms=NOW + HOUR_MS - 1) is None
    assert "it is not the records, it is this release" in str(worker.deaths[-1])
    assert "10 records were passed over within the last hour" in str(worker.deaths[-1])
    assert worker.live(bad(10), now_ms=NOW + HOUR_MS) is not None


def test_a_batch_that_is_dropped_has_passed_over_nothing() -> None:
    worker = Worker(Limits(quarantined_an_hour=1), Broken())
    batch = records((K[1], b"apply"))
    assert [worker.live(batch), worker.live(batch)] == [None, None]
    for _ in range(3):
        assert values(worker.compute(batch), "dead") == [Unfit.FAILED.encode()]
    worker.start()
    assert values(worker.live(batch), "dead") == [Unfit.FAILED.encode()]


def huge_output(toy: Toy) -> None:
    def apply(key: bytes, state: Any, fact: bytes, now_ms: int) -> tuple[Any, Sequence[Output]]:
        del now_ms
        return (*(state or ()), fact), [Output("out", key, fact * (1000 if fact == b"x" else 1))]

    toy.apply = apply  # type: ignore[method-assign]


def huge_state(toy: Toy) -> None:
    dump = toy.dump
    toy.dump = lambda state: dump(state) * (1000 if b"x" in state else 1)  # type: ignore[method-assign]


@pytest.mark.parametrize(("make", "what"), [(huge_output, "record of 1000"), (huge_state, "state of 5001")])
def test_what_is_larger_than_its_topic_takes_ends_the_worker_twice_at_most(
    make: Callable[[Toy], None], what: str
) -> None:
    """No broker would ever take it."""
    worker = Worker(Limits(output_bytes=999, state_bytes=1000), Toy())
    make(worker.toy)
    batch = records((K[1], b"1"), (K[1], b"x"), (K[1], b"2"))
    assert [worker.live(batch), worker.live(batch)] == [None, None]
    effects = worker.live(batch)
    assert values(effects, "dead") == [Unfit.FAILED.encode()]
    assert effects is not None
    assert f"TooLarge: a {what} bytes" in effects.quarantined[0].failure.cause
    assert worker.states(1) == {K[1]: b"1,2"}


def test_what_is_too_large_to_be_sent_on_is_a_dead_letter_at_once() -> None:
    """By its headers, for instance: an input topic takes less than a producer's codec may make of them."""
    worker = Worker(Limits(forward_bytes=1000), Toy())
    stray = record("in", 1, START, K[2], b"1", (("h", b"v" * 1000),))
    effects = worker.live(("in", 1, [stray]))
    assert values(effects, "dead") == [Unfit.TOO_LARGE.encode()]
    assert effects is not None
    assert (effects.rejected, effects.forwarded) == ({"in": 1}, {})
    fits = record("in", 1, START, K[2], b"1", (("h", b"v" * 900),))
    assert values(worker.live(("in", 1, [fits])), "in") == [b"1"]
