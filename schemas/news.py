"""What the click join tells a customer, in the internal topic ``touches``: one of four kinds of news.

Formats change over two releases (docs/architecture.md, "Upgrades"). This one reads two and writes the older:

* :class:`.results.Touch` and :class:`.results.Unjoined`, of which nulls say what kind of news it is. All
  releases so far write them, and a worker of the last one reads nothing else.
* a tagged union: ``"news"`` comes first and names the kind; its fields are those of the kind. The release
  after this one may write it.
"""

from typing import Final

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.json import Decoder, Encoder

from schemas.decoding import Refused, decoded
from schemas.reasons import DeadLetterReason, UnmatchedReason
from schemas.results import NULL, ClickFacts, Source, Touch, Unjoined


class _OfCustomer(Struct, frozen=True, kw_only=True, rename="camel"):
    workspace_id: str
    customer_external_id: str
    click_id: str


class Joined(_OfCustomer, frozen=True, kw_only=True, rename="camel"):
    """A lead event met its click. ``event``: as it came."""

    click: ClickFacts
    event: Raw
    source: Source


class ClickMoved(_OfCustomer, frozen=True, kw_only=True, rename="camel"):
    """Another click event turned out to be the one that counts under a clickId that the customer named."""

    click: ClickFacts


class Waits(_OfCustomer, frozen=True, kw_only=True, rename="camel"):
    """A lead event waits for its click."""


class GivenUp(_OfCustomer, frozen=True, kw_only=True, rename="camel"):
    """A lead event led to nothing. Whether ``event``, as it came, may be published its customer says."""

    reason: UnmatchedReason
    detail: str
    event: Raw
    source: Source


News = Joined | ClickMoved | Waits | GivenUp


class TaggedJoined(Joined, frozen=True, kw_only=True, rename="camel", tag_field="news", tag="joined"):
    """:class:`Joined`, as the tagged union has it."""


class TaggedClickMoved(
    ClickMoved, frozen=True, kw_only=True, rename="camel", tag_field="news", tag="click_moved"
):
    """:class:`ClickMoved`, as the tagged union has it."""


class TaggedWaits(Waits, frozen=True, kw_only=True, rename="camel", tag_field="news", tag="waits"):
    """:class:`Waits`, as the tagged union has it."""


class TaggedGivenUp(GivenUp, frozen=True, kw_only=True, rename="camel", tag_field="news", tag="given_up"):
    """:class:`GivenUp`, as the tagged union has it."""


class _Untagged(_OfCustomer, frozen=True, kw_only=True, rename="camel"):
    """Touch or Unjoined. Of an Unjoined the reason may be null, but is there."""

    click: ClickFacts | None = None
    reason: UnmatchedReason | UnsetType | None = UNSET
    detail: str = ""
    event: Raw = NULL
    source: Source | None = None


_TAG: Final = b'{"news":'
_tagged: Final = Decoder(TaggedJoined | TaggedClickMoved | TaggedWaits | TaggedGivenUp).decode
_untagged: Final = Decoder(_Untagged).decode
_encode: Final = Encoder().encode


def read_news(value: bytes) -> News:
    """A record of ``touches``, in either form. Raises ``Refused``."""
    if value.startswith(_TAG):
        tagged: News = decoded(_tagged, value)
        return tagged
    told = decoded(_untagged, value)
    workspace_id, customer, click_id = told.workspace_id, told.customer_external_id, told.click_id
    if told.click is not None:
        if told.source is None:
            return ClickMoved(
                workspace_id=workspace_id, customer_external_id=customer, click_id=click_id, click=told.click
            )
        return Joined(
            workspace_id=workspace_id,
            customer_external_id=customer,
            click_id=click_id,
            click=told.click,
            event=told.event,
            source=told.source,
        )
    if told.reason is UNSET:
        raise Refused(DeadLetterReason.SCHEMA_VIOLATION, "Object missing required field `click`")
    if told.source is None or told.reason is None:
        return Waits(workspace_id=workspace_id, customer_external_id=customer, click_id=click_id)
    return GivenUp(
        workspace_id=workspace_id,
        customer_external_id=customer,
        click_id=click_id,
        reason=told.reason,
        detail=told.detail,
        event=told.event,
        source=told.source,
    )


def write_news(news: News) -> bytes:
    """A record of ``touches``, as the release before this one reads it."""
    match news:
        case Joined() | GivenUp():  # nothing of them is null
            return _encode(news)
        case ClickMoved():
            return _encode(
                Touch(
                    workspace_id=news.workspace_id,
                    customer_external_id=news.customer_external_id,
                    click_id=news.click_id,
                    click=news.click,
                )
            )
        case Waits():
            return _encode(
                Unjoined(
                    workspace_id=news.workspace_id,
                    customer_external_id=news.customer_external_id,
                    click_id=news.click_id,
                    reason=None,
                )
            )
