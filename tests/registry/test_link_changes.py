"""What may become of a link, and what not."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from processors.errors import LeadstreamError
from processors.registry.changes import DomainInUse, DomainTaken, NoSuchWorkspace, Wishes
from processors.registry.changes import create as create_workspace
from processors.registry.changes import update as update_workspace
from processors.registry.link_changes import (
    DomainNotOfWorkspace,
    ExternalIdTaken,
    KeyTaken,
    LinkExists,
    LinkRefused,
    NoKeyFree,
    NoSuchLink,
    create,
    delete,
    put,
    update,
    upsert,
)
from processors.registry.links import UnreadableLink
from processors.registry.registries import Change, Made, Registries, each, together
from schemas.links import Link
from tests.registry.links import link, make, make_once, registries, workspace


@pytest.fixture
def held() -> Registries:
    """Two links of acme, and one of globex."""
    held = registries()
    for one in (
        link(1, key="Promo", external_id="one"),
        link(2, url="https://acme.com/1", idempotency="h"),
        link(3, workspace_id="globex", domain="globex.link", external_id="one"),
    ):
        make(held, create(one))
    return held


def rename(**fields: str) -> Callable[[Link], Link]:
    return lambda old: replace(old, **fields)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (create(link(4, key="pROMO")), KeyTaken),
        (create(link(4, external_id="one")), ExternalIdTaken),
        (create(link(4, domain="globex.link")), DomainNotOfWorkspace),
        (create(link(4, domain="nobody.link")), DomainNotOfWorkspace),
        (create(link(4), lambda: "PROMO"), NoKeyFree),
        (create(link(1, workspace_id="globex", domain="globex.link")), LinkExists),
        (update("acme", link(2).id, rename(key="promo")), KeyTaken),
        (update("acme", link(2).id, rename(domain="globex.link")), DomainNotOfWorkspace),
        (update("acme", link(2).id, rename(external_id="one")), ExternalIdTaken),
        (update("acme", link(3).id, rename(key="mine")), NoSuchLink),
        (update("acme", "ext_two", rename(key="mine")), NoSuchLink),
        (upsert(link(4, key="promo"), rename(key="x")), KeyTaken),
        (upsert(link(4, url="https://acme.com/1"), rename(key="promo")), KeyTaken),
        (delete("acme", link(3).id), NoSuchLink),
        (delete("globex", link(1).id), NoSuchLink),
        (put(link(1, workspace_id="globex", domain="globex.link")), LinkExists),
        (put(link(4, key="promo")), KeyTaken),
    ],
)
def test_what_is_in_the_way(held: Registries, change: Change[Link], error: type[LinkRefused]) -> None:
    before = list(held.links)
    with pytest.raises(error) as caught:
        make(held, change)
    assert type(caught.value) is error
    assert isinstance(caught.value, LinkRefused)
    assert list(held.links) == before


def test_a_link_needs_its_workspace(held: Registries) -> None:
    with pytest.raises(NoSuchWorkspace):
        make(held, create(link(4, workspace_id="nobody")))


def test_the_same_key_on_another_domain(held: Registries) -> None:
    for number, (workspace_id, domain) in enumerate(
        [("acme", "acme.link"), ("globex", "globex.link")], start=4
    ):
        one = link(number, workspace_id=workspace_id, domain=domain, key="promo")
        assert make(held, create(one)) == held.links.at(domain, "PROMO") == one


def test_a_random_key_is_drawn_until_it_is_free(held: Registries) -> None:
    drawn = iter(["promo", "K2", "free", "later"])
    assert make(held, create(link(4, key=""), lambda: next(drawn))).key == "free"
    assert next(drawn) == "later"


def test_one_for_each_idempotency_key(held: Registries) -> None:
    assert make(held, create(link(4, idempotency="h"))) == link(2, url="https://acme.com/1", idempotency="h")
    other = link(5, workspace_id="globex", domain="globex.link", idempotency="h")
    assert make(held, create(other)) == other, "of another workspace"
    make(held, delete("acme", link(2).id))
    assert make(held, create(link(4, idempotency="h"))).id == link(4).id


def test_an_update_keeps_what_is_no_ones_to_change(held: Registries) -> None:
    done = make(held, update("acme", "ext_one", rename(id="x", workspace_id="globex", key="promo")))
    assert done == link(1, key="promo", external_id="one"), "its own key in another case is free"
    assert make(held, update("acme", link(2).id, rename(domain="acme.link"))).domain == "acme.link"
    assert held.links.at("go.acme.com", "k2") is None
    assert make(held, update("acme", "ext_one", rename(external_id="other"))).external_id == "other"


def test_what_changes_nothing_is_not_written(held: Registries) -> None:
    assert update("acme", "ext_one", lambda old: old)(held).put == ()
    assert put(link(1, key="Promo", external_id="one"))(held).put == ()


def test_an_upsert_finds_the_newest_by_its_url(held: Registries) -> None:
    done = make(held, upsert(link(4, url="https://acme.com/1"), rename(key="changed")))
    assert (done.id, done.key) == (link(2).id, "changed")
    made = make(held, upsert(link(4), rename(key="unused")))
    assert made == held.links.get(made.id) == link(4)


def test_several_at_once_see_each_other(held: Registries) -> None:
    done = make_once(
        held,
        each(
            [
                delete("acme", "ext_one"),
                create(link(4, key="promo", external_id="one")),
                create(link(5, key="PROMO")),
                update("acme", "ext_one", rename(key="new")),
                create(link(6, key="promo")),
                delete("acme", link(6).id),
            ]
        ),
    )
    kinds = [type(one) for one in done]
    assert kinds == [Link, Link, KeyTaken, Link, Link, Link]
    assert sorted(one.id for one in held.links.of("acme")) == [link(2).id, link(4).id]
    assert held.links.at("go.acme.com", "new") == link(4, key="new", external_id="one")


def test_the_last_word_on_a_record_counts() -> None:
    one, other = link(1), link(1, key="other")
    assert together([Made(None, put=[one]), Made(None, put=[other])]) == ([other], [])
    assert together([Made(None, put=[one]), Made(None, delete=[one])]) == ([], [one])
    assert together([Made(None, delete=[one]), Made(None, put=[other])]) == ([other], [])


def test_nothing_is_written_over_what_is_unreadable(held: Registries) -> None:
    held.links.apply(link(1).id.encode(), b"{")
    for change in (
        create(link(1)),
        put(link(1)),
        delete("acme", link(1).id),
        update("acme", link(1).id, rename(key="x")),
    ):
        with pytest.raises(UnreadableLink):
            change(held)


def test_links_go_with_their_domain(held: Registries) -> None:
    """Whoever got the domain would have them otherwise."""
    with pytest.raises(DomainInUse, match=r"acme has links on go\.acme\.com"):
        update_workspace("acme", Wishes(remove_domain="go.acme.com"))(held)
    assert len(update_workspace("acme", Wishes(remove_domain="acme.link"))(held).result.domains) == 1
    held.workspaces.apply(b"acme", None)
    with pytest.raises(DomainTaken, match="belongs to workspace acme"):
        create_workspace(workspace("initech", "go.acme.com"))(held)
    assert create_workspace(workspace("initech", "acme.link"))(held).put
    assert create_workspace(workspace("acme", "go.acme.com"))(held).put


def test_errors_say_what_is_wrong() -> None:
    for error in (
        NoSuchLink("a"),
        LinkExists("a"),
        DomainNotOfWorkspace("a.com", "b"),
        KeyTaken("a.com", "k", "i"),
        NoKeyFree("a.com"),
        ExternalIdTaken("a", "i"),
        DomainInUse("a.com", "b"),
    ):
        assert isinstance(error, LeadstreamError)
        assert str(error)
