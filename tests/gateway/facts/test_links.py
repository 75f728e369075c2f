"""What is known of the link of a click that came lately."""

from collections.abc import Callable

from processors.gateway.facts.reading import Memory
from processors.gateway.facts.recent import Recent
from processors.gateway.known import KnownLink
from processors.registry.links import LinkContents
from schemas.events import Click
from schemas.links import Link
from tests.registry.links import NOW, link

REGISTERED = link(1, partner_id="pn_1", external_id="own")


def known(found: Link) -> KnownLink:
    return KnownLink(
        found.id, found.domain, found.key, found.url, found.partner_id, None, None, found.external_id
    )


def after(change: Callable[[LinkContents], None], workspace_id: str = "acme") -> KnownLink:
    """A click comes, then the registry changes."""
    links = LinkContents()
    links.put(REGISTERED)
    memory = Memory(Recent(1 << 20), lambda: links, lambda: NOW)
    click = Click(
        workspace_id=workspace_id, click_id="c1", link_id=REGISTERED.id, url="https://acme.com/1?a=b"
    )
    memory.learn(click, NOW, ())
    change(links)
    entry = memory.recent.click(workspace_id, "c1")
    assert entry is not None
    return memory.linked(workspace_id, entry.link)


def test_the_registry_has_the_word() -> None:
    changed = link(1, url="https://acme.com/new")
    assert after(lambda links: links.put(changed)) == known(changed)


def test_one_that_was_deleted_is_as_it_was_at_the_click() -> None:
    assert after(lambda links: links.delete(REGISTERED.id)) == known(REGISTERED)


def test_of_anothers_link_only_what_the_click_says_is_known() -> None:
    own = KnownLink(REGISTERED.id, None, None, "https://acme.com/1?a=b", None, None, None, None)
    assert after(lambda _: None, "other") == own
