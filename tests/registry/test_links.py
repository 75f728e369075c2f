"""Links are found by everything that they are looked up by, and by nothing else."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.registry.links import LinkContents, UnreadableLink
from processors.registry.names import same_key
from schemas.links import Link, decode_link, encode_link
from tests.registry.links import link

LINKS = st.builds(
    lambda number, workspace_id, key, url, external_id, idempotency: link(
        number,
        workspace_id=workspace_id,
        domain=f"{workspace_id}.link",
        key=key,
        url=url,
        external_id=external_id,
        idempotency=idempotency,
    ),
    st.integers(0, 5),
    st.sampled_from(["acme", "globex"]),
    st.sampled_from(["promo", "Promo", "STRASSE", "straße", "a/b", "caf\u00e9", "CAFE\u0301"]),
    st.sampled_from(["https://a.com", "https://b.com"]),
    st.sampled_from([None, "x", "y"]),
    st.sampled_from([None, "h"]),
)


def newest(links: dict[str, Link], wanted: Callable[[Link], bool]) -> Link | None:
    return max((one for one in links.values() if wanted(one)), key=lambda one: one.id, default=None)


def check(contents: LinkContents, model: dict[str, Link]) -> None:
    for one in [*model.values(), link(9, domain="acme.link", key="none")]:
        folded, workspace_id = same_key(one.key), one.workspace_id
        assert contents.get(one.id) == model.get(one.id)
        for key in (one.key, one.key.upper(), folded):
            assert contents.at(one.domain, key) == newest(
                model,
                lambda other, at=(one.domain, folded): (other.domain, same_key(other.key)) == at,  # type: ignore[misc]
            )
        for asked, name in (
            (contents.by_url, "url"),
            (contents.by_external_id, "external_id"),
            (contents.by_idempotency, "idempotency"),
        ):
            text = getattr(one, name) or "none"
            assert asked(workspace_id, text) == newest(
                model,
                lambda other, name=name, said=(workspace_id, text): (  # type: ignore[misc]
                    (other.workspace_id, getattr(other, name)) == said
                ),
            )
        mine = [other for other in model.values() if other.workspace_id == workspace_id]
        assert list(contents.of(workspace_id)) == sorted(mine, key=lambda other: other.id, reverse=True)


@given(st.lists(st.one_of(LINKS, st.integers(0, 5)), max_size=20), st.lists(LINKS, max_size=5))
def test_they_are_found_as_among_all(steps: list[Link | int], above: list[Link]) -> None:
    """``steps``: records, and tombstones by number."""
    contents = LinkContents()
    model: dict[str, Link] = {}
    for step in steps:
        if isinstance(step, Link):
            model[step.id] = step
            assert contents.apply(step.id.encode(), encode_link(step))
        else:
            model.pop(link(step).id, None)
            assert contents.apply(link(step).id.encode(), None)
    check(contents, model)
    draft, drafted = contents.over(), dict(model)
    for one in above:
        draft.put(one)
        drafted[one.id] = one
    for one in above[:2]:
        draft.delete(one.id)
        drafted.pop(one.id, None)
    check(draft, drafted)
    check(contents, model)


@given(st.permutations([0, 0, 1, 1]))
def test_partitions_may_be_read_side_by_side(order: list[int]) -> None:
    """A key that has changed hands is with the link that has it now, in whichever order that is heard of."""
    old, new = link(2, key="promo"), link(1, key="other")
    partitions: list[Iterator[Link]] = [
        iter([old, replace(old, key="free")]),
        iter([new, replace(new, key="promo")]),
    ]
    contents = LinkContents()
    for partition in order:
        one = next(partitions[partition])
        assert contents.apply(one.id.encode(), encode_link(one))
    assert contents.at("go.acme.com", "PROMO") == replace(new, key="promo")
    assert contents.at("go.acme.com", "other") is None


def test_by_id_or_external_id_within_the_workspace() -> None:
    contents = LinkContents()
    one = link(1, external_id="7")
    contents.put(one)
    assert contents.find("acme", one.id) == contents.find("acme", "ext_7") == one
    for workspace_id, name in (("globex", one.id), ("globex", "ext_7"), ("acme", "7"), ("acme", "ext_8")):
        assert contents.find(workspace_id, name) is None


@pytest.mark.parametrize("value", [b"", b"{}", b"null", b"\xff", encode_link(link(2))])
def test_what_is_unreadable_leads_nowhere(value: bytes) -> None:
    contents = LinkContents()
    one = link(1)
    contents.put(one)
    assert not contents.apply(one.id.encode(), value)
    assert contents.at(one.domain, one.key) is None
    assert list(contents.of("acme")) == []
    assert contents.unreadable == [one.id]
    for asked in (contents, contents.over()):
        with pytest.raises(UnreadableLink, match=one.id):
            asked.get(one.id)
    assert contents.apply(one.id.encode(), encode_link(one))
    assert (contents.get(one.id), contents.unreadable) == (one, [])


def test_what_a_newer_release_has_added_is_no_obstacle() -> None:
    least = b'{"id":"i","workspaceId":"w","domain":"d","key":"k","url":"u","createdAt":1,"updatedAt":2'
    assert decode_link(least + b',"new":{"a":1}}') == decode_link(least + b"}")
    assert encode_link(decode_link(least + b"}")) == least + b"}"
