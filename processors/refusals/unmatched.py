"""An unmatched event as its topic holds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import orjson
from aiokafka import ConsumerRecord
from msgspec.json import Decoder, encode
from msgspec.structs import replace

from processors.refusals.refusal import Kind, LeftAlone, Outgoing
from processors.sink.refusal_rows import unmatched_identity
from processors.sink.rows import UNREADABLE
from schemas.decoders import BY_TOPIC
from schemas.decoding import Refused
from schemas.results import NULL, Unmatched
from schemas.routing import topic_of
from schemas.times import parse_rfc3339, rfc3339
from schemas.topics import Topic

_decode: Final = Decoder(Unmatched).decode


@dataclass(frozen=True)
class UnmatchedEvent:
    """``one``: as the topic has it, under ``key``. ``topic``: where the event came from."""

    id: str
    reported_ms: int
    identity: bytes
    key: bytes | None
    one: Unmatched
    topic: Topic | None
    attempt: int = 0

    @property
    def reason(self) -> str:
        """Why it led to nothing."""
        return self.one.reason.value

    @property
    def workspace(self) -> str:
        """An event has one."""
        return self.one.workspace_id

    @property
    def _value(self) -> bytes:
        return bytes(self.one.event)

    @cached_property
    def _timestamp_ms(self) -> int:
        """The record's. One that had no time of its own happened when it was read: then the event's."""
        return parse_rfc3339(self.one.source.timestamp) or parse_rfc3339(self.one.timestamp)

    def back(self, now_ms: int) -> Outgoing:
        """The event as it came, under its right key, at the time of its record. Raises ``LeftAlone``."""
        if self._value == b"null":
            raise LeftAlone("the event was not kept: its person was erased")
        if self.topic is None or self.topic not in BY_TOPIC:
            raise LeftAlone("no topic of this system is named as its source")
        try:
            event, _ = BY_TOPIC[self.topic](self._value, self._timestamp_ms, now_ms)
        except Refused as refused:
            raise LeftAlone(f"no event any more: {refused}") from None
        return Outgoing(topic_of(event), event.topic_key(), self._value, self._timestamp_ms)

    @property
    def replayed(self) -> bool:
        """As the document says."""
        return bool(self.one.replayed)

    def note(self) -> Outgoing:
        """Under the key of the report, and so in one partition with the next one, before it."""
        note = replace(self.one, event=NULL, replayed=self.identity.decode())
        return Outgoing(Topic.UNMATCHED, self.key, encode(note), None)

    def readable(self, now_ms: int) -> bool:
        """It was valid when it came."""
        try:
            self.back(now_ms)
        except LeftAlone:
            return False
        return True

    def document(self) -> dict[str, Any]:
        """The record's own document, and where it stands."""
        one = self.one
        return {
            "id": self.id,
            "reportedAt": rfc3339(self.reported_ms),
            "reason": one.reason.value,
            "detail": one.detail,
            "workspaceId": one.workspace_id,
            "customerExternalId": one.customer_external_id,
            "clickId": one.click_id,
            "eventName": one.event_name,
            "timestamp": one.timestamp,
            "event": orjson.Fragment(self._value),
            "source": {
                "topic": one.source.topic,
                "partition": one.source.partition,
                "offset": one.source.offset,
                "timestamp": one.source.timestamp,
            },
        }

    def cells(self) -> tuple[str, ...]:
        """One line."""
        one = self.one
        return (
            self.id,
            rfc3339(self.reported_ms),
            self.topic or one.source.topic,
            one.workspace_id,
            one.reason.value,
            one.customer_external_id or "",
            one.click_id or "",
            one.event_name or "",
            one.timestamp,
        )


def unmatched_events(topics: Mapping[str, Topic]) -> Kind:
    """Of the deployment with topics of these full names."""

    def read(record: ConsumerRecord) -> UnmatchedEvent | None:
        try:
            one = _decode(record.value or b"")
            topic = topics.get(one.source.topic)
            identity = unmatched_identity(one, topic or one.source.topic).encode()
        except UNREADABLE:
            return None
        place = f"{record.partition}:{record.offset}"
        return UnmatchedEvent(place, max(record.timestamp, 0), identity, record.key, one, topic)

    columns = (
        *("id", "reported (UTC)", "topic", "workspace", "reason", "customer", "click", "event"),
        "happened (UTC)",
    )
    return Kind(Topic.UNMATCHED, "unmatched event", "unmatched events", columns, read)
