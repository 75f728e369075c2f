"""What may become of a workspace.

Each function here returns a change, whose result is the workspace as it is then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from msgspec.structs import replace

from processors.errors import CheckFailed
from processors.registry.contents import Contents
from processors.registry.registries import Change, Made, Registries
from schemas.registry import ApiKey, Domain, Workspace
from schemas.times import DAY_MS

_MOST_CLOSE: Final = 3
_MOST_NAMED: Final = 10
MAX_OVERLAP_MS: Final = 365 * DAY_MS
"""A key that opens for longer is not about to be replaced."""


class WorkspaceExists(CheckFailed):
    """A workspace of this id was created before."""

    def __init__(self, workspace_id: str) -> None:
        super().__init__(
            f"workspace {workspace_id} exists already",
            f"`leadstream workspace rotate-key {workspace_id}` gives it another key.",
        )


class NoSuchWorkspace(CheckFailed):
    """Nobody has created it. ``known``: those that there are, of which the closest are suggested.

    ``note``: what else is to be said of it.
    """

    def __init__(self, workspace_id: str, known: Iterable[str] = (), note: str = "") -> None:
        names = sorted(known)
        by_lower = {name.lower(): name for name in names}
        close = [by_lower[one] for one in get_close_matches(workspace_id.lower(), by_lower, _MOST_CLOSE)]
        meant = f"; did you mean {' or '.join(close)}?" if close else ""
        remedy = "`leadstream workspace list` shows them."
        if names:
            first = [*close, *(name for name in names if name not in close)][:_MOST_NAMED]
            more = f", and {len(names) - len(first):,} more" if len(names) > len(first) else ""
            remedy = f"There {'is' if len(names) == 1 else 'are'} {', '.join(first)}{more}."
        super().__init__(f"there is no workspace {workspace_id}{meant}", f"{remedy} {note}".rstrip())


class DomainTaken(CheckFailed):
    """A short domain belongs to one workspace."""

    def __init__(self, slug: str, workspace_id: str) -> None:
        super().__init__(
            f"domain {slug} belongs to workspace {workspace_id}",
            f"`leadstream workspace set {workspace_id} --remove-domain {slug}` takes it away there.",
        )


class DomainInUse(CheckFailed):
    """Short links are on it, and would belong to whoever gets it next."""

    def __init__(self, slug: str, workspace_id: str) -> None:
        super().__init__(
            f"workspace {workspace_id} has links on {slug}", "Delete them, or move them to another domain."
        )


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What ``set`` is to change; None and empty: nothing.

    ``urls``: fields of :class:`Domain` and what they are to be, for ``domain``, which is added if need be.
    ``primary``: it is to be the first.
    ``limits``: by the fields of ``Limits``. ``hostnames``: all of them; an empty tuple allows every page.
    """

    domain: str | None = None
    urls: Mapping[str, str | None] = field(default_factory=dict)
    primary: bool = False
    remove_domain: str | None = None
    hostnames: tuple[str, ...] | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    track_conversion: bool | None = None
    record_gpc: bool | None = None


def create(wanted: Workspace) -> Change[Workspace]:
    """Raises :class:`WorkspaceExists`, :class:`DomainTaken`. Its keys have to be new."""

    def change(registries: Registries) -> Made[Workspace]:
        found = registries.workspaces.workspace(wanted.workspace_id)
        if found is None:
            return put_workspace(registries, None, wanted)
        if not {one.hash for one in wanted.keys} & {one.hash for one in found.keys}:
            raise WorkspaceExists(wanted.workspace_id)
        return Made(found)

    return change


def update(workspace_id: str, wishes: Wishes) -> Change[Workspace]:
    """Raises :class:`NoSuchWorkspace`, :class:`DomainTaken`, :class:`DomainInUse`."""

    def change(registries: Registries) -> Made[Workspace]:
        old = _there(registries.workspaces, workspace_id)
        hostnames, tracks = wishes.hostnames, wishes.track_conversion
        new = replace(
            old,
            domains=_domains(old, wishes),
            hostnames=old.hostnames if hostnames is None else hostnames,
            limits=replace(old.limits, **wishes.limits),
            track_conversion=old.track_conversion if tracks is None else tracks,
            record_gpc=old.record_gpc if wishes.record_gpc is None else wishes.record_gpc,
        )
        return put_workspace(registries, old, new)

    return change


def rotate(workspace_id: str, key: ApiKey, overlap_ms: int) -> Change[Workspace]:
    """``key`` is added; the others of its role expire ``overlap_ms`` (at most a year) later, unless they
    do so before.

    Those that have expired by now are forgotten. Raises :class:`NoSuchWorkspace`.
    """
    expires_at = key.created_at + overlap_ms

    def change(registries: Registries) -> Made[Workspace]:
        old = _there(registries.workspaces, workspace_id)
        if any(one.hash == key.hash for one in old.keys):
            return Made(old)
        kept = (
            replace(one, expires_at=expires_at) if one.role is key.role and one.opens(expires_at) else one
            for one in old.keys
        )
        new = replace(old, keys=(*(one for one in kept if one.opens(key.created_at)), key))
        return Made(new, put=[new])

    return change


def _there(contents: Contents, workspace_id: str) -> Workspace:
    found = contents.workspace(workspace_id)
    if found is None:
        raise NoSuchWorkspace(workspace_id, (one.workspace_id for one in contents))
    return found


def _domains(old: Workspace, wishes: Wishes) -> tuple[Domain, ...]:
    domains = {one.slug: one for one in old.domains}
    if wishes.domain is not None:
        found = domains.get(wishes.domain, Domain(slug=wishes.domain))
        domains[wishes.domain] = replace(found, **wishes.urls)
    return _in_order([*domains.values()], wishes)


def _in_order(domains: Sequence[Domain], wishes: Wishes) -> tuple[Domain, ...]:
    first = wishes.domain if wishes.primary else None
    kept = [one for one in domains if one.slug != wishes.remove_domain]
    # Sorting is stable: the others stay as they are.
    return tuple(sorted(kept, key=lambda one: one.slug != first))


def put_workspace(registries: Registries, old: Workspace | None, new: Workspace) -> Made[Workspace]:
    """The workspace as it is to be, if its domains are free to be had, and to be given up.

    Links stay on their domain, whoever has it: as long as there are any, nobody else may have it. Raises
    :class:`DomainTaken`, :class:`DomainInUse`.
    """
    before = {one.slug for one in old.domains} if old else set[str]()
    after = {one.slug for one in new.domains}
    for slug in after - before:
        owner = registries.workspaces.of_domain(slug)
        if owner is not None and owner.workspace_id != new.workspace_id:
            raise DomainTaken(slug, owner.workspace_id)
    if changed := before ^ after:
        for link in registries.links:
            if link.domain in changed:
                if link.domain in before:
                    raise DomainInUse(link.domain, new.workspace_id)
                if link.workspace_id != new.workspace_id:
                    raise DomainTaken(link.domain, link.workspace_id)
    return Made(new, put=[new])
