"""What may become of the views that a workspace has saved and shares.

Each change here puts one record, which is bounded: so many views, of so many characters.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from processors.errors import CheckFailed
from processors.registry.keys import hash_of, new_token
from processors.registry.registries import Change, Made, Registries
from schemas.views import SavedView, SharedView, WorkspaceViews

MOST_NAME: Final = 60
MOST_QUERY: Final = 2_000
"""Characters."""
MOST: Final = 50
"""Views of either kind."""
_ID_BYTES: Final = 12


class TooManyViews(CheckFailed):
    """There is room for no other."""

    def __init__(self, kind: str, most: int) -> None:
        super().__init__(f"there are {most} {kind} already", "Take one away that nobody needs.")


class NameTaken(CheckFailed):
    """Another saved view is called so."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is another view of the name {name}", "Choose another name.")


class NoSuchView(CheckFailed):
    """It was taken away, or never there."""

    def __init__(self) -> None:
        super().__init__("this view is not there any more")


@dataclass(frozen=True)
class Issued:
    """``token``: for whoever asked for it, and for no log."""

    token: str = field(repr=False)
    view: SharedView


def view_name(text: str) -> str:
    """As people write it, on one line. "": none. Raises ``ValueError``."""
    name = " ".join(text.split())
    if len(name) > MOST_NAME or not name.isprintable():
        raise ValueError(f"A name has at most {MOST_NAME} characters, all of which can be seen.")
    return name


def new_id(random_bytes: Callable[[int], bytes]) -> str:
    """Of a view."""
    return "view_" + random_bytes(_ID_BYTES).hex()


def issue_link(
    wanted: SavedView, lasts_ms: int, made_with: str, now_ms: int, random_bytes: Callable[[int], bytes]
) -> Issued:
    """A link to such a view, which is still to be written down. ``random_bytes``: as for keys."""
    token = new_token(random_bytes)
    view = SharedView(
        id=wanted.id,
        hash=hash_of(token),
        path=wanted.path,
        query=wanted.query,
        name=wanted.name,
        made_with=made_with,
        created_at=now_ms,
        expires_at=now_ms + lasts_ms,
    )
    return Issued(token, view)


def save(workspace_id: str, view: SavedView, most: int = MOST) -> Change[WorkspaceViews]:
    """What had its name is replaced. Raises :class:`TooManyViews`, ``UnreadableWorkspace``."""

    def change(registries: Registries) -> Made[WorkspaceViews]:
        old = _of(registries, workspace_id)
        saved = {_same(one.name): one for one in old.saved}
        before = saved.get(_same(view.name))
        saved[_same(view.name)] = view if before is None else replace(view, id=before.id)
        if len(saved) > most:
            raise TooManyViews("saved views", most)
        return _made(replace(old, saved=_in_order(saved.values())))

    return change


def rename(workspace_id: str, view_id: str, name: str) -> Change[WorkspaceViews]:
    """Raises :class:`NoSuchView`, :class:`NameTaken`, ``UnreadableWorkspace``."""

    def change(registries: Registries) -> Made[WorkspaceViews]:
        old = _of(registries, workspace_id)
        others = [one for one in old.saved if one.id != view_id]
        if len(others) == len(old.saved):
            raise NoSuchView
        if any(_same(one.name) == _same(name) for one in others):
            raise NameTaken(name)
        named = (replace(one, name=name) for one in old.saved if one.id == view_id)
        return _made(replace(old, saved=_in_order([*others, *named])))

    return change


def forget(workspace_id: str, view_id: str) -> Change[WorkspaceViews]:
    """A saved view; what is not there is forgotten already. Raises ``UnreadableWorkspace``."""

    def change(registries: Registries) -> Made[WorkspaceViews]:
        old = _of(registries, workspace_id)
        return _made(replace(old, saved=tuple(one for one in old.saved if one.id != view_id)))

    return change


def share(workspace_id: str, view: SharedView, most: int = MOST) -> Change[WorkspaceViews]:
    """Of links that have expired those are forgotten, oldest first, for which there is no room.

    Raises :class:`TooManyViews`, ``UnreadableWorkspace``.
    """

    def change(registries: Registries) -> Made[WorkspaceViews]:
        old = _of(registries, workspace_id)
        if any(one.hash == view.hash for one in old.shared):
            return Made(old)
        opens = [one for one in old.shared if one.opens(view.created_at)]
        room = most - len(opens) - 1
        if room < 0:
            raise TooManyViews("links that are open", most)
        expired = sorted((one for one in old.shared if one not in opens), key=lambda one: -one.expires_at)
        kept = {one.id for one in [*opens, *expired[:room]]}
        return _made(replace(old, shared=(view, *(one for one in old.shared if one.id in kept))))

    return change


def revoke(workspace_id: str, view_id: str) -> Change[WorkspaceViews]:
    """A link; what is not there opens nothing already. Raises ``UnreadableWorkspace``."""

    def change(registries: Registries) -> Made[WorkspaceViews]:
        old = _of(registries, workspace_id)
        return _made(replace(old, shared=tuple(one for one in old.shared if one.id != view_id)))

    return change


def _of(registries: Registries, workspace_id: str) -> WorkspaceViews:
    return registries.workspaces.views(workspace_id)


def _made(views: WorkspaceViews) -> Made[WorkspaceViews]:
    return Made(views, put=[views])


def _in_order(views: Iterable[SavedView]) -> tuple[SavedView, ...]:
    return tuple(sorted(views, key=lambda one: (_same(one.name), one.id)))


def _same(name: str) -> str:
    return name.casefold()
