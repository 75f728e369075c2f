"""Events that led to nothing, and records that could not be used: those of a workspace, page by page.

Whom a question is about is asked for by our own id: the server's log is to name nobody.
"""

from collections.abc import Mapping
from typing import Annotated, Final

from msgspec import Meta, Raw, Struct

from processors.gateway.asking import Ask, Row
from processors.gateway.places import Place
from processors.gateway.times import Time, time
from schemas.ids import customer_id
from schemas.reasons import DeadLetterReason, UnmatchedReason
from schemas.texts import ID

MOST: Final = 1_000

_UNMATCHED: Final = (
    "SELECT unmatched_id AS id, toUnixTimestamp64Milli(reported_at) AS reported, reason, detail,"
    " toUnixTimestamp64Milli(timestamp), customer_external_id, click_id, event_name, event FROM unmatched"
)
_DEAD: Final = (
    "SELECT dead_letter_id AS id, toUnixTimestamp64Milli(reported_at) AS reported, reason, detail,"
    " toUnixTimestamp64Milli(source_timestamp), attempt, source_topic, source_partition, source_offset,"
    " preview FROM dead_letters"
)

Limit = Annotated[
    int, Meta(ge=1, le=MOST, description="How many, at most; of which a page consists.", examples=[100])
]
Cursor = Annotated[
    str,
    Meta(
        max_length=ID + 20,
        description="The page begins where the header `X-Next-Cursor` of the one before has said.",
    ),
]
Text = Annotated[str, Meta(max_length=ID)]


class UnmatchedQuery(Struct, frozen=True, kw_only=True, rename="camel"):
    """Which events that led to nothing."""

    reason: Annotated[
        UnmatchedReason | None, Meta(description="Only those with this reason.", examples=["click_not_found"])
    ] = None
    customer_external_id: Annotated[
        Text, Meta(description="Only those of this customer.", examples=["user_42"])
    ] = ""
    click_id: Annotated[Text, Meta(description="Only those that name this click.")] = ""
    limit: Limit = 100
    cursor: Cursor = ""


class DeadLettersQuery(Struct, frozen=True, kw_only=True, rename="camel"):
    """Which records that could not be used."""

    reason: Annotated[
        DeadLetterReason | None,
        Meta(description="Only those with this reason.", examples=["schema_violation"]),
    ] = None
    limit: Limit = 100
    cursor: Cursor = ""


class Unmatched(Struct, frozen=True, kw_only=True, rename="camel"):
    """A valid event that led to nothing. ``timestamp``: its own; ``reported_at``: when that was found out.
    ``event``: as it came; null of a customer who was erased."""

    id: str
    reason: str
    detail: str
    timestamp: Time
    reported_at: Time
    customer_external_id: str | None
    click_id: str | None
    event_name: str | None
    event: Raw


class DeadLetter(Struct, frozen=True, kw_only=True, rename="camel"):
    """A record that could not be used. ``timestamp``: when it was sent; ``reported_at``: when its last
    attempt failed. ``preview``: how it begins, as far as that is text."""

    id: str
    reason: str
    detail: str
    timestamp: Time
    reported_at: Time
    attempt: int
    source_topic: str
    source_partition: int
    source_offset: int
    preview: str


async def unmatched(
    ask: Ask, workspace_id: str, query: UnmatchedQuery
) -> tuple[list[Unmatched], Place | None]:
    """A page, the latest first, and where the next one begins."""
    equal: dict[str, object] = {"reason": query.reason, "click_id": query.click_id}
    if query.customer_external_id:
        equal["customer_id"] = customer_id(workspace_id, query.customer_external_id)
    rows, following = await _page(ask, _UNMATCHED, workspace_id, equal, query)
    return [*map(_unmatched, rows)], following


async def dead_letters(
    ask: Ask, workspace_id: str, query: DeadLettersQuery
) -> tuple[list[DeadLetter], Place | None]:
    """The same of dead letters, as far as they say whose they are."""
    rows, following = await _page(ask, _DEAD, workspace_id, {"reason": query.reason}, query)
    return [*map(_dead_letter, rows)], following


async def _page(
    ask: Ask,
    select: str,
    workspace_id: str,
    equal: Mapping[str, object],
    query: UnmatchedQuery | DeadLettersQuery,
) -> tuple[list[Row], Place | None]:
    """One row more than is wanted says whether there is a next page."""
    asked = {name: str(value) for name, value in equal.items() if value}
    conditions = ["workspace_id = {workspace:String}", *(f"{one} = {{{one}:String}}" for one in asked)]
    parameters: dict[str, object] = {**asked, "workspace": workspace_id, "most": query.limit + 1}
    if after := Place.read(query.cursor):
        conditions.append("(reported, id) < ({at:Int64}, {after:String})")
        parameters |= {"at": after.at_ms, "after": after.id}
    found = await ask(
        f"{select} WHERE {' AND '.join(conditions)} ORDER BY reported DESC, id DESC LIMIT {{most:UInt32}}",
        parameters,
    )
    rows = [*found[: query.limit]]
    return rows, Place(int(rows[-1][1]), str(rows[-1][0])) if len(found) > query.limit else None


def _unmatched(row: Row) -> Unmatched:
    name, reported, reason, detail, at, external_id, click_id, event_name, event = row
    return Unmatched(
        id=name,
        reason=reason,
        detail=detail,
        timestamp=time(at),
        reported_at=time(reported),
        customer_external_id=external_id or None,
        click_id=click_id or None,
        event_name=event_name or None,
        event=Raw(event.encode() or b"null"),
    )


def _dead_letter(row: Row) -> DeadLetter:
    name, reported, reason, detail, at, attempt, topic, partition, offset, preview = row
    return DeadLetter(
        id=name,
        reason=reason,
        detail=detail,
        timestamp=time(at),
        reported_at=time(reported),
        attempt=attempt,
        source_topic=topic,
        source_partition=partition,
        source_offset=offset,
        preview=preview,
    )
