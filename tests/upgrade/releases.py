"""Releases other than this one, as far as others see them: by what they write and what they can read.

A release reads what it has types for and forgets the rest, and writes what it has types for. So it is a
family of types, and everything that it reads or writes goes through them. The rules are this release's own.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Final, Literal, get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from processors.attribution.click_join import ClickState
from processors.attribution.customer_state import CustomerState
from processors.attribution.facts import NewerState
from processors.engine import Output, Processor, Record
from schemas.results import Touch, Unjoined
from tests.upgrade import previous

MARK: Final = "appended"
OURS: Final = b"\x01"
"""The version that this release writes."""


def extended(kind: Any) -> Any:
    """The same type with one more field at the end, and so all types in it."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        fields = [(one.name, extended(one.type), *_default(one)) for one in msgspec.structs.fields(kind)]
        config = kind.__struct_config__
        return msgspec.defstruct(
            f"{kind.__name__}Extended",
            [*fields, (MARK, str, MARK)],
            frozen=True,
            array_like=config.array_like,
            rename=None if config.array_like else "camel",
            omit_defaults=False,
            kw_only=not config.array_like,
        )
    if (origin := get_origin(kind)) is None or origin in (dict, Literal):
        return kind
    arguments = tuple(extended(one) if one is not Ellipsis else one for one in get_args(kind))
    return tuple[arguments] if origin is tuple else reduce(or_, arguments)  # type: ignore[valid-type]


def _default(field: msgspec.structs.FieldInfo) -> tuple[Any, ...]:
    if field.default_factory is not msgspec.NODEFAULT:
        return (msgspec.field(default_factory=field.default_factory),)
    return () if field.default is msgspec.NODEFAULT else (field.default,)


@dataclass(frozen=True)
class Release:
    """``states``: by table. ``between``: what may be in the topic between the joins."""

    version: bytes
    states: dict[str, Any]
    between: tuple[Any, ...]

    def state(self, table: str, raw: bytes) -> bytes:
        """As this release would write it after it has read it."""
        if raw[0] > self.version[0]:
            raise NewerState(f"{table} state of unknown version {raw[0]}: written by a newer release")
        known = msgspec.msgpack.decode(raw[1:], type=self.states[table])
        return self.version + msgspec.msgpack.encode(known)

    def touch_record(self, value: bytes | None) -> bytes:
        """The same of a record between the joins."""
        for kind in self.between:
            with suppress(msgspec.ValidationError):
                return msgspec.json.encode(msgspec.json.decode(value or b"", type=kind))
        raise ValueError(f"no record that this release knows: {value!r}")


PREVIOUS: Final = Release(previous.STATE_VERSION, previous.STATES, (previous.Touch, previous.Unjoined))
"""The release before this one."""
NEXT: Final = Release(
    OURS,
    {"clicks": extended(ClickState), "customers": extended(CustomerState)},
    (extended(Touch), extended(Unjoined)),
)
"""A release after this one that has appended a field wherever one can be."""
LATER: Final = Release(b"\x7f", NEXT.states, NEXT.between)
"""A release that writes what this one cannot read."""
RELEASES: Final = {"previous": PREVIOUS, "next": NEXT, "later": LATER}


class Foreign:
    """A processor as another release would have it."""

    def __init__(self, processor: Processor[Any, Any], release: Release, touches: str) -> None:
        self._processor = processor
        self._release = release
        self._touches = touches
        self.table = processor.table
        self.topics = processor.topics
        self.outputs = processor.outputs
        self.retention_ms = processor.retention_ms
        self.inner = processor.inner
        self.fatal = processor.fatal
        self.refuse = processor.refuse

    def parse(self, record: Record, now_ms: int) -> tuple[str, bytes, Any]:
        if record.topic == self._touches:
            record = replace(record, value=self._release.touch_record(record.value))
        return self._processor.parse(record, now_ms)

    def load(self, raw: bytes) -> Any:
        return self._processor.load(OURS + self._release.state(self.table, bytes(raw))[1:])

    def dump(self, state: Any) -> bytes:
        return self._release.state(self.table, self._processor.dump(state))

    def due(self, state: Any) -> int | None:
        return self._processor.due(state)

    def apply(self, key: bytes, state: Any, fact: Any, now_ms: int) -> tuple[Any, Sequence[Output]]:
        after, outputs = self._processor.apply(key, state, fact, now_ms)
        return after, self._written(outputs)

    def expire(self, key: bytes, state: Any, now_ms: int) -> tuple[Any, Sequence[Output]]:
        after, outputs = self._processor.expire(key, state, now_ms)
        return after, self._written(outputs)

    def _written(self, outputs: Sequence[Output]) -> list[Output]:
        return [
            replace(one, value=self._release.touch_record(one.value)) if one.topic == self._touches else one
            for one in outputs
        ]
