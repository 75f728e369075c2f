"""What the engine remembers of the records of a partition that gave trouble.

It is the *metadata* that a group commits with an offset. So it is part of the same transaction as the offset,
fenced like it, goes where the partition goes, and needs no disk. The broker takes 4,096 bytes of it
(``offset.metadata.max.bytes``): everything here is bounded. Whoever commits the offset without it, a tool or
an older release, has forgotten it.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from aiokafka.structs import TopicPartition
from msgspec import DecodeError, Struct
from msgspec.json import Decoder, Encoder
from msgspec.structs import replace

from processors.engine.records import Record
from processors.engine.rejections import SPAN, Window

_HOUR_MS: Final = 3_600_000
_MOST_FAILURES: Final = 2
_MOST_QUARANTINED: Final = 20
_MOST_CAUSE: Final = 200
_MOST_ORIGIN: Final = 80
_FINE, _NAMELESS, _NAMES = ".", "-", "abcdefgh"


class Failure(Struct, frozen=True):
    """A record on which a processor raised. Fields are only ever appended.

    Of the expiry of a state ``due`` is true and ``offset`` its due time. ``digest``: of the record, or of the
    key: another one in the same place is not it. ``deaths``: how often it ended a worker.
    """

    offset: int
    digest: str
    cause: str
    deaths: int = 1
    due: bool = False

    @property
    def kind(self) -> str:
        """Of the error, without its text."""
        return self.cause.partition(":")[0]

    def same(self, other: "Failure") -> bool:
        """Is it the same record, or expiry?"""
        mine = self.offset, self.digest, self.due
        return mine == (other.offset, other.digest, other.due)


class Trouble(Struct, frozen=True):
    """Of one partition of a source topic. ``quarantined_ms``: when records were passed over lately."""

    failures: tuple[Failure, ...] = ()
    quarantined_ms: tuple[int, ...] = ()
    window: Window = Window()

    def find(self, failure: Failure) -> Failure | None:
        """The same as it is known, with its deaths."""
        return next((known for known in self.failures if known.same(failure)), None)

    def after_death(self, failure: Failure) -> "Trouble":
        """It has ended the worker, or is about to. Comes last."""
        known = self.find(failure)
        noted = replace(failure, deaths=failure.deaths + known.deaths) if known else failure
        others = [other for other in self.failures if other is not known]
        return replace(self, failures=(*others[1 - _MOST_FAILURES :], noted))

    def after_quarantine(self, failure: Failure, now_ms: int) -> "Trouble":
        """It was passed over."""
        left = tuple(known for known in self.failures if not known.same(failure))
        recent = [at for at in self.quarantined_ms if at > now_ms - _HOUR_MS][1 - _MOST_QUARANTINED :]
        return replace(self, failures=left, quarantined_ms=(*recent, now_ms))

    def behind(self, next_offset: int) -> "Trouble":
        """Records before this offset have been processed after all."""
        left = tuple(known for known in self.failures if known.due or known.offset >= next_offset)
        return self if left == self.failures else replace(self, failures=left)

    def quarantined(self, now_ms: int) -> int:
        """How many were passed over within the last hour."""
        return sum(at > now_ms - _HOUR_MS for at in self.quarantined_ms)


NONE: Final = Trouble()


def failure_of(record: Record, cause: Exception | None = None) -> Failure:
    """Of a record on which a processor raised ``cause``."""
    content = (record.key, record.value, b"%d" % record.timestamp)
    return Failure(record.offset, _digest(*content), _in_a_line(cause))


def failure_of_expiry(key: bytes, due_ms: int, cause: Exception | None = None) -> Failure:
    """Of a state that a processor could not expire."""
    return Failure(due_ms, _digest(key), _in_a_line(cause), due=True)


def _digest(*parts: bytes | None) -> str:
    hashed = blake2b(digest_size=16)
    for part in parts:
        hashed.update(b"-" if part is None else b"%d:" % len(part) + part)
    return hashed.hexdigest()


def _in_a_line(cause: Exception | None) -> str:
    if cause is None:
        return ""
    lines = str(cause).splitlines()
    return _ascii(f"{type(cause).__name__}: {lines[0]}" if lines else type(cause).__name__, _MOST_CAUSE)


class _Stored(Struct, frozen=True, omit_defaults=True):
    """As it is committed. Fields are only ever appended.

    ``last``: a letter for each record. ``origins``: what the letters from ``a`` on stand for.
    """

    failures: tuple[Failure, ...] = ()
    quarantined_ms: tuple[int, ...] = ()
    last: str = ""
    origins: tuple[str, ...] = ()


_encode = Encoder().encode
_decode = Decoder(_Stored).decode


def metadata_of(trouble: Trouble) -> str:
    """ASCII, at most some 3,500 characters; '' when there is nothing to remember."""
    if trouble == NONE:
        return ""
    names = [name for name, _ in trouble.window.origins().most_common(len(_NAMES))]
    letters: dict[str | None, str] = {None: _FINE, **dict(zip(names, _NAMES, strict=False))}
    last = "".join([letters.get(origin, _NAMELESS) for origin in trouble.window.last])
    origins = tuple(_ascii(name, _MOST_ORIGIN) for name in names)
    return _encode(_Stored(trouble.failures, trouble.quarantined_ms, last, origins)).decode()


def trouble_of(metadata: str) -> Trouble:
    """Inverse of :func:`metadata_of`, but for origins that did not fit. What others have written is none."""
    if not metadata:
        return NONE
    try:
        stored = _decode(metadata)
    except DecodeError:
        return NONE
    origins: dict[str, str | None] = {_FINE: None, **dict(zip(_NAMES, stored.origins, strict=False))}
    last = tuple(origins.get(letter, "") for letter in stored.last[-SPAN:])
    return Trouble(stored.failures, stored.quarantined_ms, Window(last))


def _ascii(text: str, most: int) -> str:
    """Nothing in it takes more than two bytes of JSON."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text).encode(
        "ascii", "backslashreplace"
    )
    return plain[:most].decode()


class Troubles:
    """Of all partitions of a generation, as of its last committed batch.

    ``stopped``: partitions that stand still until the next generation.
    """

    def __init__(self, metadata: Mapping[TopicPartition, str] | None = None) -> None:
        self._known = {tp: trouble_of(text) for tp, text in (metadata or {}).items() if text}
        self.stopped: set[TopicPartition] = set()

    def __getitem__(self, tp: TopicPartition) -> Trouble:
        return self._known.get(tp, NONE)

    @property
    def suspects(self) -> Mapping[TopicPartition, int]:
        """The first record of a partition that has ended a worker. A batch ends with it."""
        if not self._known:
            return {}
        offsets = {
            tp: [failure.offset for failure in trouble.failures if not failure.due]
            for tp, trouble in self._known.items()
        }
        return {tp: min(some) for tp, some in offsets.items() if some}

    def items(self) -> Mapping[TopicPartition, Trouble]:
        """Partitions with any."""
        return self._known

    def committed(self, changed: Mapping[TopicPartition, Trouble]) -> None:
        """A batch made these true."""
        self._known = {tp: trouble for tp, trouble in {**self._known, **changed}.items() if trouble != NONE}

    def metadata(
        self, offsets: Mapping[TopicPartition, int], changed: Mapping[TopicPartition, Trouble]
    ) -> dict[TopicPartition, str]:
        """What to commit with these offsets: all that is not committed with them is forgotten."""
        known = {**self._known, **changed}
        return {tp: metadata_of(trouble) for tp, trouble in known.items() if tp in offsets} if known else {}
