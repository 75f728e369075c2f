"""What may become of a link.

Each function here returns a change, whose result is the link as it is then, or was. Whatever is in the way is
a :class:`LinkRefused`. Several of them are one change by ``registries.each``.
"""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from processors.errors import CheckFailed
from processors.registry.changes import NoSuchWorkspace
from processors.registry.links import LinkContents
from processors.registry.registries import Change, Made, Registries
from schemas.links import Link

_MOST_DRAWS: Final = 100
"""Where one of so many random keys is not free, hardly any is."""


class LinkRefused(CheckFailed):
    """A link cannot be as it was to be."""


class NoSuchLink(LinkRefused):
    """The workspace has none of this id, or external id."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no link {name}")


class LinkExists(LinkRefused):
    """Its id is that of another workspace's link."""

    def __init__(self, link_id: str) -> None:
        super().__init__(
            f"link {link_id} belongs to another workspace", "Leave its id out, or choose another."
        )


class DomainNotOfWorkspace(LinkRefused):
    """Links are on domains of their own workspace."""

    def __init__(self, domain: str, workspace_id: str) -> None:
        super().__init__(
            f"domain {domain} does not belong to workspace {workspace_id}",
            f"`leadstream workspace set {workspace_id} --domain {domain}` adds it, if it is free.",
        )


class KeyTaken(LinkRefused):
    """Another link is there. ``link_id``: its id."""

    def __init__(self, domain: str, key: str, link_id: str) -> None:
        super().__init__(f"{domain}/{key} is taken by {link_id}", "Choose another key.")
        self.link_id = link_id


class NoKeyFree(LinkRefused):
    """No random key was found that is free."""

    def __init__(self, domain: str) -> None:
        super().__init__(f"hardly any key of this length is free on {domain}", "Ask for a longer one.")


class ExternalIdTaken(LinkRefused):
    """Another link of the workspace is called so. ``link_id``: its id."""

    def __init__(self, external_id: str, link_id: str) -> None:
        super().__init__(f"the external id {external_id} is that of {link_id}", "Choose another one.")
        self.link_id = link_id


def create(wanted: Link, draw: Callable[[], str] | None = None) -> Change[Link]:
    """``wanted``: with an id that nobody has had. ``draw``: its key is not that of ``wanted`` but a random
    one, which this makes.

    Is there one by the same ``idempotency``, it is the result. Raises ``NoSuchWorkspace``.
    """

    def change(registries: Registries) -> Made[Link]:
        links = registries.links
        found = links.get(wanted.id)
        if found is None and wanted.idempotency is not None:
            found = links.by_idempotency(wanted.workspace_id, wanted.idempotency)
        if found is not None:
            if found.workspace_id != wanted.workspace_id:
                raise LinkExists(wanted.id)
            return Made(found)
        new = wanted if draw is None else replace(wanted, key=_free(links, wanted.domain, draw))
        return _put(registries, None, new)

    return change


def update(workspace_id: str, name: str, patch: Callable[[Link], Link]) -> Change[Link]:
    """``name``: its id, or ``ext_`` and its external id. ``patch``: the link as it is to be; it may be called
    again, and what it raises is raised."""

    found: Link | None = None

    def change(registries: Registries) -> Made[Link]:
        nonlocal found
        found = _again(registries.links, found) or _there(registries.links, workspace_id, name)
        return _patched(registries, found, patch)

    return change


def upsert(
    wanted: Link, patch: Callable[[Link], Link], draw: Callable[[], str] | None = None
) -> Change[Link]:
    """As ``update`` of the newest link of the workspace that leads to ``wanted.url``, else as ``create``."""
    make = create(wanted, draw)

    def change(registries: Registries) -> Made[Link]:
        links = registries.links
        found = links.by_url(wanted.workspace_id, wanted.url)
        if found is None or links.get(wanted.id) is not None:
            return make(registries)
        return _patched(registries, found, patch)

    return change


def delete(workspace_id: str, name: str) -> Change[Link]:
    """``name``: as for ``update``. The result is what it was."""
    found: Link | None = None

    def change(registries: Registries) -> Made[Link]:
        nonlocal found
        # What was there the time before, and is not any more, is what was to be deleted.
        if found is None:
            found = _there(registries.links, workspace_id, name)
        still = _again(registries.links, found)
        return Made(found) if still is None else Made(still, delete=[still])

    return change


def put(wanted: Link) -> Change[Link]:
    """The link is as ``wanted``, whether there was one of this id or not. Raises ``NoSuchWorkspace``."""

    def change(registries: Registries) -> Made[Link]:
        found = registries.links.get(wanted.id)
        if found is not None and found.workspace_id != wanted.workspace_id:
            raise LinkExists(wanted.id)
        return _put(registries, found, wanted)

    return change


def _again(links: LinkContents, found: Link | None) -> Link | None:
    """What was found the time before, as it is now: what it is called may have been changed by that."""
    return links.get(found.id) if found is not None else None


def _there(links: LinkContents, workspace_id: str, name: str) -> Link:
    found = links.find(workspace_id, name)
    if found is None:
        raise NoSuchLink(name)
    return found


def _patched(registries: Registries, old: Link, patch: Callable[[Link], Link]) -> Made[Link]:
    new = replace(patch(old), id=old.id, workspace_id=old.workspace_id, created_at=old.created_at)
    return _put(registries, old, new)


def _put(registries: Registries, old: Link | None, new: Link) -> Made[Link]:
    if new == old:
        return Made(new)
    links = registries.links
    if old is None or new.domain != old.domain:
        workspace = registries.workspaces.workspace(new.workspace_id)
        if workspace is None:
            raise NoSuchWorkspace(new.workspace_id)
        if all(new.domain != one.slug for one in workspace.domains):
            raise DomainNotOfWorkspace(new.domain, new.workspace_id)
    there = links.at(new.domain, new.key)
    if there is not None and there.id != new.id:
        raise KeyTaken(new.domain, new.key, there.id)
    if new.external_id is not None:
        called = links.by_external_id(new.workspace_id, new.external_id)
        if called is not None and called.id != new.id:
            raise ExternalIdTaken(new.external_id, called.id)
    return Made(new, put=[new])


def _free(links: LinkContents, domain: str, draw: Callable[[], str]) -> str:
    for _ in range(_MOST_DRAWS):
        if links.at(domain, key := draw()) is None:
            return key
    raise NoKeyFree(domain)
