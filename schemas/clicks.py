"""What a lead keeps of a click, and which of two clicks of one millisecond counts."""

from hashlib import blake2b
from typing import Any, Final

from msgspec.json import Encoder

from schemas.events import Click

_encode: Final = Encoder().encode


def kept_of(click: Click) -> tuple[Any, ...]:
    """The fields of ``ClickFacts`` in their order, without the time."""
    return (
        click.track_conversion is None or bool(click.track_conversion),
        click.url,
        click.link_id,
        click.domain,
        click.key,
        click.partner_id,
        click.program_id,
        click.tenant_id,
        click.link_external_id,
        click.continent,
        click.country,
        click.region,
        click.city,
        click.device,
        click.browser,
        click.os,
        click.referer,
        click.referer_url,
        click.trigger,
        bool(click.qr),
    )


def content_hash(kept: tuple[Any, ...]) -> int:
    """64 bits of what a lead keeps of a click; of two in one millisecond that with the greater one counts.

    A hash and not the content: workers and ClickHouse have to choose the same one, and a table keeps the row
    with the greatest number.
    """
    return int.from_bytes(blake2b(_encode(kept), digest_size=8).digest(), "big")
