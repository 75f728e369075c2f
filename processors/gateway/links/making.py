"""What a link becomes by what a caller asks for. Everything here is pure, and raises ``ApiError``."""

import hashlib
import secrets
import string
import threading
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from processors.gateway.answers import ApiError, Code
from processors.gateway.links.bodies import KEY, LinkUpdate, NewLink, Wishes
from processors.gateway.links.reading import destination, domain_name, fields
from schemas.links import Link
from schemas.registry import Workspace

_KEY_LENGTH: Final = 7
_LETTERS: Final = string.ascii_letters + string.digits
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS: Final = 80
LONGEST_IDEMPOTENCY_KEY: Final = 255

Random = Callable[[int], int]
"""So many random bits."""


class NewIds:
    """Ids of links: ``link_`` and a ULID, each greater than the one before it in this process."""

    def __init__(self, random: Random = secrets.randbits) -> None:
        self._random = random
        self._last = 0
        self._lock = threading.Lock()

    def next(self, now_ms: int) -> str:
        """``now_ms``: a clock that is set back makes no lesser id."""
        with self._lock:
            drawn = now_ms << _RANDOM_BITS | self._random(_RANDOM_BITS)
            # The later of one millisecond comes after it; there is room for 2**79 of them.
            self._last = drawn if drawn >> _RANDOM_BITS > self._last >> _RANDOM_BITS else self._last + 1
            number = self._last
        return "link_" + "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -5, -5))


def random_key(body: NewLink) -> Callable[[], str]:
    """What draws keys for a link whose caller names none."""
    length = int(body.key_length) if isinstance(body.key_length, float) else _KEY_LENGTH
    prefix = body.prefix.strip().strip("/") if isinstance(body.prefix, str) else ""
    before = f"{prefix}/" if prefix else ""
    if len(before) + length > KEY:
        raise ApiError(
            Code.UNPROCESSABLE_ENTITY, f"too_big: prefix: at most {KEY} characters together with the key"
        )
    return lambda: before + "".join(secrets.choice(_LETTERS) for _ in range(length))


def named_key(body: LinkUpdate) -> str | None:
    """The key that a caller asks for; None: none."""
    return (body.key.strip() or None) if isinstance(body.key, str) else None


def new_link(
    body: NewLink,
    workspace: Workspace,
    *,
    link_id: str,
    user_id: str | None,
    now_ms: int,
    idempotency: str | None = None,
) -> Link:
    """``key``: "" where it is to be drawn (:func:`random_key`)."""
    given = fields(body)
    given.setdefault("track_conversion", workspace.track_conversion or given.get("partner_id") is not None)
    return Link(
        id=link_id,
        workspace_id=workspace.workspace_id,
        domain=_domain(body, workspace),
        key=named_key(body) or "",
        url=destination(body) or "",
        created_at=now_ms,
        updated_at=now_ms,
        user_id=user_id,
        idempotency=idempotency,
        **given,
    )


def changed(old: Link, wishes: Wishes, now_ms: int) -> Link:
    """``old`` itself when nothing is changed."""
    new = replace(old, **fields(wishes), url=destination(wishes, old.url) or old.url)
    if isinstance(wishes, LinkUpdate):
        domain = domain_name(wishes.domain) or old.domain
        new = replace(new, domain=domain, key=named_key(wishes) or old.key)
    return old if new == old else replace(new, updated_at=now_ms)


def idempotency_of(workspace_id: str, header: str | None) -> str | None:
    """What is kept of an ``Idempotency-Key``: a hash. None: there is none."""
    key = (header or "").strip()
    if not key:
        return None
    if len(key) > LONGEST_IDEMPOTENCY_KEY:
        raise ApiError(
            Code.UNPROCESSABLE_ENTITY,
            f"too_big: Idempotency-Key: at most {LONGEST_IDEMPOTENCY_KEY} characters",
        )
    return hashlib.blake2b(f"{workspace_id}\x1f{key}".encode(), digest_size=16).hexdigest()


def _domain(body: NewLink, workspace: Workspace) -> str:
    named = domain_name(body.domain)
    if named is not None:
        return named
    if not workspace.domains:
        raise ApiError(
            Code.UNPROCESSABLE_ENTITY,
            "The workspace has no domain for short links: `leadstream workspace set ID --domain DOMAIN`"
            " gives it one.",
        )
    return workspace.domains[0].slug
