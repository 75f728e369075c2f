"""One table and partition during a batch."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from processors.engine import frame
from processors.engine.errors import EngineError
from processors.engine.processor import Halt, Processor


class TooLarge(Exception):
    """More than a topic takes."""


class AtKey(Exception):
    """The processor raised ``cause`` on the state of this key."""

    def __init__(self, key: bytes, cause: Exception) -> None:
        super().__init__(key)
        self.key = key
        self.cause = cause


class View:
    """One table and partition during a batch: what the store holds, under what the batch has made of it.

    Between two strides it holds stored forms, not states. Of a batch of thousands of records only those of
    one stride exist as objects, and these fit into the CPU's cache: a seventh of the time to compute.
    """

    __slots__ = (
        "_get_many",
        "_largest",
        "_now_s",
        "fatal",
        "job",
        "made",
        "partition",
        "spent",
        "states",
    )

    def __init__(
        self,
        job: Processor[Any, Any],
        partition: int,
        get_many: Callable[[list[bytes]], Sequence[bytes | None]],
        now_ms: int,
        largest: int,
    ):
        """``largest``: bytes that the changelog takes for a state."""
        self.job = job
        #: What is not to be blamed on a record.
        self.fatal: tuple[type[Exception], ...] = (Halt, EngineError, *job.fatal)
        self._largest = largest
        self.partition = partition
        self._get_many = get_many
        self._now_s = None if job.retention_ms is None else now_ms // 1000
        #: Stored forms that the batch has made; None: gone.
        self.made: dict[bytes, bytes | None] = {}
        #: States of the keys of this stride.
        self.states: dict[bytes, Any] = {}
        self.spent: list[bytes] = []

    def load(self, keys: list[bytes]) -> None:
        """Begin a stride: the states of these keys, all different. One read, for each lets the other thread
        in. Raises :class:`AtKey`.
        """
        made, load, body = self.made, self.job.load, frame.body
        states = self.states = {}
        found, key = self._get_many(keys), b""
        try:
            for key, stored in zip(keys, found, strict=True):
                if made and key in made:
                    stored = made[key]
                states[key] = None if stored is None else load(body(stored))
        except self.fatal:
            raise
        except Exception as exc:
            raise AtKey(key, exc) from exc

    def stored(self, key: bytes) -> bytes | None:
        """The stored form of a key's state, as the batch has it by now."""
        if key in self.made:
            return self.made[key]
        [stored] = self._get_many([key])
        return stored

    def dump(self, changed: Iterable[bytes]) -> None:
        """End a stride. Not "ends as it began": a key that an event changed is written in any case.

        Raises :class:`AtKey`.
        """
        job, made, states, now_s = self.job, self.made, self.states, self._now_s
        dump, due, wrap, largest, key = job.dump, job.due, frame.wrap, self._largest, b""
        try:
            for key in changed:
                state = states[key]
                if state is None:
                    made[key] = None
                    continue
                stored = wrap(dump(state), due(state), now_s)
                if len(stored) > largest:
                    raise TooLarge(f"a state of {len(stored)} bytes, at most {largest}")
                made[key] = stored
        except self.fatal:
            raise
        except Exception as exc:
            raise AtKey(key, exc) from exc
