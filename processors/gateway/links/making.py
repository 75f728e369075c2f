"""What a link becomes by what a caller asks for. All of it is pure, and raises ``ApiError``."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from processors.gateway.answers import ApiError, Code
from processors.gateway.links.bodies import LinkFields, LinkUpdate, NewLink
from processors.gateway.links.reading import destination, domain_name, fields
from processors.registry.ids import random_key
from processors.registry.names import KEY, link_key
from schemas.links import Link
from schemas.registry import Workspace

_KEY_LENGTH: Final = 7


def drawing(body: NewLink) -> Callable[[], str] | None:
    """What makes random keys; None: the caller names the key."""
    if _key(body) is not None:
        return None
    length = int(body.key_length) if isinstance(body.key_length, float) else _KEY_LENGTH
    prefix = body.prefix.strip().strip("/") if isinstance(body.prefix, str) else ""
    before = f"{_checked('prefix', prefix)}/" if prefix else ""
    if len(before) + length > KEY:
        raise _refused(f"too_big: prefix: at most {KEY} characters together with the key")
    return lambda: before + random_key(length)


def new_link(
    body: NewLink,
    workspace: Workspace,
    *,
    link_id: str,
    user_id: str | None,
    now_ms: int,
    idempotency: str | None = None,
) -> Link:
    """``key``: "" where it is to be drawn."""
    given = fields(body)
    given.setdefault("track_conversion", workspace.track_conversion or given.get("partner_id") is not None)
    return Link(
        id=link_id,
        workspace_id=workspace.workspace_id,
        domain=domain_name(body.domain) or _primary(workspace),
        key=_key(body) or "",
        url=destination(body) or "",
        created_at=now_ms,
        updated_at=now_ms,
        user_id=user_id,
        idempotency=idempotency,
        **given,
    )


def changed(old: Link, wishes: LinkFields, now_ms: int) -> Link:
    """``old`` itself when nothing is changed."""
    new = replace(old, **fields(wishes), url=destination(wishes, old.url) or old.url)
    if isinstance(wishes, LinkUpdate):
        new = replace(new, domain=domain_name(wishes.domain) or old.domain, key=_key(wishes) or old.key)
    return old if new == old else replace(new, updated_at=now_ms)


def _key(body: LinkUpdate) -> str | None:
    return _checked("key", body.key) if isinstance(body.key, str) and body.key.strip() else None


def _checked(field: str, text: str) -> str:
    try:
        return link_key(text.strip().strip("/"))
    except ValueError as error:
        raise _refused(f"invalid_format: {field}: {error}") from None


def _primary(workspace: Workspace) -> str:
    if not workspace.domains:
        raise _refused(
            "The workspace has no domain for short links:"
            f" `leadstream workspace set {workspace.workspace_id} --domain DOMAIN` gives it one."
        )
    return workspace.domains[0].slug


def _refused(message: str) -> ApiError:
    return ApiError(Code.UNPROCESSABLE_ENTITY, message)
