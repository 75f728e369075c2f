"""A file that says what a workspace is to be like: read, and checked as far as that needs no registry."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar

from msgspec import UNSET, Meta, MsgspecError, Raw, Struct, UnsetType, field
from msgspec.json import Decoder
from msgspec.structs import asdict, replace

from processors.errors import CheckFailed
from processors.registry.keys import given_key
from processors.registry.links import BY_EXTERNAL_ID
from processors.registry.names import host_name, host_pattern, link_key, page_url, same_key
from schemas.links import Link
from schemas.refused import UNDECODABLE, field_and_rule
from schemas.registry import ApiKey, Domain, KeyRole
from schemas.texts import ID, URL, check_id
from schemas.times import EARLIEST_MS, LATEST_MS, parse_rfc3339
from schemas.workspaces import check_workspace

FORMAT: Final = """\
FILE is a JSON object. Only workspaceId has to be there; what is not said stays as it is.

\b
  workspaceId      1 to 64 letters, digits, - or _
  keys             [{"secret": "dub_…", "role": "secret" or "publishable", "id",
                   "createdAt", "expiresAt"}]; a key that others made may go on
                   being used; it is stored as a hash
  domains          [{"slug": "go.example.com", "primary": true, "notFoundUrl",
                   "expiredUrl"}]
  hostnames        ["example.com", "*.example.com"]: pages that its keys serve
  limits           {"secret": 1000, "publishable": 100, "visitor": 10} a second
  trackConversion  true or false, of links that do not say it
  links            [{"key": "promo", "url": "https://…", "domain" (else the
                   primary one), "id" (else that of the link at its address, or a
                   new one), "createdAt", "updatedAt", "externalId", "tenantId",
                   "programId", "partnerId", "userId", "trackConversion",
                   "archived", "disabledAt", "expiresAt", "expiredUrl", "ios",
                   "android", "geo": {"DE": "https://…"}, "title",
                   "description", "image", "video", "comments", "rewrite",
                   "publicStats", "doIndex"}]

Times are RFC 3339 or epoch milliseconds. A link becomes as the file has it: of what it does not say, it has
nothing. Links, keys and domains that the file does not name stay. A name that is not listed here is refused.
"""
"""For the help of the command, and for the documentation."""
MOST_FINDINGS: Final = 20
_PAGES: Final = ("expired_url", "ios", "android")
_TIMES: Final = ("created_at", "updated_at", "disabled_at", "expires_at")
_find_byte: Final = re.compile(r"\(byte (\d+)\)").search

Id = Annotated[str, Meta(min_length=1, max_length=ID)]
Text = Annotated[str, Meta(max_length=URL)]
Time = str | int
Count = Annotated[int, Meta(ge=1)]
T = TypeVar("T")
P = TypeVar("P", bound="_Part")


class ImportRefused(CheckFailed):
    """``findings``: what is wrong, each with its line; the first 20."""

    def __init__(self, findings: Sequence[str], remedy: str = "Nothing of it was written.") -> None:
        super().__init__("\n  ".join(("the file was not imported", *findings)), remedy)
        self.findings = findings


class _Part(Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What the file says of something. What is misspelt would be lost unnoticed: it is refused."""


class _Key(_Part):
    secret: str
    role: KeyRole = KeyRole.SECRET
    id: Id | None = None
    created_at: Time | None = None
    expires_at: Time | None = None


class _Domain(_Part):
    slug: str
    primary: bool = False
    not_found_url: str | None = None
    expired_url: str | None = None


class _Limits(_Part):
    secret: Count | UnsetType = UNSET
    publishable: Count | UnsetType = UNSET
    visitor: Count | UnsetType = UNSET


class _Link(_Part):
    url: str
    key: str
    id: Id | None = None
    domain: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    user_id: Id | None = None
    external_id: Id | None = None
    tenant_id: Id | None = None
    program_id: Id | None = None
    partner_id: Id | None = None
    track_conversion: bool | UnsetType = UNSET
    archived: bool = False
    disabled_at: Time | None = None
    expires_at: Time | None = None
    expired_url: str | None = None
    ios: str | None = None
    android: str | None = None
    geo: dict[str, str] | None = None
    title: Text | None = None
    description: Text | None = None
    image: Text | None = None
    video: Text | None = None
    comments: Text | None = None
    rewrite: bool = False
    public_stats: bool = False
    do_index: bool = False


