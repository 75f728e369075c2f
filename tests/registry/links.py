"""Registries without Kafka, for tests of what may become of a link."""

from typing import Any, TypeVar

from processors.registry.contents import Contents
from processors.registry.links import LinkContents
from processors.registry.registries import Change, Registries
from schemas.links import Link, encode_link
from schemas.registry import Domain, Workspace, encode_workspace

T = TypeVar("T")
NOW = 1_800_000_000_000


def link(number: int, **fields: Any) -> Link:
    """Of acme, on go.acme.com, unless it is said otherwise."""
    given: dict[str, Any] = {
        "id": f"link_{number:026}",
        "workspace_id": "acme",
        "domain": "go.acme.com",
        "key": f"k{number}",
        "url": f"https://acme.com/{number}",
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Link(**given | fields)


def workspace(workspace_id: str, *slugs: str) -> Workspace:
    return Workspace(workspace_id=workspace_id, domains=tuple(Domain(slug=one) for one in slugs))


def registries() -> Registries:
    """Of acme, which has go.acme.com and acme.link, and globex, which has globex.link."""
    found = Registries(Contents(), LinkContents())
    for one in (workspace("acme", "go.acme.com", "acme.link"), workspace("globex", "globex.link")):
        assert found.workspaces.apply(one.workspace_id.encode(), encode_workspace(one))
    return found


def make(registries: Registries, change: Change[T]) -> T:
    """Twice, as it is done by who does not know whether it was."""
    result = make_once(registries, change)
    assert change(registries.draft()).result == result
    return result


def make_once(registries: Registries, change: Change[T]) -> T:
    """As the store does it: on a draft, whose records are then read."""
    made = change(registries.draft())
    for record in made.put:
        assert isinstance(record, Link)
        assert registries.links.apply(record.id.encode(), encode_link(record))
    for gone in made.delete:
        assert registries.links.apply(gone.id.encode(), None)
    return made.result
