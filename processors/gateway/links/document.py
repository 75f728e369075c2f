"""A link as the API shows it."""

from typing import Any

from msgspec import Struct

from processors.gateway.links.bodies import renamed
from processors.gateway.links.counters import NONE, Counters
from processors.gateway.links.utm import utm_of
from processors.gateway.times import Time, time_if_any
from schemas.links import Link
from schemas.times import rfc3339


class LinkDocument(Struct, frozen=True, kw_only=True, rename=renamed, gc=False):
    """Exactly these keys: strict readers accept no more and no fewer.

    Those that are always empty belong to what is not supported. ``project_id``: what ``workspace_id`` was
    called. ``sale_amount``: minor units, added up whatever their currency.
    """

    id: str
    domain: str
    key: str
    url: str
    short_link: str
    qr_code: str
    external_id: str | None
    tenant_id: str | None
    program_id: str | None
    partner_id: str | None
    track_conversion: bool
    archived: bool
    rewrite: bool
    do_index: bool
    public_stats: bool
    expires_at: Time | None
    expired_url: str | None
    disabled_at: Time | None
    ios: str | None
    android: str | None
    geo: dict[str, str] | None
    title: str | None
    description: str | None
    image: str | None
    video: str | None
    comments: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_term: str | None
    utm_content: str | None
    user_id: str | None
    workspace_id: str
    project_id: str
    clicks: int
    last_clicked: Time | None
    leads: int
    conversions: int
    sales: int
    sale_amount: int
    created_at: Time
    updated_at: Time
    proxy: bool = False
    password: None = None
    tags: list[Any] = []
    tag_id: None = None
    folder_id: None = None
    webhook_ids: list[str] = []
    test_variants: None = None
    test_started_at: None = None
    test_completed_at: None = None
    identifier: None = None
    link_retention_cleanup_disabled_at: None = None


def document(link: Link, public_url: str, counters: Counters = NONE) -> LinkDocument:
    """``public_url``: where this API is reached, without a slash at its end."""
    utm = utm_of(link.url)
    return LinkDocument(
        id=link.id,
        domain=link.domain,
        key=link.key,
        url=link.url,
        short_link=link.short_link,
        qr_code=f"{public_url}/qr?url={link.short_link}?qr=1",
        external_id=link.external_id,
        tenant_id=link.tenant_id,
        program_id=link.program_id,
        partner_id=link.partner_id,
        track_conversion=link.track_conversion,
        archived=link.archived,
        rewrite=link.rewrite,
        do_index=link.do_index,
        public_stats=link.public_stats,
        expires_at=time_if_any(link.expires_at),
        expired_url=link.expired_url,
        disabled_at=time_if_any(link.disabled_at),
        ios=link.ios,
        android=link.android,
        geo=link.geo,
        title=link.title,
        description=link.description,
        image=link.image,
        video=link.video,
        comments=link.comments,
        user_id=link.user_id,
        workspace_id=link.workspace_id,
        project_id=link.workspace_id,
        clicks=counters.clicks,
        last_clicked=time_if_any(counters.last_clicked),
        leads=counters.leads,
        conversions=counters.conversions,
        sales=counters.sales,
        sale_amount=counters.sale_amount,
        created_at=rfc3339(link.created_at),
        updated_at=rfc3339(link.updated_at),
        utm_source=utm["utm_source"],
        utm_medium=utm["utm_medium"],
        utm_campaign=utm["utm_campaign"],
        utm_term=utm["utm_term"],
        utm_content=utm["utm_content"],
    )
