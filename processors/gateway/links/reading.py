"""From what a caller sends to what a link is to be like. All of it raises ``ApiError``, naming the field."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import UNSET, UnsetType

from processors.gateway.answers import ApiError, Code
from processors.gateway.links.addresses import bounded, page
from processors.gateway.links.bodies import LinkFields, LinkUpdate, renamed
from processors.gateway.links.utm import carried_over, with_parameters
from processors.registry.names import host_name
from schemas.times import EARLIEST_MS, LATEST_MS, to_ms

_FLAGS: Final = ("archived", "rewrite", "public_stats", "do_index")
_TEXTS: Final = ("tenant_id", "program_id", "partner_id", "title", "description", "comments")
_PAGES: Final = ("expired_url", "ios", "android", "image", "video")
_UNKEPT: Final = ("password", "folder_id", "test_variants", "test_started_at", "test_completed_at")
EXTERNAL: Final = "ext_"
"""Before an external id where an id may stand, too."""

_is_country: Final = re.compile(r"[A-Za-z]{2}").fullmatch


def destination(wishes: LinkFields, old: str | None = None) -> str | None:
    """Where the link is to lead, its UTM parameters included; ``old``: where it leads now. None: as now.

    UTM parameters stay when the rest changes, unless the new ``url`` has them itself.
    """
    url = old
    if isinstance(wishes.url, str):
        url = page(wishes.url)
        url = carried_over(url, old) if old else url
    if url is None:
        return None
    parameters = wishes.parameters
    if old is None:
        parameters = {name: value for name, value in parameters.items() if value}
    return bounded(with_parameters(url, parameters), "url")


def fields(wishes: LinkFields) -> dict[str, Any]:
    """Fields of a link and what they are to be, apart from where it is found and where it leads."""
    _refuse_unkept(wishes)
    given: dict[str, Any] = {}
    for name in _FLAGS:
        if (flag := getattr(wishes, name)) is not UNSET:
            given[name] = bool(flag)
    if isinstance(wishes.track_conversion, bool):
        given["track_conversion"] = wishes.track_conversion
    for name in _TEXTS:
        if (text := getattr(wishes, name)) is not UNSET:
            given[name] = (text or "").strip() or None
    for name in _PAGES:
        if (url := getattr(wishes, name)) is not UNSET:
            given[name] = page(url, renamed(name)) if url and url.strip() else None
    if wishes.expires_at is not UNSET:
        given["expires_at"] = _moment(wishes.expires_at)
    if wishes.geo is not UNSET:
        given["geo"] = _geo(wishes.geo)
    if isinstance(wishes, LinkUpdate) and wishes.external_id is not UNSET:
        given["external_id"] = (wishes.external_id or "").strip().removeprefix(EXTERNAL) or None
    return given


def domain_name(domain: str | UnsetType | None) -> str | None:
    """As the registry has it; None: none was given."""
    if not isinstance(domain, str) or not domain.strip():
        return None
    try:
        return host_name(domain)
    except ValueError:
        return domain


def _moment(text: str | UnsetType | None) -> int | None:
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        epoch_ms = to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        epoch_ms = -1
    if not EARLIEST_MS <= epoch_ms <= LATEST_MS:
        raise _refused("invalid_format: expiresAt: expected ISO 8601, as 2030-01-31T12:00:00Z, from 2000 on")
    return epoch_ms


def _geo(geo: Mapping[str, str] | UnsetType | None) -> dict[str, str] | None:
    if not isinstance(geo, dict) or not geo:
        return None
    for country in geo:
        if not _is_country(country):
            raise _refused("invalid_format: geo: expected countries by two letters (ISO 3166-1 alpha-2)")
    return {country.upper(): page(url, f"geo.{country}") for country, url in geo.items()}


def _refuse_unkept(wishes: LinkFields) -> None:
    """What a link cannot do is never accepted and forgotten."""
    for name, ids in (
        ("tagIds", [*_listed(wishes.tag_id), *_listed(wishes.tag_ids)]),
        ("tagNames", _listed(wishes.tag_names)),
        ("webhookIds", _listed(wishes.webhook_ids)),
    ):
        if ids:
            raise _refused(f"Invalid {name} detected: {', '.join(ids)}")
    for name in _UNKEPT:
        if _is_said(getattr(wishes, name)):
            raise _refused(f"not_supported: {renamed(name)}: links have none here; leave it out")
    if wishes.proxy is True:
        raise _refused("not_supported: proxy: links have no previews of their own here; leave it out")


def _listed(names: Sequence[str] | UnsetType | None) -> list[str]:
    if names is None or isinstance(names, UnsetType):
        return []
    texts = names.split(",") if isinstance(names, str) else names
    return [text.strip() for text in texts if text.strip()]


def _is_said(value: object) -> bool:
    return bool(value.strip() if isinstance(value, str) else value) and value is not UNSET


def _refused(message: str) -> ApiError:
    return ApiError(Code.UNPROCESSABLE_ENTITY, message)
