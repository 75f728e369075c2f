"""Processors for tests: as unforgiving as possible, so that a record applied twice or not at all shows.

:class:`Counter` counts: not idempotent, and its outputs carry random ids. Two of them make a chain: "first"
reads ``a`` and writes ``mid``, "second" reads ``mid`` and ``b``. :class:`Holder` waits for partners, against
the clock.
"""
# ruff: noqa: ARG002 - toys need less than the protocol offers

import uuid
from collections.abc import Sequence
from typing import NamedTuple

import orjson

from processors.engine.processor import Halt, Output, Rejected, Unfit
from processors.engine.records import Record

POISON = b"poison"
HALT = b"halt"
#: In the value: the processor raises on it.
BUG = b"bug"


class Names(NamedTuple):
    """Topics of one test."""

    prefix: str

    def __call__(self, topic: str) -> str:
        return f"{self.prefix}-{topic}"


class Counter:
    """State: how many records its key has seen. Each record is answered with the count, once ever.

    A record belongs under the ``key`` in its value, and into the ``topic`` there if it names one.
    """

    retention_ms: int | None = None
    inner: frozenset[str] = frozenset()
    fatal: tuple[type[Exception], ...] = ()

    def __init__(self, table: str, topics: Sequence[str], output: str, dead: str, chain: bool) -> None:
        self.table = table
        self.topics = frozenset(topics)
        self.outputs = frozenset({output, dead})
        self._output = output
        self._dead = dead
        self._chain = chain

    def refuse(self, record: Record, unfit: Unfit, detail: str) -> Rejected:
        why = (("why", unfit.encode()), ("detail", detail.encode()))
        return Rejected([Output(self._dead, record.key, record.value, why)], detail)

    def parse(self, record: Record, now_ms: int) -> tuple[str, bytes, str]:
        if record.value == POISON or record.value is None:
            raise Rejected([Output(self._dead, record.key, record.value, (("why", b"poison"),))])
        if record.value == HALT:
            raise Halt("told to")
        document = orjson.loads(record.value)
        return document.get("topic", record.topic), document["key"].encode(), document.get("id", "")

    def load(self, raw: bytes) -> int:
        return int(raw)

    def dump(self, state: int) -> bytes:
        return b"%d" % state

    def due(self, state: int) -> int | None:
        return None

    def apply(
        self, key: bytes, state: int | None, fact: str, now_ms: int
    ) -> tuple[int | None, Sequence[Output]]:
        if fact == BUG.decode():
            raise KeyError(key.decode())
        n = (state or 0) + 1
        # In a chain many keys of the first feed one of the second.
        to = key.split(b".")[0] if self._chain else key
        document = {"key": to.decode(), "n": n, "from": key.decode(), "fact": fact, "id": uuid.uuid4().hex}
        return n, (Output(self._output, to, orjson.dumps(document)),)

    def expire(self, key: bytes, state: int, now_ms: int) -> tuple[int | None, Sequence[Output]]:
        raise AssertionError("a counter is never due")


def chain(names: Names) -> list[Counter]:
    """``a`` -> first -> ``mid`` (and ``b``) -> second -> ``out``."""
    return [
        Counter("first", [names("a")], names("mid"), names("dead"), chain=True),
        Counter("second", [names("mid"), names("b")], names("out"), names("dead"), chain=False),
    ]


class Holder:
    """Pairs ``ask`` with ``answer`` per key. An ``ask`` waits for ``hold_ms``, then it is given up.

    State: [arrival of the ask, or 0; answered].
    """

    table = "held"
    retention_ms: int | None = None
    inner: frozenset[str] = frozenset()
    fatal: tuple[type[Exception], ...] = ()

    def __init__(self, names: Names, hold_ms: int) -> None:
        self.topics = frozenset({names("ask"), names("answer")})
        self.outputs = frozenset({names("met"), names("given-up")})
        self._names = names
        self._hold_ms = hold_ms

    def refuse(self, record: Record, unfit: Unfit, detail: str) -> Rejected:
        raise AssertionError(f"{unfit}: {detail}")

    def parse(self, record: Record, now_ms: int) -> tuple[str, bytes, bool]:
        return record.topic, record.key, record.topic == self._names("ask")

    def load(self, raw: bytes) -> list[int]:
        loaded: list[int] = orjson.loads(raw)
        return loaded

    def dump(self, state: list[int]) -> bytes:
        return orjson.dumps(state)

    def due(self, state: list[int]) -> int | None:
        asked, answered = state
        return asked + self._hold_ms if asked and not answered else None

    def apply(
        self, key: bytes, state: list[int] | None, fact: bool, now_ms: int
    ) -> tuple[list[int] | None, Sequence[Output]]:
        asked, answered = state or [0, 0]
        if fact and not asked:
            asked = now_ms
        elif not fact and not answered:
            answered = 1
        else:
            return state, ()
        met = (Output(self._names("met"), key, uuid.uuid4().bytes),) if asked and answered else ()
        return [asked, answered], met

    def expire(self, key: bytes, state: list[int], now_ms: int) -> tuple[list[int] | None, Sequence[Output]]:
        return None, (Output(self._names("given-up"), key, b"%d" % now_ms),)
