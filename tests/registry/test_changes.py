"""What becomes of a workspace, and what the registry then says of keys and domains."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.errors import LeadstreamError
from processors.registry.changes import (
    DomainTaken,
    NoSuchWorkspace,
    Wishes,
    WorkspaceExists,
    create,
    rotate,
    update,
)
from processors.registry.contents import Contents, UnreadableWorkspace
from processors.registry.keys import IssuedKey, issue
from processors.registry.links import LinkContents
from processors.registry.registries import Change, Registries
from processors.registry.telling import document, lines
from schemas.registry import Domain, KeyRole, Limits, Workspace, decode_workspace, encode_workspace

NOW = 1_800_000_000_000
HOUR = 3_600_000


def key(number: int, role: KeyRole = KeyRole.SECRET, at: int = NOW) -> IssuedKey:
    return issue(role, at, lambda count: number.to_bytes(count))


def new(workspace_id: str, number: int, *slugs: str) -> Workspace:
    domains = tuple(Domain(slug=one) for one in slugs)
    return Workspace(workspace_id=workspace_id, keys=(key(number).record,), domains=domains)


def made(contents: Contents, change: Change[Workspace]) -> Workspace:
    return change(Registries(contents, LinkContents())).result


def make(contents: Contents, *changes: Change[Workspace]) -> Workspace:
    """As the store does it, without Kafka."""
    for change in changes:
        done = made(contents, change)
        assert contents.apply(done.workspace_id.encode(), encode_workspace(done))
        again = made(contents, change)
        assert contents.workspace(done.workspace_id) == again == done, "made again it is the same"
    return done


@pytest.fixture
def contents() -> Contents:
    contents = Contents()
    make(contents, create(new("acme", 1, "go.acme.com", "acme.link")), create(new("globex", 2)))
    return contents


def test_one_of_an_id(contents: Contents) -> None:
    with pytest.raises(WorkspaceExists, match="acme exists already") as caught:
        made(contents, create(new("acme", 3)))
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    "change",
    [
        create(new("initech", 3, "free.com", "acme.link")),
        update("globex", Wishes(domain="acme.link")),
    ],
)
def test_one_of_a_domain(contents: Contents, change: Change[Workspace]) -> None:
    with pytest.raises(DomainTaken, match=r"acme\.link belongs to workspace acme"):
        made(contents, change)
    make(contents, update("acme", Wishes(remove_domain="acme.link")))
    make(contents, change)
    assert contents.of_domain("acme.link") != contents.workspace("acme")


@pytest.mark.parametrize("change", [update("nobody", Wishes()), rotate("nobody", key(3).record, 0)])
def test_nothing_becomes_of_what_is_not_there(contents: Contents, change: Change[Workspace]) -> None:
    with pytest.raises(NoSuchWorkspace):
        made(contents, change)


def test_a_wish_changes_what_it_names_and_nothing_else(contents: Contents) -> None:
    before = contents.workspace("acme")
    assert make(contents, update("acme", Wishes())) == before
    page = {"not_found_url": "https://acme.com/404"}
    make(
        contents,
        update("acme", Wishes(domain="acme.link", urls=page, primary=True)),
        update("acme", Wishes(domain="acme.link", urls={"expired_url": "https://acme.com/late"})),
        update("acme", Wishes(domain="new.acme.com")),
        update("acme", Wishes(limits={"secret": 5})),
        update("acme", Wishes(limits={"visitor": 7}, hostnames=("acme.com",))),
    )
    done = make(contents, update("acme", Wishes(track_conversion=True, record_gpc=True)))
    assert [one.slug for one in done.domains] == ["acme.link", "go.acme.com", "new.acme.com"]
    assert done.domains[0] == Domain(slug="acme.link", expired_url="https://acme.com/late", **page)
    assert (done.limits, done.hostnames) == (Limits(secret=5, visitor=7), ("acme.com",))
    done = make(contents, update("acme", Wishes(domain="acme.link", urls={"expired_url": None})))
    assert done.domains[0].expired_url is None
    assert done.track_conversion
    assert done.record_gpc
    assert make(contents, update("acme", Wishes(hostnames=()))).hostnames == ()


def test_rotation_with_overlap(contents: Contents) -> None:
    later = NOW + HOUR
    first, second, third = key(1), key(5, at=later), key(6, at=later + HOUR // 2)
    page = key(7, KeyRole.PUBLISHABLE)

    def opening(at: int) -> list[bool]:
        return [contents.holder(one.text, at) is not None for one in (first, second, third, page)]

    assert opening(NOW) == [True, False, False, False]
    make(contents, rotate("acme", page.record, HOUR), rotate("acme", second.record, HOUR))
    assert opening(later + HOUR - 1) == [True, True, False, True]
    assert opening(later + HOUR) == [False, True, False, True]
    make(contents, rotate("acme", third.record, 10 * HOUR))
    assert opening(later + HOUR) == [False, True, True, True], "a longer overlap revives nothing"
    make(contents, rotate("acme", key(8, at=later + HOUR).record, 0))
    assert opening(later + HOUR) == [False, False, False, True]
    done = make(contents, rotate("acme", key(9, at=later + 2 * HOUR).record, 0))
    assert [one.hash for one in done.keys] == [page.record.hash, key(9).record.hash], "forgotten when expired"


def test_a_key_finds_its_workspace_only(contents: Contents) -> None:
    for number, workspace_id in ((1, "acme"), (2, "globex")):
        found = contents.holder(key(number).text, NOW)
        assert found is not None
        assert (found.workspace.workspace_id, found.key) == (workspace_id, key(number).record)
    assert contents.holder(key(3).text, NOW) is None
    assert contents.holder(key(1).record.hash, NOW) is None
    assert contents.holder(key(1).text[:-1], NOW) is None


def test_what_is_deleted_or_unreadable_opens_nothing(contents: Contents) -> None:
    assert contents.apply(b"acme", None)
    assert contents.workspace("acme") is None
    assert (contents.holder(key(1).text, NOW), contents.of_domain("go.acme.com")) == (None, None)
    assert not contents.apply(b"globex", b'{"workspaceId":')
    assert contents.holder(key(2).text, NOW) is None
    assert contents.unreadable == ["globex"]
    for change in (create(new("globex", 4)), rotate("globex", key(4).record, 0)):
        with pytest.raises(UnreadableWorkspace, match="globex"):
            made(contents, change)
    assert contents.apply(b"globex", encode_workspace(new("globex", 2)))
    assert contents.unreadable == []
    assert contents.holder(key(2).text, NOW) is not None


@given(st.permutations([0, 0, 1, 1]))
def test_partitions_may_be_read_side_by_side(order: list[int]) -> None:
    """A domain and a key that have changed hands are with whoever has them now, in whichever order that is
    heard of.
    """
    partitions = [
        iter([new("acme", 1, "go.com"), new("acme", 2)]),
        iter([new("globex", 3), new("globex", 1, "go.com")]),
    ]
    contents = Contents()
    for partition in order:
        one = next(partitions[partition])
        assert contents.apply(one.workspace_id.encode(), encode_workspace(one))
    globex = contents.workspace("globex")
    assert contents.of_domain("go.com") == globex is not None
    found = contents.holder(key(1).text, NOW)
    assert found is not None
    assert found.workspace == globex


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"other", b'{"workspaceId":"acme"}'),
        *((b"acme", one) for one in (b"\xff", b"{}", b"null", b"")),
        (None, b'{"workspaceId":"acme"}'),
    ],
)
def test_records_of_strangers(name: bytes | None, value: bytes) -> None:
    assert not Contents().apply(name, value)


def test_what_a_newer_release_has_added_is_no_obstacle() -> None:
    least = Workspace(workspace_id="w")
    assert decode_workspace(b'{"workspaceId":"w","new":1,"limits":{"other":2}}') == least
    assert encode_workspace(least) == b'{"workspaceId":"w"}'


@pytest.mark.parametrize("told", [lambda one: str(document(one)), lambda one: "\n".join(lines(one, NOW))])
def test_what_is_shown_of_a_workspace(contents: Contents, told: Callable[[Workspace], str]) -> None:
    make(contents, rotate("acme", key(5).record, HOUR))
    text = told(next(iter(contents)))
    for shown in (
        "acme",
        "go.acme.com",
        "acme.link",
        "primary",
        key(1).record.prefix,
        "2027-01-15T09:00:00.000Z",
    ):
        assert shown in text
    assert key(1).record.hash not in text
    assert key(1).text not in text


def test_errors_say_what_to_do() -> None:
    for error in (
        WorkspaceExists("a"),
        NoSuchWorkspace("a"),
        DomainTaken("a.com", "b"),
        UnreadableWorkspace("a"),
    ):
        assert isinstance(error, LeadstreamError)
        assert error.remedy
