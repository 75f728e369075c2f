"""What the topic ``workspaces`` holds: one record for each workspace, the newest of a key counts.

Fields are only ever added, each with a default: releases of different ages read each other's records. A
field that has its default is not written, so that a default may change for all who never chose.
"""

from enum import StrEnum
from typing import ClassVar, Final

from msgspec import Struct
from msgspec.json import Decoder, Encoder


class KeyRole(StrEnum):
    """What a key opens: everything of its workspace, or what a web page may do."""

    SECRET = "secret"  # noqa: S105 - its name
    PUBLISHABLE = "publishable"


class ApiKey(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, gc=False):
    """A key, without what would let anybody in.

    ``hash``: SHA-256 of the key, hexadecimal. ``prefix``: its beginning, by which people tell keys apart.
    ``created_at``, ``expires_at``: epoch milliseconds; from the latter on it opens nothing, None: never so.
    """

    id: str
    role: KeyRole
    hash: str
    prefix: str
    created_at: int
    expires_at: int | None = None

    def opens(self, now_ms: int) -> bool:
        """Has it not expired?"""
        return self.expires_at is None or now_ms < self.expires_at


class Domain(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, gc=False):
    """A host name for short links. ``slug``: lower-case, in Punycode, as a ``Host`` header has it.

    Where visitors go whose link is not there, or has expired; None: they are told so.
    """

    slug: str
    not_found_url: str | None = None
    expired_url: str | None = None


class Limits(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, gc=False):
    """Requests a second: of each key by its role, and of each address of a visitor who shows none."""

    secret: int = 1_000
    publishable: int = 100
    visitor: int = 10


class Workspace(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A workspace, its keys and its domains, of which the first is the primary one.

    ``hostnames``: from which pages its publishable keys may be used; ``*.example.com`` stands for all below
    it, none at all for every page. ``track_conversion``: of links that do not say it. ``visitor_salt``: with
    it visitors are hashed, and nobody is shown it; "": of a workspace that a release before this one made.
    ``record_gpc``: also those visitors are recorded whose browsers ask for privacy (``Sec-GPC: 1``).
    """

    workspace_id: str
    keys: tuple[ApiKey, ...] = ()
    domains: tuple[Domain, ...] = ()
    hostnames: tuple[str, ...] = ()
    limits: Limits = Limits()
    track_conversion: bool = False
    visitor_salt: str = ""
    record_gpc: bool = False

    @property
    def record_key(self) -> str:
        """Of its record in the topic."""
        return self.workspace_id

    @property
    def visitor_secret(self) -> str:
        """With which visitors are hashed. Where there is no salt, the hash of the oldest key stands for it:
        nobody is shown that either, and every gateway has the same. "": there is neither."""
        if self.visitor_salt or not self.keys:
            return self.visitor_salt
        return min(self.keys, key=lambda one: (one.created_at, one.id)).hash


class KeyUse(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """When keys of a workspace were last used: by their ids, epoch milliseconds, to some minutes.

    A record of its own, beside that of the workspace: whoever writes it down, an older release among them,
    leaves alone what it knows nothing of. To a release that does not know such records it is one of a
    workspace that cannot be read, and whose id nobody can have.
    """

    SUFFIX: ClassVar[str] = ":use"

    workspace_id: str
    last_used: dict[str, int] = {}

    @property
    def record_key(self) -> str:
        """Of its record in the topic."""
        return self.workspace_id + self.SUFFIX


decode_workspace: Final = Decoder(Workspace).decode
decode_key_use: Final = Decoder(KeyUse).decode
encode_workspace: Final = Encoder().encode
