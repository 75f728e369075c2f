"""What the topic ``workspaces`` says, as far as it was read."""

from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

from msgspec import MsgspecError

from processors.errors import Misconfigured
from processors.registry.keys import hash_of, is_mistyped
from schemas.registry import ApiKey, Workspace, decode_workspace

T = TypeVar("T")


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


class _Index(Generic[T]):
    """Name → what a workspace has of that name.

    Partitions are read side by side: whoever was given a name may be heard of before its former owner gave it
    up. Until then both have it, and the one heard of last counts.
    """

    def __init__(self) -> None:
        self._found: dict[str, dict[str, T]] = {}

    def add(self, name: str, workspace_id: str, what: T) -> None:
        self._found.setdefault(name, {})[workspace_id] = what

    def remove(self, name: str, workspace_id: str) -> None:
        owners = self._found.get(name, {})
        owners.pop(workspace_id, None)
        if not owners:
            self._found.pop(name, None)

    def get(self, name: str) -> T | None:
        owners = self._found.get(name)
        return next(reversed(owners.values())) if owners else None


class Contents:
    """Workspaces by id, by the hash of a key, by domain. Changed by :meth:`apply` alone."""

    def __init__(self) -> None:
        self._workspaces: dict[str, Workspace] = {}
        self._unreadable: set[str] = set()
        self._holders = _Index[Holder]()
        self._domains = _Index[Workspace]()

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
        for one in found.keys:
            self._holders.add(one.hash, workspace_id, Holder(found, one))
        for domain in found.domains:
            self._domains.add(domain.slug, workspace_id, found)
        return True

    def _forget(self, workspace_id: str) -> None:
        self._unreadable.discard(workspace_id)
        old = self._workspaces.pop(workspace_id, None)
        if old is not None:
            for one in old.keys:
                self._holders.remove(one.hash, workspace_id)
            for domain in old.domains:
                self._domains.remove(domain.slug, workspace_id)
