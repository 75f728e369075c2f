"""When keys were last used: written down now and then, and in nobody's way."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from processors.registry.changes import Wishes, create, rotate, update
from processors.registry.contents import Contents
from processors.registry.keys import issue
from processors.registry.last_use import LastUses, used
from processors.registry.links import LinkContents
from processors.registry.registries import Change, Registries
from processors.registry.telling import document, lines
from schemas.registry import ApiKey, KeyRole, KeyUse, Workspace, decode_workspace, encode_workspace
from schemas.times import MINUTE_MS

NOW = 1_800_000_000_000


def key(number: int) -> ApiKey:
    return issue(KeyRole.SECRET, NOW, lambda count: number.to_bytes(count)).record


def make(held: Registries, change: Change[Any]) -> None:
    for record in change(held.draft()).put:
        assert not hasattr(record, "url")
        assert held.workspaces.apply(record.record_key.encode(), encode_workspace(record))


def registries() -> Registries:
    held = Registries(Contents(), LinkContents())
    make(held, create(Workspace(workspace_id="acme", keys=(key(1), key(2)))))
    return held


def test_what_is_written_is_what_was_seen() -> None:
    held, seen = registries(), LastUses()
    for minute in range(3):
        seen.note("acme", key(1).id, NOW + minute * MINUTE_MS)
    due = seen.due(held.workspaces, NOW + 3 * MINUTE_MS)
    assert due == {"acme": {key(1).id: NOW + 2 * MINUTE_MS}}
    make(held, used(due))
    assert held.workspaces.uses("acme").last_used == due["acme"]
    assert seen.due(held.workspaces, NOW + 60 * MINUTE_MS) == {}
    assert not seen.due(held.workspaces, NOW), "forgotten"


@given(st.lists(st.integers(0, 100), min_size=1, max_size=300))
def test_of_a_busy_key_little_is_written_and_the_last_use_in_the_end(seconds: list[int]) -> None:
    """Whatever the pace; ``seconds``: from one use to the next."""
    held, seen = registries(), LastUses()
    now, written = NOW, []
    for pause in seconds:
        now += pause * 1_000
        seen.note("acme", key(1).id, now)
        if due := seen.due(held.workspaces, now):
            make(held, used(due))
            written.append(now)
    assert all(later - earlier >= 5 * MINUTE_MS for earlier, later in pairwise(written))
    if due := seen.due(held.workspaces, now + 5 * MINUTE_MS):
        make(held, used(due))
    assert held.workspaces.uses("acme").last_used == {key(1).id: now}


def test_of_two_processes_none_undoes_what_the_other_wrote() -> None:
    held = registries()
    make(held, used({"acme": {key(1).id: NOW + 5, key(2).id: NOW}}))
    make(held, used({"acme": {key(1).id: NOW, key(2).id: NOW + 7}}))
    assert held.workspaces.uses("acme").last_used == {key(1).id: NOW + 5, key(2).id: NOW + 7}


def test_the_workspace_is_not_touched() -> None:
    """Nor is a key kept that was rotated away, or a workspace made that is gone."""
    held = registries()
    make(held, used({"acme": {key(1).id: NOW}}))
    make(held, rotate("acme", key(3), 0))
    make(held, update("acme", Wishes(hostnames=("acme.com",))))
    before = held.workspaces.workspace("acme")
    made = used({"acme": {key(1).id: NOW + 1, key(3).id: NOW + 2}, "nobody": {"key": NOW}})(held)
    assert made.put == [KeyUse(workspace_id="acme", last_used={key(3).id: NOW + 2})]
    make(held, lambda _: made)
    assert held.workspaces.workspace("acme") == before
    held.workspaces.apply(b"acme", b"{")
    assert used({"acme": {key(3).id: NOW}})(held).put == []


def test_to_an_older_release_it_is_a_workspace_that_cannot_be_read() -> None:
    """Which does not open anything, has the id of nobody, and is not written over."""
    use = KeyUse(workspace_id="acme", last_used={key(1).id: NOW})
    assert decode_workspace(encode_workspace(use)).workspace_id != use.record_key
    contents = registries().workspaces
    assert contents.apply(use.record_key.encode(), encode_workspace(use))
    assert [one.workspace_id for one in contents] == ["acme"]
    for broken in (b"{", encode_workspace(KeyUse(workspace_id="other"))):
        assert not contents.apply(use.record_key.encode(), broken)
        assert contents.uses("acme").last_used == {}
        assert contents.unreadable == []
    assert contents.apply(use.record_key.encode(), None)


def test_it_is_shown_where_it_is_known() -> None:
    held = registries()
    (acme,) = held.workspaces
    uses = KeyUse(workspace_id="acme", last_used={key(1).id: NOW})
    assert [one["lastUsedAt"] for one in document(acme, uses)["keys"]] == ["2027-01-15T08:00:00.000Z", None]
    assert [line.rpartition(", ")[2] for line in list(lines(acme, NOW, uses))[-2:]] == [
        "last used 2027-01-15T08:00:00.000Z",
        "last used never",
    ]
    assert "last used" not in "".join(lines(acme, NOW))
    assert "lastUsedAt" not in document(acme)["keys"][0]
