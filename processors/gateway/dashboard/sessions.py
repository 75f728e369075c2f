"""Who has signed in: a cookie that carries the key's id and its own end, under a MAC.

The MAC's secret follows from the hash of the key, which every gateway has from the registry and nobody is
shown. So each accepts what another one has given out, none stores anything, and a session goes with its key.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from hashlib import sha256
from typing import Final

from msgspec import DecodeError, Struct
from msgspec.json import Decoder, encode

from processors.registry.contents import Contents, Holder, UnreadableWorkspace
from schemas.registry import ApiKey, KeyRole, Workspace
from schemas.times import HOUR_MS

LASTS_MS: Final = 12 * HOUR_MS
_PURPOSE: Final = b"leadstream dashboard session"
_MAC_BYTES: Final = sha256().digest_size
MOST_CHARACTERS: Final = 1_024
"""Of a session that may be one."""


class _Said(Struct, array_like=True, frozen=True):
    workspace_id: str
    key_id: str
    ends_ms: int


_decode: Final = Decoder(_Said).decode


def begun(holder: Holder, now_ms: int) -> str:
    """A session of whoever has shown this key: characters that may stand in a cookie."""
    workspace, key = holder
    said = encode(_Said(workspace.workspace_id, key.id, now_ms + LASTS_MS))
    return urlsafe_b64encode(_mac(key, said) + said).decode().rstrip("=")


def holder_of(session: str, contents: Contents, now_ms: int) -> Holder | None:
    """Whose session it is; None: nobody's, or nobody's any more."""
    if len(session) > MOST_CHARACTERS:
        return None
    try:
        raw = urlsafe_b64decode(session + "=" * (-len(session) % 4))
        said = _decode(raw[_MAC_BYTES:])
        workspace = contents.workspace(said.workspace_id)
    except (Error, ValueError, DecodeError, UnreadableWorkspace):
        return None
    key = workspace and _key(workspace, said.key_id)
    if not workspace or not key or not hmac.compare_digest(raw[:_MAC_BYTES], _mac(key, raw[_MAC_BYTES:])):
        return None
    return Holder(workspace, key) if now_ms < said.ends_ms and may_begin(key) else None


def may_begin(key: ApiKey) -> bool:
    """Is it a secret key that has not been rotated? One that has been may still open the API for a while."""
    return key.role is KeyRole.SECRET and key.expires_at is None


def _key(workspace: Workspace, key_id: str) -> ApiKey | None:
    return next((one for one in workspace.keys if one.id == key_id), None)


def _mac(key: ApiKey, said: bytes) -> bytes:
    return hmac.digest(hmac.digest(key.hash.encode(), _PURPOSE, "sha256"), said, "sha256")
