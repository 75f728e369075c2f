"""A dead letter as its topic holds it."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from aiokafka import ConsumerRecord

from processors.refusals.refusal import Kind, LeftAlone, Outgoing
from processors.sink.refusal_rows import dead_letter_identity
from processors.worker.touches import read_click_erasure, read_told
from schemas.dead_letters import Cause, cause_of, note_headers, replay_headers, workspace_of
from schemas.decoders import BY_TOPIC
from schemas.decoding import Refused, decoded
from schemas.reward_caps import decode_claim, decode_share
from schemas.reward_decoding import decode_reward_event
from schemas.times import rfc3339
from schemas.topics import INPUT_BYTES, SPECS, Role, Topic

_DECODERS: Final[dict[Topic, Callable[[bytes | None, int, int], object]]] = {
    **{Topic(topic): decode for topic, decode in BY_TOPIC.items()},
    Topic.REWARD_EVENTS: decode_reward_event,
    Topic.TOUCHES: lambda value, record_ms, now_ms: read_told(value or b"", record_ms, now_ms),
    Topic.REWARD_CLAIMS: lambda value, *_: decoded(decode_claim, value or b""),
    Topic.REWARD_SHARES: lambda value, *_: decoded(decode_share, value or b""),
    Topic.CLICK_ERASURES: lambda value, *_: read_click_erasure(value or b""),
}
_LARGEST: Final = INPUT_BYTES - 4096
"""What an input topic takes, but for the headers."""


@dataclass(frozen=True)
class DeadLetter:
    """``topic``: where the record came from; None when somebody else wrote this dead letter."""

    id: str
    reported_ms: int
    key: bytes | None
    value: bytes | None
    cause: Cause
    topic: Topic | None

    @property
    def identity(self) -> bytes:
        """The place where the record stood at first."""
        return repr(self.cause.source).encode()

    @property
    def attempt(self) -> int:
        """As the header counts."""
        return self.cause.attempt

    @property
    def reason(self) -> str:
        """Of the last attempt."""
        return self.cause.reason

    @cached_property
    def workspace(self) -> str:
        """As far as it can be read."""
        return workspace_of(self.key or b"", self.value or b"")

    def back(self, now_ms: int) -> Outgoing:  # noqa: ARG002 - its time is its record's
        """The value untouched; the time and the first place of the record with it. Raises ``LeftAlone``."""
        if self.topic is None:
            raise LeftAlone("no topic of this system is named as its source")
        if SPECS[self.topic].role not in (Role.INPUT, Role.INTERNAL):
            raise LeftAlone("a result, not an event: `leadstream replay clickhouse` stores all results again")
        if self.cause.value_sha256:
            raise LeftAlone("its value was too large to be kept: its producer has to send it again")
        if len(self.key or b"") + len(self.value or b"") > _LARGEST:
            raise LeftAlone("too large to be sent again")
        timestamp = self.cause.timestamp_ms if self.cause.timestamp_ms >= 0 else None
        return Outgoing(self.topic, self.key, self.value, timestamp, replay_headers(self.cause))

    @property
    def replayed(self) -> bool:
        """As the header says."""
        return bool(self.cause.replayed)

    def note(self) -> Outgoing:
        """Under its key, and with the id by which ClickHouse knows it."""
        identity = dead_letter_identity(self.cause, self.key, self.value)
        return Outgoing(Topic.DEAD_LETTERS, self.key, None, None, note_headers(self.cause, identity))

    def readable(self, now_ms: int) -> bool:
        """What the worker of this version would say."""
        if self.cause.value_sha256 or self.topic not in _DECODERS:
            return False
        try:
            _DECODERS[self.topic](self.value, self.cause.timestamp_ms, now_ms)
        except Refused:
            return False
        return True

    def document(self) -> dict[str, Any]:
        """Bytes that are no text under ``…Base64``."""
        cause = self.cause
        return {
            "id": self.id,
            "reportedAt": rfc3339(self.reported_ms),
            "reason": cause.reason,
            "detail": cause.detail,
            "workspaceId": self.workspace or None,
            "attempt": cause.attempt,
            "source": {
                **cause.source._asdict(),
                "timestamp": rfc3339(cause.timestamp_ms) if cause.timestamp_ms >= 0 else None,
            },
            **_text("key", self.key),
            **_text("value", self.value),
        }

    def cells(self) -> tuple[str, ...]:
        """One line."""
        return (
            self.id,
            rfc3339(self.reported_ms),
            self.topic or self.cause.source.topic,
            self.workspace,
            self.reason,
            str(self.attempt),
            self.cause.detail,
        )


def _text(name: str, value: bytes | None) -> dict[str, str | None]:
    if value is None:
        return {name: None}
    try:
        return {name: value.decode()}
    except UnicodeDecodeError:
        return {f"{name}Base64": b64encode(value).decode()}


def dead_letters(topics: Mapping[str, Topic]) -> Kind:
    """Of the deployment with topics of these full names."""

    def read(record: ConsumerRecord) -> DeadLetter:
        place = f"{record.partition}:{record.offset}"
        cause = cause_of(record.headers)
        topic = topics.get(cause.source.topic)
        return DeadLetter(place, max(record.timestamp, 0), record.key, record.value, cause, topic)

    columns = ("id", "reported (UTC)", "topic", "workspace", "reason", "attempt", "detail")
    return Kind(Topic.DEAD_LETTERS, "dead letter", "dead letters", columns, read)
