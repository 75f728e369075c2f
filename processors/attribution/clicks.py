"""Which click a clickId names, and what is remembered of it."""

from typing import Any, Final

from msgspec.structs import astuple, replace

from schemas.clicks import content_hash
from schemas.events import Click
from schemas.results import ClickFacts
from schemas.texts import without_blanks


class StoredClick(ClickFacts, frozen=True, array_like=True, gc=False):
    """:class:`~schemas.results.ClickFacts` without its field names: the form in which state is kept."""


def remember(click: Click, at_ms: int) -> StoredClick:
    """What a lead will need of this click. Blank texts are absent only to who uses it: few are used."""
    return StoredClick(  # in the order of ClickFacts: by position is twice as fast, and this is the hot path
        at_ms,
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


def stored(facts: ClickFacts) -> StoredClick:
    """From the form that travels."""
    return StoredClick(*astuple(facts))


def travelling(click: StoredClick) -> ClickFacts:
    """To the form that travels."""
    values = astuple(click)
    return ClickFacts(*astuple(present(click)) if _has_blanks(values) else values)


_FIELDS: Final = ClickFacts.__struct_fields__
_TEXTS: Final = slice(_FIELDS.index("url"), _FIELDS.index("trigger") + 1)
"""Among the fields; whatever may be appended to them."""


def present(click: StoredClick) -> StoredClick:
    """What the click says: a blank text says nothing."""
    if _has_blanks(astuple(click)):
        return without_blanks(click, _FIELDS[_TEXTS])
    return click


def _has_blanks(values: tuple[Any, ...]) -> bool:
    texts = values[_TEXTS]
    return "" in texts or any(map(str.isspace, filter(None, texts)))


def same(one: StoredClick, other: StoredClick) -> bool:
    """True when they say the same."""
    return one == other or present(one) == present(other)


def earlier(one: StoredClick, other: StoredClick) -> StoredClick:
    """The click that counts of two with the same clickId: the earlier, ties by content (docs/rules.md, 1)."""
    if one.timestamp != other.timestamp:
        return one if one.timestamp < other.timestamp else other
    return one if one == other or _rank(one) <= _rank(other) else other


def same_apart_from_time(one: StoredClick, other: StoredClick) -> bool:
    """True when only the timestamps differ."""
    return same(replace(one, timestamp=0), replace(other, timestamp=0))


def _rank(click: StoredClick) -> tuple[int, list[tuple[bool, str]]]:
    """Of clicks of one moment. The fields are for those whose hashes are equal."""
    kept = astuple(present(click))[1:]
    return -content_hash(kept), [(value is not None, str(value)) for value in kept]
