"""Views of the dashboard that a workspace has saved or shares: one record for it, beside its own.

As for everything in the topic ``workspaces``: fields are only ever added, each with a default.
"""

from typing import ClassVar, Final

from msgspec import Struct
from msgspec.json import Decoder


class SavedView(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A name for an address of the dashboard: ``path``, and ``query`` without its question mark."""

    id: str
    name: str
    path: str
    query: str = ""


class SharedView(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A view that whoever has its link may read, without what would let anybody in.

    ``hash``: SHA-256 of the link's token, hexadecimal. ``made_with``: the beginning of the key of whoever
    shared it. ``created_at``, ``expires_at``: epoch milliseconds; from the latter on it opens nothing.
    """

    id: str
    hash: str
    path: str
    created_at: int
    expires_at: int
    query: str = ""
    name: str = ""
    made_with: str = ""

    def opens(self, now_ms: int) -> bool:
        """Has it not expired?"""
        return now_ms < self.expires_at


class WorkspaceViews(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """All of a workspace.

    A release that knows last uses of keys (``schemas.registry.KeyUse``) and not these records takes one for
    the uses of a workspace whose id nobody can have, logs that it cannot read it, and writes none over it.
    """

    SUFFIX: ClassVar[str] = ":views:use"

    workspace_id: str
    saved: tuple[SavedView, ...] = ()
    shared: tuple[SharedView, ...] = ()

    @property
    def record_key(self) -> str:
        """Of its record in the topic."""
        return self.workspace_id + self.SUFFIX


decode_views: Final = Decoder(WorkspaceViews).decode
