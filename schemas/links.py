"""What the topic ``links`` holds: one record for each link, by its id; the newest of a key counts.

Fields are only ever added, each with a default; a field that has its default is not written.
"""

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder, Encoder


class Link(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, gc=False):
    """A short link of a workspace. Times are epoch milliseconds.

    ``id``: ``link_`` and a ULID, so that ids sort by age. ``key``: as it was written; it is looked up without
    case. ``url``: where it leads, UTM parameters included. ``user_id``: the id of the key that made it.
    ``geo``: by country, ISO 3166-1 alpha-2, where its visitors go instead. ``idempotency``: a hash of the
    ``Idempotency-Key`` that it was created with.
    """

    id: str
    workspace_id: str
    domain: str
    key: str
    url: str
    created_at: int
    updated_at: int
    user_id: str | None = None
    external_id: str | None = None
    tenant_id: str | None = None
    program_id: str | None = None
    partner_id: str | None = None
    track_conversion: bool = False
    archived: bool = False
    disabled_at: int | None = None
    expires_at: int | None = None
    expired_url: str | None = None
    ios: str | None = None
    android: str | None = None
    geo: dict[str, str] | None = None
    title: str | None = None
    description: str | None = None
    image: str | None = None
    video: str | None = None
    comments: str | None = None
    rewrite: bool = False
    public_stats: bool = False
    do_index: bool = False
    idempotency: str | None = None

    @property
    def record_key(self) -> str:
        """Of its record in the topic."""
        return self.id

    @property
    def short_link(self) -> str:
        """Its address, as people pass it on."""
        return short_link(self.domain, self.key)

    @property
    def is_partners(self) -> bool:
        """Somebody is rewarded for what comes of it."""
        return self.partner_id is not None


ROOT: Final = "_root"
"""The key of the link at ``/`` of a domain."""


def short_link(domain: str, key: str) -> str:
    """The address of a link of this key."""
    return f"https://{domain}/{'' if key == ROOT else key}"


decode_link: Final = Decoder(Link).decode
encode_link: Final = Encoder().encode
