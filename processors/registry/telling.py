"""How workspaces and keys are shown. A key itself only where it was just made."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from processors.registry.keys import IssuedKey
from schemas.registry import KeyRole, KeyUse, Workspace
from schemas.times import rfc3339

_NAMES: Final = {KeyRole.SECRET: "secretKey", KeyRole.PUBLISHABLE: "publishableKey"}


def issued(workspace_id: str, keys: Sequence[IssuedKey]) -> Mapping[str, str]:
    """``workspaceId``, ``secretKey``, ``publishableKey``: those that were made."""
    return {"workspaceId": workspace_id, **{_NAMES[one.record.role]: one.text for one in keys}}


def document(workspace: Workspace, uses: KeyUse | None = None) -> Mapping[str, Any]:
    """As JSON has it: no hashes, no salt; of each domain whether it is the primary one; with ``uses``, when
    keys were last used."""
    return {
        "workspaceId": workspace.workspace_id,
        "domains": [
            {
                "slug": one.slug,
                "primary": position == 0,
                "notFoundUrl": one.not_found_url,
                "expiredUrl": one.expired_url,
            }
            for position, one in enumerate(workspace.domains)
        ],
        "hostnames": list(workspace.hostnames),
        "limits": msgspec.structs.asdict(workspace.limits),
        "trackConversion": workspace.track_conversion,
        "recordGpc": workspace.record_gpc,
        "keys": [
            {
                "id": one.id,
                "role": one.role.value,
                "prefix": one.prefix,
                "createdAt": rfc3339(one.created_at),
                "expiresAt": _moment(one.expires_at),
                **({} if uses is None else {"lastUsedAt": _moment(uses.last_used.get(one.id))}),
            }
            for one in workspace.keys
        ],
    }


def lines(workspace: Workspace, now_ms: int, uses: KeyUse | None = None) -> Iterator[str]:
    """For people; the same."""
    yield workspace.workspace_id
    for position, domain in enumerate(workspace.domains):
        pages = (("not found", domain.not_found_url), ("expired", domain.expired_url))
        told = ["primary"] * (position == 0) + [f"{name}: {url}" for name, url in pages if url]
        yield f"  domain {domain.slug}" + (f" ({', '.join(told)})" if told else "")
    if workspace.hostnames:
        yield f"  pages of {', '.join(workspace.hostnames)}"
    limits = msgspec.structs.asdict(workspace.limits)
    yield "  a second: " + ", ".join(f"{most:,} {who}" for who, most in limits.items())
    if workspace.track_conversion:
        yield "  links track conversions"
    if workspace.record_gpc:
        yield "  records visitors who send Sec-GPC"
    for key in workspace.keys:
        yield f"  {key.role} key {key.prefix}… {key.id}{_until(key.expires_at, now_ms)}{_used(key.id, uses)}"


def _used(key_id: str, uses: KeyUse | None) -> str:
    return "" if uses is None else f", last used {_moment(uses.last_used.get(key_id)) or 'never'}"


def _moment(epoch_ms: int | None) -> str | None:
    return None if epoch_ms is None else rfc3339(epoch_ms)


def _until(expires_at: int | None, now_ms: int) -> str:
    if expires_at is None:
        return ""
    return f", {'expired' if expires_at <= now_ms else 'until'} {rfc3339(expires_at)}"
