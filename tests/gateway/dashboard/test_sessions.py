"""A session: whose it is, until when, and what it cannot be made of."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from msgspec.structs import replace

from processors.gateway.dashboard.sessions import LASTS_MS, MOST_CHARACTERS, begun, holder_of
from processors.registry.contents import Contents, Holder
from schemas.registry import Workspace, encode_workspace
from tests.gateway.dashboard.serving import OTHER, PUBLISHABLE, SECRET, workspace

NOW = 1_800_000_000_000


def contents(*workspaces: Workspace) -> Contents:
    made = Contents()
    for one in workspaces:
        made.put(one)
    return made


def session(now_ms: int = NOW) -> str:
    return begun(Holder(workspace(), SECRET.record), now_ms)


def test_whose_it_is() -> None:
    """Another gateway has read the same record: that is all it needs."""
    found = holder_of(session(), contents(workspace()), NOW)
    assert found == Holder(workspace(), SECRET.record)
    assert SECRET.text not in session()
    assert SECRET.record.hash not in urlsafe_b64decode(session() + "==").decode("latin-1")


def test_until_when() -> None:
    there = contents(workspace())
    assert holder_of(session(), there, NOW + LASTS_MS - 1)
    assert holder_of(session(), there, NOW + LASTS_MS) is None


def test_it_ends_when_its_key_is_rotated_or_gone() -> None:
    """Also while the old key opens the API for a while longer."""
    overlapping = replace(SECRET.record, expires_at=NOW + 10 * LASTS_MS)
    rotated = replace(workspace(), keys=(overlapping, OTHER.record))
    assert holder_of(session(), contents(rotated), NOW) is None
    assert holder_of(session(), contents(replace(workspace(), keys=(OTHER.record,))), NOW) is None
    assert holder_of(session(), contents(), NOW) is None


def test_the_key_of_another_workspace_makes_none_of_this() -> None:
    """Nor does a publishable one, which everybody may see."""
    other = workspace("globex", OTHER)
    forged = begun(Holder(workspace(), replace(OTHER.record, id=SECRET.record.id)), NOW)
    assert holder_of(forged, contents(workspace(), other), NOW) is None
    public = begun(Holder(workspace(), PUBLISHABLE.record), NOW)
    assert holder_of(public, contents(workspace()), NOW) is None


def test_no_bit_of_it_can_be_changed() -> None:
    there = contents(workspace())
    raw = urlsafe_b64decode(session() + "=" * (-len(session()) % 4))
    for place in range(len(raw)):
        changed = bytes([*raw[:place], raw[place] ^ 1, *raw[place + 1 :]])
        assert holder_of(urlsafe_b64encode(changed).decode().rstrip("="), there, NOW) is None, place


@pytest.mark.parametrize(
    "text",
    ["", "a", "=", "é", "\x00", "AAAA", "%%%%", "A" * MOST_CHARACTERS, "A" * 100_000, session() + "A"],
)
def test_what_is_none(text: str) -> None:
    assert holder_of(text, contents(workspace()), NOW) is None


def test_a_workspace_that_cannot_be_read_has_none() -> None:
    there = contents()
    assert not there.apply(b"acme", encode_workspace(workspace())[:-1])
    assert holder_of(session(), there, NOW) is None