class _File(_Part):
    workspace_id: str
    track_conversion: bool | UnsetType = UNSET
    hostnames: list[str] | UnsetType = UNSET
    limits: _Limits = field(default_factory=_Limits)
    keys: list[Raw] = field(default_factory=list)
    domains: list[Raw] = field(default_factory=list)
    links: list[Raw] = field(default_factory=list)


@dataclass(frozen=True)
class ImportedLink:
    """``place``: where the file has it. ``named``: the fields that it names; those others of ``link`` stand
    in for what the registry has, or for what is chosen then."""

    place: str
    link: Link
    named: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Import:
    """What the file says; None and empty: it does not say it. ``primary``: the domain that is to be it."""

    workspace_id: str
    keys: Sequence[ApiKey]
    domains: Sequence[Domain]
    primary: str | None
    hostnames: tuple[str, ...] | None
    limits: Mapping[str, int]
    track_conversion: bool | None
    links: Sequence[ImportedLink]


def read_import(data: bytes, now_ms: int) -> Import:
    """``now_ms``: when keys and links were made of which the file does not say it. Raises
    :class:`ImportRefused`."""
    try:
        file = Decoder(_File).decode(data)
        data.decode()
        _named("workspaceId", check_workspace, file.workspace_id)
    except (*UNDECODABLE, ValueError) as error:
        raise ImportRefused([_at_byte(data, error)]) from None
    parts = _Parts(data)
    hostnames: tuple[str, ...] | None = None
    if not isinstance(file.hostnames, UnsetType):
        hostnames = tuple(parts.checked("hostnames", host_pattern, file.hostnames))
    domains = [one for _, one in parts.read("domains", file.domains, _Domain, _domain)]
    primary = next((one.slug for one in domains if one.primary), None)
    first = primary or next((one.slug for one in domains), None)
    found = Import(
        workspace_id=file.workspace_id,
        keys=[one for _, one in parts.read("keys", file.keys, _Key, lambda key: _key(key, now_ms))],
        domains=[
            Domain(slug=one.slug, not_found_url=one.not_found_url, expired_url=one.expired_url)
            for one in domains
        ],
        primary=primary,
        hostnames=hostnames,
        limits={name: most for name, most in asdict(file.limits).items() if most is not UNSET},
        track_conversion=None if isinstance(file.track_conversion, UnsetType) else file.track_conversion,
        links=[
            ImportedLink(place, link, named)
            for place, (link, named) in parts.read(
                "links", file.links, _Link, lambda link: _link(link, file.workspace_id, first, now_ms)
            )
        ],
    )
    parts.no_two(found.links)
    if parts.findings:
        raise ImportRefused(parts.findings)
    return found


