"""Which click a clickId names, and what is remembered of it."""

from msgspec.structs import astuple, replace

from schemas.events import Click
from schemas.results import ClickFacts


class StoredClick(ClickFacts, frozen=True, array_like=True, gc=False):
    """:class:`~schemas.results.ClickFacts` without its field names: the form in which state is kept."""


def remember(click: Click, at_ms: int) -> StoredClick:
    """What a lead will need of this click."""
    return StoredClick(
        timestamp=at_ms,
        track_conversion=click.track_conversion is None or bool(click.track_conversion),
        url=click.url,
        link_id=click.link_id,
        domain=click.domain,
        key=click.key,
        partner_id=click.partner_id,
        program_id=click.program_id,
        tenant_id=click.tenant_id,
        link_external_id=click.link_external_id,
        continent=click.continent,
        country=click.country,
        region=click.region,
        city=click.city,
        device=click.device,
        browser=click.browser,
        os=click.os,
        referer=click.referer,
        referer_url=click.referer_url,
        trigger=click.trigger,
        qr=bool(click.qr),
    )


def stored(facts: ClickFacts) -> StoredClick:
    """From the form that travels."""
    return StoredClick(**{name: getattr(facts, name) for name in ClickFacts.__struct_fields__})


def travelling(click: StoredClick) -> ClickFacts:
    """To the form that travels."""
    return ClickFacts(**{name: getattr(click, name) for name in ClickFacts.__struct_fields__})


def earlier(one: StoredClick, other: StoredClick) -> StoredClick:
    """The click that counts of two with the same clickId: the earlier, ties by content (docs/rules.md, 1)."""
    return one if _rank(one) <= _rank(other) else other


def same_apart_from_time(one: StoredClick, other: StoredClick) -> bool:
    """True when only the timestamps differ."""
    return replace(one, timestamp=0) == replace(other, timestamp=0)


def _rank(click: StoredClick) -> tuple[int, list[tuple[bool, str]]]:
    return click.timestamp, [(value is not None, str(value)) for value in astuple(click)[1:]]
