"""What a file says of a workspace becomes so: all that it names, and nothing else.

Before anything is written, all of it is tried on a draft. Then the workspace is written, and the links in
transactions of a bounded size: who is interrupted does it again, and what is there already is not written.
"""

import secrets
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from processors.errors import CheckFailed
from processors.progress import Progress
from processors.registry.changes import put_workspace
from processors.registry.ids import Random, id_of
from processors.registry.import_file import MOST_FINDINGS, Import, ImportedLink, ImportRefused
from processors.registry.link_changes import put
from processors.registry.registries import Change, Made, Registries, each
from processors.registry.store import RegistryStore
from processors.settings import Settings
from schemas.links import Link
from schemas.registry import Domain, Workspace

_AT_ONCE: Final = 1_000
_KEPT: Final = ("created_at", "updated_at", "user_id", "track_conversion", "idempotency")
"""What a link keeps where the file does not say it."""
_RANDOM_BITS: Final = 80


class KeyOfOther(CheckFailed):
    """A key opens one workspace."""

    def __init__(self, key_id: str, workspace_id: str) -> None:
        super().__init__(f"key {key_id} opens workspace {workspace_id}, and can open one only")


class Done(NamedTuple):
    """``links``: all of the file; ``written``: those that were not so before."""

    links: int
    written: int


async def import_into(settings: Settings, wanted: Import, salt: str, progress: Progress) -> Done:
    """``salt``: for visitors of a workspace that has none. ``progress``: in links.

    Raises :class:`ImportRefused`, and what a ``RegistryStore`` raises.
    """
    progress.expect(len(wanted.links))
    async with RegistryStore(settings) as store:
        workspace = workspace_change(wanted, salt)
        links = [(one, link_change(one)) for one in wanted.links]
        todo = _tried(store.registries, workspace, links)
        await store.write(workspace)
        progress.advance(len(links) - len(todo))
        for begin in range(0, len(todo), _AT_ONCE):
            some = todo[begin : begin + _AT_ONCE]
            results = await store.write(each([change for _, change in some]))
            _all_done([one for one, _ in some], results)
            progress.advance(len(some))
    return Done(len(links), len(todo))


def workspace_change(wanted: Import, salt: str) -> Change[Workspace]:
    """Raises :class:`KeyOfOther`, ``DomainTaken``. Keys that are there already stay as they are."""

    def change(registries: Registries) -> Made[Workspace]:
        workspaces = registries.workspaces
        found = workspaces.workspace(wanted.workspace_id)
        old = found or Workspace(workspace_id=wanted.workspace_id)
        for key in wanted.keys:
            owner = workspaces.of_key(key.hash)
            if owner is not None and owner.workspace_id != old.workspace_id:
                raise KeyOfOther(key.id, owner.workspace_id)
        keys = {one.hash: one for one in (*wanted.keys, *old.keys)}
        old_keys = {one.hash for one in old.keys}
        tracks = wanted.track_conversion
        new = replace(
            old,
            keys=(*old.keys, *(one for one in keys.values() if one.hash not in old_keys)),
            domains=_domains(old, wanted),
            hostnames=old.hostnames if wanted.hostnames is None else wanted.hostnames,
            limits=replace(old.limits, **wanted.limits),
            track_conversion=old.track_conversion if tracks is None else tracks,
            visitor_salt=old.visitor_salt or salt,
        )
        return put_workspace(registries, found, new)

    return change


def link_change(wanted: ImportedLink, random: Random = secrets.randbits) -> Change[Link]:
    """A link without an id is the one at its address, if there is one. Raises as ``link_changes.put``."""
    link, named = wanted.link, wanted.named
    new_id = link.id or id_of(link.created_at, random(_RANDOM_BITS))

    def change(registries: Registries) -> Made[Link]:
        links = registries.links
        there = links.at(link.domain, link.key)
        ours = not link.id and there is not None and there.workspace_id == link.workspace_id
        new = replace(link, id=there.id if ours and there is not None else new_id)
        old = links.get(new.id)
        if old is not None:
            new = replace(new, **{name: getattr(old, name) for name in _KEPT if name not in named})
            if new != old and "updated_at" not in named:
                new = replace(new, updated_at=link.updated_at)
        elif "track_conversion" not in named:
            workspace = registries.workspaces.workspace(link.workspace_id)
            new = replace(
                new, track_conversion=link.is_partners or bool(workspace and workspace.track_conversion)
            )
        return put(new)(registries)

    return change


def _domains(old: Workspace, wanted: Import) -> tuple[Domain, ...]:
    domains = {one.slug: one for one in (*old.domains, *wanted.domains)}
    return tuple(sorted(domains.values(), key=lambda one: one.slug != wanted.primary))


def _tried(
    registries: Registries,
    workspace: Change[Workspace],
    links: Sequence[tuple[ImportedLink, Change[Link]]],
) -> list[tuple[ImportedLink, Change[Link]]]:
    """Those that are not there already. Raises :class:`ImportRefused` for what is in the way."""
    draft = registries.draft()
    draft.apply(workspace(draft))
    findings: list[str] = []
    todo = []
    for one, change in links:
        try:
            made = change(draft)
        except CheckFailed as error:
            findings.append(f"{one.place}: {error}")
        else:
            if made.put:
                draft.apply(made)
                todo.append((one, change))
    if findings:
        raise ImportRefused(findings[:MOST_FINDINGS])
    return todo


def _all_done(links: Sequence[ImportedLink], results: Sequence[Any]) -> None:
    """Raises :class:`ImportRefused` where somebody else has come between."""
    both = zip(links, results, strict=True)
    if findings := [f"{one.place}: {done}" for one, done in both if isinstance(done, Exception)]:
        raise ImportRefused(
            findings[:MOST_FINDINGS], "The others were written. Mend it, and import it again."
        )
