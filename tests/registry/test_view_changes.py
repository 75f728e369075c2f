"""Views that a workspace saves and shares: what becomes of them, and who hears of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.registry.changes import create
from processors.registry.contents import Contents, UnreadableWorkspace
from processors.registry.keys import hash_of, is_mistyped, issue, new_token
from processors.registry.last_use import used
from processors.registry.links import LinkContents
from processors.registry.registries import Change, Registries
from processors.registry.view_changes import (
    MOST,
    MOST_NAME,
    MOST_QUERY,
    Issued,
    NameTaken,
    NoSuchView,
    TooManyViews,
    forget,
    issue_link,
    rename,
    revoke,
    save,
    share,
    view_name,
)
from processors.registry.writing import _MOST_BYTES
from schemas.registry import KeyRole, KeyUse, Workspace, decode_key_use, decode_workspace, encode_workspace
from schemas.times import DAY_MS
from schemas.views import SavedView, WorkspaceViews
from schemas.workspaces import is_workspace_id

NOW = 1_800_000_000_000
RANDOM = st.binary(min_size=24, max_size=24)


def make(held: Registries, change: Change[Any]) -> None:
    for record in change(held.draft()).put:
        assert not hasattr(record, "url")
        assert held.workspaces.apply(record.record_key.encode(), encode_workspace(record))


@pytest.fixture
def held() -> Registries:
    return registries()


def registries() -> Registries:
    held = Registries(Contents(), LinkContents())
    for name in ("acme", "globex"):
        make(held, create(Workspace(workspace_id=name)))
    return held


def view(number: int = 1, name: str = "Mine") -> SavedView:
    return SavedView(id=f"view_{number}", name=name, path="/", query="country=DE")


def link(number: int, *, at_ms: int = NOW, days: int = 30) -> Issued:
    return issue_link(view(number), days * DAY_MS, "leadstream_sk_abcd", at_ms, lambda n: bytes([number]) * n)


def saved(held: Registries, workspace_id: str = "acme") -> dict[str, str]:
    return {one.name: one.id for one in held.workspaces.views(workspace_id).saved}


@given(RANDOM, RANDOM)
def test_a_token_opens_its_view_and_no_other_one_does(random: bytes, other: bytes) -> None:
    held = registries()
    made = issue_link(view(), DAY_MS, "", NOW, lambda count: random[:count])
    make(held, share("acme", made.view))
    found = held.workspaces.shared(made.token)
    assert found == ("acme", made.view)
    assert made.token not in f"{made}"
    assert made.view.hash == hash_of(made.token)
    another = new_token(lambda count: other[:count])
    assert (held.workspaces.shared(another) is None) == (other != random)


@given(RANDOM, st.integers(0), st.characters(codec="utf-8"))
def test_one_wrong_character_opens_nothing(random: bytes, place: int, character: str) -> None:
    held = registries()
    made = issue_link(view(), DAY_MS, "", NOW, lambda count: random[:count])
    make(held, share("acme", made.view))
    place %= len(made.token)
    wrong = made.token[:place] + character + made.token[place + 1 :]
    assert (held.workspaces.shared(wrong) is None) == (wrong != made.token)
    assert not is_mistyped(made.token)


def test_it_opens_until_it_expires_or_is_revoked_or_its_workspace_goes(held: Registries) -> None:
    made = link(1, days=7)
    assert made.view.opens(NOW + 7 * DAY_MS - 1)
    assert not made.view.opens(NOW + 7 * DAY_MS)
    make(held, share("acme", made.view))
    make(held, revoke("acme", made.view.id))
    make(held, revoke("acme", made.view.id))
    assert held.workspaces.shared(made.token) is None
    make(held, share("acme", made.view))
    held.workspaces.apply(b"acme", None)
    assert held.workspaces.shared(made.token) is None


def test_no_workspace_can_do_anything_about_anothers(held: Registries) -> None:
    made = link(1)
    make(held, share("acme", made.view))
    make(held, save("acme", view(2)))
    before = held.workspaces.views("acme")
    make(held, revoke("globex", made.view.id))
    make(held, forget("globex", "view_2"))
    with pytest.raises(NoSuchView):
        make(held, rename("globex", "view_2", "Theirs"))
    make(held, save("globex", view(3)))
    assert held.workspaces.views("acme") == before
    assert saved(held, "globex") == {"Mine": "view_3"}


def test_a_key_is_no_token_and_a_token_no_key(held: Registries) -> None:
    key, made = issue(KeyRole.SECRET, NOW, lambda count: b"k" * count), link(1)
    make(held, create(Workspace(workspace_id="initech", keys=(key.record,))))
    make(held, share("initech", made.view))
    assert held.workspaces.shared(key.text) is None
    assert held.workspaces.holder(made.token, NOW) is None


def test_of_links_as_many_as_are_allowed_and_expired_ones_make_room(held: Registries) -> None:
    for number in range(1, 4):
        make(held, share("acme", link(number, at_ms=NOW + number, days=7).view, most=3))
    with pytest.raises(TooManyViews):
        make(held, share("acme", link(4, at_ms=NOW + 5).view, most=3))
    # The first one has expired, and is the one that goes.
    make(held, share("acme", link(4, at_ms=NOW + 1 + 7 * DAY_MS).view, most=3))
    assert [one.id for one in held.workspaces.views("acme").shared] == ["view_4", "view_3", "view_2"]


def test_a_change_that_is_made_again_makes_no_second_one(held: Registries) -> None:
    change = share("acme", link(1).view, most=1)
    for _ in range(2):
        make(held, change)
        make(held, save("acme", view(1), most=1))
    assert len(held.workspaces.views("acme").shared) == len(held.workspaces.views("acme").saved) == 1


def test_a_name_is_of_one_view(held: Registries) -> None:
    make(held, save("acme", view(1, "Berlin")))
    make(held, save("acme", replace(view(2, "BERLIN"), query="country=AT")))
    assert saved(held) == {"BERLIN": "view_1"}
    assert held.workspaces.views("acme").saved[0].query == "country=AT"
    make(held, save("acme", view(3, "Austria")))
    assert [*saved(held)] == ["Austria", "BERLIN"]
    with pytest.raises(NameTaken):
        make(held, rename("acme", "view_3", "berlin"))
    make(held, rename("acme", "view_3", "Vienna"))
    make(held, rename("acme", "view_1", "berlin"))
    assert [*saved(held)] == ["berlin", "Vienna"]
    with pytest.raises(TooManyViews):
        make(held, save("acme", view(4, "Third"), most=2))
    make(held, forget("acme", "view_1"))
    make(held, save("acme", view(4, "Third"), most=2))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("  two\n words\t", "two words"),
        ("", ""),
        ("Zürich 📈", "Zürich 📈"),
        ("a" * MOST_NAME, "a" * MOST_NAME),
    ],
)
def test_names(text: str, name: str) -> None:
    assert view_name(text) == name


@pytest.mark.parametrize("text", ["a" * (MOST_NAME + 1), "a\u202eb", "a\x00b"])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(ValueError, match="A name has at most 60 characters"):
        view_name(text)


def test_the_record_has_room_for_all(held: Registries) -> None:
    longest = replace(view(1, "\U0001f600" * MOST_NAME), query="q" * MOST_QUERY)
    for number in range(1, MOST + 1):
        name = f"\U0001f600{number}".ljust(MOST_NAME, "\U0001f600")
        made = replace(link(number).view, name=longest.name, query=longest.query)
        make(held, share("acme", made))
        make(held, save("acme", replace(longest, id=f"view_{number}", name=name)))
    assert len(encode_workspace(held.workspaces.views("acme"))) < _MOST_BYTES / 2


def test_releases_before_see_uses_of_keys_that_nobody_has() -> None:
    """Under an id that no workspace can have, which they cannot read: nothing is opened, shown or written."""
    views = WorkspaceViews(workspace_id="acme", saved=(view(),), shared=(link(1).view,))
    value = encode_workspace(views)
    assert views.record_key.partition(KeyUse.SUFFIX) == ("acme:views", KeyUse.SUFFIX, "")
    assert decode_key_use(value).record_key != views.record_key
    assert decode_workspace(value).keys == ()
    assert not is_workspace_id("acme:views")


def test_neither_views_nor_what_a_newer_release_keeps_beside_a_workspace_touch_it(held: Registries) -> None:
    before = held.workspaces.workspace("acme")
    make(held, share("acme", link(1).view))
    make(held, used({"acme": {}}))
    assert not held.workspaces.apply(b"acme:later", b'{"workspaceId":"acme"}')
    assert held.workspaces.apply(b"acme:later", None)
    assert held.workspaces.workspace("acme") is before
    assert held.workspaces.unreadable == []
    assert [one.workspace_id for one in held.workspaces] == ["acme", "globex"]


def test_what_cannot_be_read_opens_nothing_and_is_not_written_over(held: Registries) -> None:
    made = link(1)
    make(held, share("acme", made.view))
    for broken in (b"{", encode_workspace(WorkspaceViews(workspace_id="globex"))):
        assert not held.workspaces.apply(b"acme:views:use", broken)
        assert held.workspaces.shared(made.token) is None
        for change in (save("acme", view(2)), share("acme", made.view), revoke("acme", made.view.id)):
            with pytest.raises(UnreadableWorkspace):
                change(held.draft())
    assert held.workspaces.apply(b"acme:views:use", None)
    assert held.workspaces.views("acme") == WorkspaceViews(workspace_id="acme")
