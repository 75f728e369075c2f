"""What callers send of links. A field that is not sent is ``UNSET``; null and blank: there is to be none."""

from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from processors.gateway.links.utm import WRITTEN
from processors.registry.names import KEY
from schemas import texts

MOST_LINKS: Final = 100
"""Of one call."""
_LONG: Final = 4_000

# Patterns are for the documentation, as a client should write it. What is read beyond that is told by name.
_PAGE: Final = r"https?://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[1-9][0-9]{0,3})?([/?#][!-~]*)?"
_DAY: Final = r"20[1-9][0-9]-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
_TIME: Final = r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])?"
_COUNTRIES: Final = {"propertyNames": {"pattern": "^[A-Za-z]{2}$"}}

Address = Annotated[str, Meta(max_length=texts.URL, extra_json_schema={"pattern": f"^{_PAGE}$"})]
"""Of a page."""
OptionalAddress = Annotated[str, Meta(max_length=texts.URL, extra_json_schema={"pattern": f"^({_PAGE})?$"})]
Id = Annotated[str, Meta(max_length=texts.ID)]
Label = Annotated[str, Meta(max_length=texts.LABEL)]
Image = Annotated[str, Meta(max_length=texts.AVATAR, extra_json_schema={"pattern": f"^({_PAGE})?$"})]
Long = Annotated[str, Meta(max_length=_LONG)]
Key = Annotated[str, Meta(max_length=KEY)]
Moment = Annotated[
    str,
    Meta(
        max_length=64,
        description="ISO 8601; without an offset it is UTC.",
        extra_json_schema={"pattern": f"^({_DAY}({_TIME})?)?$"},
    ),
]
Nothing = Annotated[str, Meta(extra_json_schema={"maxLength": 0})]
"""What links do not have here; whatever else is sent is refused by its name."""
NoNames = Annotated[list[str], Meta(extra_json_schema={"maxItems": 0})]
Names = Annotated[list[Id], Meta(max_length=MOST_LINKS)]
Whole = Annotated[float, Meta(ge=3, le=KEY, multiple_of=1)]
"""SDKs write ``9.0``."""


def renamed(name: str) -> str:
    """As the API writes the name of a field."""
    if name.startswith("utm_"):
        return name
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


class LinkFields(Struct, frozen=True, kw_only=True, rename=renamed):
    """What a link is to be like, whichever call says it.

    The last ten are there to be refused: they are promises that would not be kept.
    """

    url: Address | UnsetType | None = UNSET
    tenant_id: Id | UnsetType | None = UNSET
    program_id: Id | UnsetType | None = UNSET
    partner_id: Id | UnsetType | None = UNSET
    track_conversion: bool | UnsetType | None = UNSET
    archived: bool | UnsetType | None = UNSET
    rewrite: bool | UnsetType | None = UNSET
    public_stats: bool | UnsetType | None = UNSET
    do_index: bool | UnsetType | None = UNSET
    expires_at: Moment | UnsetType | None = UNSET
    expired_url: OptionalAddress | UnsetType | None = UNSET
    ios: OptionalAddress | UnsetType | None = UNSET
    android: OptionalAddress | UnsetType | None = UNSET
    geo: (
        Annotated[dict[str, Address], Meta(max_length=300, extra_json_schema=_COUNTRIES)] | UnsetType | None
    ) = UNSET
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
    tag_id: Nothing | UnsetType | None = UNSET
    tag_ids: NoNames | Nothing | UnsetType | None = UNSET
    tag_names: NoNames | Nothing | UnsetType | None = UNSET
    webhook_ids: NoNames | UnsetType | None = UNSET
    folder_id: Nothing | UnsetType | None = UNSET
    password: Nothing | UnsetType | None = UNSET
    proxy: Annotated[bool, Meta(extra_json_schema={"const": False})] | UnsetType | None = UNSET
    test_variants: Annotated[list[Any], Meta(extra_json_schema={"maxItems": 0})] | UnsetType | None = UNSET
    test_started_at: Nothing | UnsetType | None = UNSET
    test_completed_at: Nothing | UnsetType | None = UNSET

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
