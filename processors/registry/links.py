"""What the topic ``links`` says, as far as it was read."""

from collections.abc import Iterator
from typing import Final

from msgspec import MsgspecError

from processors.errors import Misconfigured
from processors.registry.names import same_key
from processors.registry.table import Name, NewestFirst, Table
from schemas.links import Link, decode_link

BY_EXTERNAL_ID: Final = "ext_"
"""In front of an external id, where an id could stand as well."""
_AT: Final = "at"
_EXTERNAL_ID: Final = "externalId"
_URL: Final = "url"
_IDEMPOTENCY: Final = "idempotency"
_OF: Final = "of"


class UnreadableLink(Misconfigured):
    """The newest record of a link means nothing to this release. It leads nowhere, and is not written
    over."""

    def __init__(self, link_id: str) -> None:
        super().__init__(
            f"link {link_id}: its record cannot be read",
            "Has a newer release written it? Then use that one here, too.",
        )


def _names(link: Link) -> tuple[Name, ...]:
    workspace_id = link.workspace_id
    names: list[Name] = [
        (_AT, link.domain, same_key(link.key)),
        (_URL, workspace_id, link.url),
        (_OF, workspace_id),
    ]
    if link.external_id is not None:
        names.append((_EXTERNAL_ID, workspace_id, link.external_id))
    if link.idempotency is not None:
        names.append((_IDEMPOTENCY, workspace_id, link.idempotency))
    return tuple(names)


class LinkContents:
    """Links by id and by everything else that they are looked up by. Ids sort by age: where several have the
    same name, the newest counts."""

    def __init__(self, links: Table[Link] | None = None) -> None:
        self._links = links or Table(_names)

    def over(self) -> "LinkContents":
        """The same, to be changed: these here stay as they are."""
        return LinkContents(self._links.over())

    def __iter__(self) -> Iterator[Link]:
        """In no order."""
        return (link for _, link in self._links.items())

    @property
    def unreadable(self) -> list[str]:
        """Ids of links of which :meth:`get` raises."""
        return sorted(self._links.unreadable)

    def get(self, link_id: str) -> Link | None:
        """None: there is none. Raises :class:`UnreadableLink`."""
        found = self._links.get(link_id)
        if found is None and self._links.is_unreadable(link_id):
            raise UnreadableLink(link_id)
        return found

    def find(self, workspace_id: str, name: str) -> Link | None:
        """A link of this workspace, by its id, or by ``ext_`` and its external id. Raises as :meth:`get`."""
        if name.startswith(BY_EXTERNAL_ID):
            return self.by_external_id(workspace_id, name.removeprefix(BY_EXTERNAL_ID))
        found = self.get(name)
        return found if found is not None and found.workspace_id == workspace_id else None

    def at(self, domain: str, key: str) -> Link | None:
        """``domain``: as ``registry.names.host_name`` writes it. ``key``: as ``same_key`` takes it."""
        return self._links.named((_AT, domain, same_key(key)))

    def by_external_id(self, workspace_id: str, external_id: str) -> Link | None:
        """The one that the workspace calls so."""
        return self._links.named((_EXTERNAL_ID, workspace_id, external_id))

    def by_url(self, workspace_id: str, url: str) -> Link | None:
        """The newest that leads there. ``url``: as it is kept, UTM parameters included."""
        return self._links.named((_URL, workspace_id, url))

    def by_idempotency(self, workspace_id: str, hashed: str) -> Link | None:
        """The one that was made with this ``Idempotency-Key``."""
        return self._links.named((_IDEMPOTENCY, workspace_id, hashed))

    def of(self, workspace_id: str) -> NewestFirst[Link]:
        """All of a workspace."""
        return self._links.all_named((_OF, workspace_id))

    def put(self, link: Link) -> None:
        """What is there from now on."""
        self._links.put(link.id, link)

    def delete(self, link_id: str) -> None:
        """It is not there any more."""
        self._links.put(link_id, None)

    def apply(self, key: bytes | None, value: bytes | None) -> bool:
        """The next record of a key, in the topic's order. False: it cannot be read."""
        link_id = (key or b"").decode("utf-8", "replace")
        if value is None:
            self.delete(link_id)
            return True
        try:
            found = decode_link(value)
        except (MsgspecError, UnicodeDecodeError):
            found = None
        if found is None or found.id != link_id:
            self._links.spoil(link_id)
            return False
        self.put(found)
        return True
