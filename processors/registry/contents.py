"""What the topic ``workspaces`` says, as far as it was read."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from msgspec import MsgspecError

from processors.errors import Misconfigured
from processors.registry.keys import hash_of, is_mistyped
from processors.registry.table import Name, Table
from schemas.registry import ApiKey, KeyUse, Workspace, decode_key_use, decode_workspace
from schemas.views import SharedView, WorkspaceViews, decode_views

Record = Workspace | KeyUse | WorkspaceViews
_KEY: Final = "key"
_DOMAIN: Final = "domain"
_SHARED: Final = "shared"
_DECODERS: Final[Mapping[str, Callable[[bytes], Record]]] = {
    "": decode_workspace,
    KeyUse.SUFFIX: decode_key_use,
    WorkspaceViews.SUFFIX: decode_views,
}
"""By what follows the workspace's id in the key of a record."""


class UnreadableWorkspace(Misconfigured):
    """The newest record of a workspace means nothing to this release. Its keys open nothing, and it is not
    written over.
    """

    def __init__(self, workspace_id: str) -> None:
        super().__init__(
            f"workspace {workspace_id}: its record cannot be read",
            "Has a newer release written it? Then use that one here, too.",
        )


class Holder(NamedTuple):
    """Whose key it is, and which."""

    workspace: Workspace
    key: ApiKey


class Shared(NamedTuple):
    """Whose view a link shows, and which."""

    workspace_id: str
    view: SharedView


def _names(workspace: Workspace) -> tuple[Name, ...]:
    keys = {one.hash: (_KEY, one.hash) for one in workspace.keys}
    domains = {one.slug: (_DOMAIN, one.slug) for one in workspace.domains}
    return (*keys.values(), *domains.values())


def _nameless(_: KeyUse) -> tuple[Name, ...]:
    return ()


def _tokens(views: WorkspaceViews) -> tuple[Name, ...]:
    return tuple({one.hash: (_SHARED, one.hash) for one in views.shared}.values())


class Contents:
    """Workspaces by id, by the hash of a key, by domain; when their keys were last used; and their views, by
    the hash of a token."""

    def __init__(
        self,
        workspaces: Table[Workspace] | None = None,
        uses: Table[KeyUse] | None = None,
        views: Table[WorkspaceViews] | None = None,
    ) -> None:
        self._workspaces = workspaces or Table(_names)
        self._uses = uses or Table(_nameless)
        self._views = views or Table(_tokens)
        self._tables: Mapping[str, Table[Any]] = {
            "": self._workspaces,
            KeyUse.SUFFIX: self._uses,
            WorkspaceViews.SUFFIX: self._views,
        }

    def over(self) -> "Contents":
        """The same, to be changed: these here stay as they are."""
        return Contents(self._workspaces.over(), self._uses.over(), self._views.over())

    def __iter__(self) -> Iterator[Workspace]:
        """By id."""
        return iter([record for _, record in sorted(self._workspaces.items())])

    @property
    def unreadable(self) -> list[str]:
        """Ids of workspaces of which :meth:`workspace` raises."""
        return sorted(self._workspaces.unreadable)

    def workspace(self, workspace_id: str) -> Workspace | None:
        """None: there is none. Raises :class:`UnreadableWorkspace`."""
        found = self._workspaces.get(workspace_id)
        if found is None and self._workspaces.is_unreadable(workspace_id):
            raise UnreadableWorkspace(workspace_id)
        return found

    def holder(self, key: str, now_ms: int) -> Holder | None:
        """None: the key opens nothing, or no longer."""
        if is_mistyped(key):
            return None
        hashed = hash_of(key)
        workspace = self._workspaces.named((_KEY, hashed))
        if workspace is None:
            return None
        found = next(one for one in workspace.keys if one.hash == hashed)
        return Holder(workspace, found) if found.opens(now_ms) else None

    def of_key(self, key_hash: str) -> Workspace | None:
        """The workspace that has a key of this hash, expired or not."""
        return self._workspaces.named((_KEY, key_hash))

    def of_domain(self, slug: str) -> Workspace | None:
        """The workspace whose short domain this is."""
        return self._workspaces.named((_DOMAIN, slug))

    def uses(self, workspace_id: str) -> KeyUse:
        """When its keys were last used, as far as that was written down and can be read."""
        return self._uses.get(workspace_id) or KeyUse(workspace_id=workspace_id)

    def views(self, workspace_id: str) -> WorkspaceViews:
        """What it has saved and shares. Raises :class:`UnreadableWorkspace`."""
        if self._views.is_unreadable(workspace_id):
            raise UnreadableWorkspace(workspace_id)
        return self._views.get(workspace_id) or WorkspaceViews(workspace_id=workspace_id)

    def shared(self, token: str) -> Shared | None:
        """Expired or not. None: the token opens nothing, or no longer."""
        if is_mistyped(token):
            return None
        hashed = hash_of(token)
        views = self._views.named((_SHARED, hashed))
        if views is None or self._workspaces.get(views.workspace_id) is None:
            return None
        return Shared(views.workspace_id, next(one for one in views.shared if one.hash == hashed))

    def put(self, record: Record) -> None:
        """What is there from now on."""
        suffix = record.record_key.removeprefix(record.workspace_id)
        self._tables[suffix].put(record.workspace_id, record)

    def apply(self, key: bytes | None, value: bytes | None) -> bool:
        """The next record of a key, in the topic's order. False: it cannot be read."""
        name = (key or b"").decode("utf-8", "replace")
        workspace_id, colon, rest = name.partition(":")
        suffix = colon + rest
        table = self._tables.get(suffix)
        if table is None:
            # What a newer release keeps beside a workspace takes nothing away from that.
            return value is None
        if value is None:
            table.put(workspace_id, None)
            return True
        try:
            found = _DECODERS[suffix](value)
        except (MsgspecError, UnicodeDecodeError):
            found = None
        if found is None or found.record_key != name:
            table.spoil(workspace_id)
            return False
        self.put(found)
        return True
