"""What the topic ``workspaces`` says, as far as it was read."""

from collections.abc import Iterator
from typing import NamedTuple

from msgspec import MsgspecError

from processors.errors import Misconfigured
from processors.registry.keys import hash_of, is_mistyped
from schemas.registry import ApiKey, Workspace, decode_workspace


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


class Contents:
    """Workspaces by id, by the hash of a key, by domain. Changed by :meth:`apply` alone."""

    def __init__(self) -> None:
        self._workspaces: dict[str, Workspace] = {}
        self._unreadable: set[str] = set()
        self._holders: dict[str, Holder] = {}
        self._domains: dict[str, Workspace] = {}

    def __iter__(self) -> Iterator[Workspace]:
        """By id."""
        return iter([self._workspaces[one] for one in sorted(self._workspaces)])

    @property
    def unreadable(self) -> list[str]:
        """Ids of workspaces of which :meth:`workspace` raises."""
        return sorted(self._unreadable)

    def workspace(self, workspace_id: str) -> Workspace | None:
        """None: there is none. Raises :class:`UnreadableWorkspace`."""
        if workspace_id in self._unreadable:
            raise UnreadableWorkspace(workspace_id)
        return self._workspaces.get(workspace_id)

    def holder(self, key: str, now_ms: int) -> Holder | None:
        """None: the key opens nothing, or no longer."""
        found = None if is_mistyped(key) else self._holders.get(hash_of(key))
        return found if found and found.key.opens(now_ms) else None

    def of_domain(self, slug: str) -> Workspace | None:
        """The workspace whose short domain this is."""
        return self._domains.get(slug)

    def apply(self, key: bytes | None, value: bytes | None) -> bool:
        """The next record of a key, in the topic's order. False: it cannot be read."""
        workspace_id = (key or b"").decode("utf-8", "replace")
        self._forget(workspace_id)
        if value is None:
            return True
        try:
            found = decode_workspace(value)
        except (MsgspecError, UnicodeDecodeError):
            found = None
        if found is None or found.workspace_id != workspace_id:
            self._unreadable.add(workspace_id)
            return False
        self._workspaces[workspace_id] = found
        self._holders.update({one.hash: Holder(found, one) for one in found.keys})
        self._domains.update({one.slug: found for one in found.domains})
        return True

    def _forget(self, workspace_id: str) -> None:
        self._unreadable.discard(workspace_id)
        old = self._workspaces.pop(workspace_id, None)
        if old is not None:
            for one in old.keys:
                self._holders.pop(one.hash, None)
            for domain in old.domains:
                self._domains.pop(domain.slug, None)
