"""What callers send of links. A field that is not sent is ``UNSET``; null and blank: there is to be none."""

from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from processors.gateway.links.utm import WRITTEN
from processors.registry.names import KEY
from schemas import texts

MOST_LINKS: Final = 100
"""Of one call."""
_LONG: Final = 4_000

Address = Annotated[str, Meta(max_length=texts.URL)]
Id = Annotated[str, Meta(max_length=texts.ID)]
Label = Annotated[str, Meta(max_length=texts.LABEL)]
Image = Annotated[str, Meta(max_length=texts.AVATAR)]
Long = Annotated[str, Meta(max_length=_LONG)]
Key = Annotated[str, Meta(max_length=KEY)]
Moment = Annotated[str, Meta(max_length=64, description="ISO 8601; without an offset it is UTC.")]
Names = Annotated[list[Id], Meta(max_length=MOST_LINKS)]
Whole = Annotated[float, Meta(ge=3, le=KEY, multiple_of=1)]
"""SDKs write ``9.0``."""


def renamed(name: str) -> str:
    if name.startswith("utm_"):
        return name
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


class LinkFields(Struct, frozen=True, kw_only=True, rename=renamed):
    """What a link is to be like, whichever call says it.

    The last nine are there to be refused: they are promises that would not be kept.
    """

    url: Address | UnsetType = UNSET
    tenant_id: Id | UnsetType | None = UNSET
    program_id: Id | UnsetType | None = UNSET
    partner_id: Id | UnsetType | None = UNSET
    track_conversion: bool | UnsetType | None = UNSET
    archived: bool | UnsetType | None = UNSET
    rewrite: bool | UnsetType | None = UNSET
    public_stats: bool | UnsetType | None = UNSET
    do_index: bool | UnsetType | None = UNSET
    expires_at: Moment | UnsetType | None = UNSET
    expired_url: Address | UnsetType | None = UNSET
    ios: Address | UnsetType | None = UNSET
    android: Address | UnsetType | None = UNSET
    geo: Annotated[dict[str, Address], Meta(max_length=300)] | UnsetType | None = UNSET
    title: Long | UnsetType | None = UNSET
    description: Long | UnsetType | None = UNSET
    image: Image | UnsetType | None = UNSET
    video: Image | UnsetType | None = UNSET
    comments: Long | UnsetType | None = UNSET
    utm_source: Label | UnsetType | None = UNSET
    utm_medium: Label | UnsetType | None = UNSET
    utm_campaign: Label | UnsetType | None = UNSET
    utm_term: Label | UnsetType | None = UNSET
    utm_content: Label | UnsetType | None = UNSET
    ref: Label | UnsetType | None = UNSET
    tag_id: Id | UnsetType | None = UNSET
    tag_ids: Names | Long | UnsetType | None = UNSET
    tag_names: Names | Long | UnsetType | None = UNSET
    webhook_ids: Names | UnsetType | None = UNSET
    folder_id: Id | UnsetType | None = UNSET
    password: Label | UnsetType | None = UNSET
    proxy: bool | UnsetType | None = UNSET
    test_variants: Annotated[list[dict[str, Any]], Meta(max_length=MOST_LINKS)] | UnsetType | None = UNSET
    test_started_at: Moment | UnsetType | None = UNSET
    test_completed_at: Moment | UnsetType | None = UNSET

    @property
    def parameters(self) -> dict[str, str | None]:
        """Those of the destination that are told apart from it, by name."""
        said = {name: getattr(self, name) for name in WRITTEN}
        return {name: (text or "").strip() or None for name, text in said.items() if text is not UNSET}


class LinkUpdate(LinkFields, frozen=True, kw_only=True, rename=renamed):
    """Of one link, which alone may change its address and its name."""

    domain: Key | UnsetType | None = UNSET
    key: Key | UnsetType | None = UNSET
    external_id: Id | UnsetType | None = UNSET


class NewLink(LinkUpdate, frozen=True, kw_only=True, rename=renamed):
    """Without a ``key`` it gets a random one of ``key_length``, after ``prefix`` and a slash."""

    url: Address
    key_length: Whole | UnsetType | None = UNSET
    prefix: Key | UnsetType | None = UNSET


NewLinks = Annotated[list[NewLink], Meta(min_length=1, max_length=MOST_LINKS)]
LinkIds = Annotated[list[Id], Meta(max_length=MOST_LINKS)]


class ManyLinksUpdate(Struct, frozen=True, kw_only=True, rename="camel"):
    """The same for many links. ``external_ids`` are read where there are no ``link_ids``."""

    data: LinkFields
    link_ids: LinkIds = []
    external_ids: LinkIds = []