class _Parts:
    """What is wrong with parts of the file, and in which lines they are."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._line, self._counted = 1, 0
        self.findings: list[str] = []

    def read(
        self, name: str, raws: Sequence[Raw], kind: type[P], convert: Callable[[P], T]
    ) -> Iterator[tuple[str, T]]:
        """Of each its place, and what it says; those that say nothing are found to be wrong."""
        decode = Decoder(kind).decode
        self._line, self._counted = 1, 0
        for index, raw in enumerate(raws):
            place = f"line {self._line_of(raw)}: {name}[{index}]"
            try:
                yield place, convert(decode(raw))
            except UNDECODABLE as error:
                self._find(f"{place}: {field_and_rule(str(error))}")
            except ValueError as error:
                self._find(f"{place}: {error}")

    def checked(self, name: str, parse: Callable[[str], T], texts: Sequence[str]) -> Iterator[T]:
        for index, text in enumerate(texts):
            try:
                yield parse(text)
            except ValueError as error:
                self._find(f"{name}[{index}]: {error}")

    def no_two(self, links: Sequence[ImportedLink]) -> None:
        """Of one id, or at one address."""
        places: dict[tuple[str, ...], str] = {}
        for one in links:
            names: list[tuple[str, ...]] = [("key", one.link.domain, same_key(one.link.key))]
            if "id" in one.named:
                names.append(("id", one.link.id))
            for name in names:
                first = places.setdefault(name, one.place)
                if first is not one.place:
                    self._find(f"{one.place}: {name[0]}: the same as of {first}")

    def _find(self, finding: str) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)

    def _line_of(self, raw: Raw) -> int:
        """Parts are asked for in the order of the file."""
        begin = max(self._data.find(raw, self._counted), self._counted)
        line = self._line + self._data.count(b"\n", self._counted, begin)
        self._counted = begin + len(bytes(raw))
        self._line = line + self._data.count(b"\n", begin, self._counted)
        return line


def camel(name: str) -> str:
    """A field as the file has it."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _at_byte(data: bytes, error: Exception) -> str:
    found = _find_byte(str(error))
    line = f"line {data.count(bytes([10]), 0, int(found[1])) + 1}: " if found else ""
    return line + (field_and_rule(str(error)) if isinstance(error, MsgspecError) else str(error))


def _named(field: str, parse: Callable[[str], T], text: str) -> T:
    """Raises ``ValueError`` that names the field."""
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"{field}: {str(error).removeprefix(f'{field}: ')}") from None


def _page(field: str, text: str | None) -> str | None:
    return _named(field, page_url, text) if text else None


def _moment(field: str, time: Time | None) -> int | None:
    if time is None:
        return None
    moment = _named(field, parse_rfc3339, time) if isinstance(time, str) else time
    if not EARLIEST_MS <= moment <= LATEST_MS:
        raise ValueError(f"{field}: {time} is not after 2000; write RFC 3339, or epoch milliseconds")
    return moment


def _domain(domain: _Domain) -> _Domain:
    return replace(
        domain,
        slug=_named("slug", host_name, domain.slug),
        not_found_url=_page("notFoundUrl", domain.not_found_url),
        expired_url=_page("expiredUrl", domain.expired_url),
    )


def _key(key: _Key, now_ms: int) -> ApiKey:
    created_at = _moment("createdAt", key.created_at)
    made = _named("secret", lambda text: given_key(text, key.role, created_at or now_ms), key.secret)
    if key.id is not None:
        check_id("id", key.id)
    return replace(made, id=key.id or made.id, expires_at=_moment("expiresAt", key.expires_at))


def _link(link: _Link, workspace_id: str, first: str | None, now_ms: int) -> tuple[Link, frozenset[str]]:
    for name in ("id", "external_id", "user_id", "tenant_id", "program_id", "partner_id"):
        if (text := getattr(link, name)) is not None:
            check_id(camel(name), text)
    if link.id is not None and link.id.startswith(BY_EXTERNAL_ID):
        raise ValueError(f"id: begins with {BY_EXTERNAL_ID}, by which external ids are told from ids")
    if link.domain is None and first is None:
        raise ValueError("domain: is missing, and the file names no domains of which the first would be it")
    said = {name: value for name, value in asdict(link).items() if value is not UNSET and value is not None}
    pages = {name: _page(camel(name), said[name]) for name in _PAGES if name in said}
    times = {name: _moment(camel(name), said[name]) for name in _TIMES if name in said}
    geo = {country: _page(f"geo.{country}", url) for country, url in (link.geo or {}).items()}
    whole = {
        "id": "",
        "workspace_id": workspace_id,
        "domain": _named("domain", host_name, link.domain) if link.domain else first,
        "created_at": now_ms,
        "updated_at": now_ms,
    }
    fixed = {"key": _named("key", link_key, link.key), "url": _named("url", page_url, link.url)}
    given = said | pages | times | fixed | ({"geo": geo} if geo else {})
    return Link(**whole | given | {"domain": whole["domain"]}), frozenset(said)
