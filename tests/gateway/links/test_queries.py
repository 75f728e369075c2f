"""Which links a caller is shown, and in which pages."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import ValidationError, convert

from processors.gateway.answers import ApiError
from processors.gateway.links.queries import LinksQuery, chosen, page_of
from processors.gateway.paging import check_paging
from schemas.links import Link


class Newest:
    """Links by ids that sort by age."""

    def __init__(self, links: Sequence[Link]) -> None:
        self._links = sorted(links, key=lambda one: one.id)

    def __iter__(self) -> Iterator[Link]:
        return reversed(self._links)

    def older_than(self, id_: str) -> Iterator[Link]:
        return (one for one in self if one.id < id_)

    def newer_than(self, id_: str) -> Iterator[Link]:
        return (one for one in self._links if one.id > id_)


def _link(number: int, **fields: Any) -> Link:
    known = {"domain": "go.example", "key": f"k{number}", "url": f"https://example.com/{number}"}
    return Link(
        id=f"link_{number:03}", workspace_id="acme", created_at=0, updated_at=0, **{**known, **fields}
    )


def _query(**sent: Any) -> LinksQuery:
    query = convert(sent, LinksQuery, strict=False)
    check_paging(query)
    return query


@given(st.integers(0, 20), st.integers(1, 7))
async def test_pages_and_cursors_show_every_link_once(count: int, size: int) -> None:
    links = Newest([_link(number) for number in range(count)])
    all_of_them = list(links)

    pages = [await page_of(lambda: links, _query(page=page, pageSize=size)) for page in range(1, count + 2)]
    assert [one for page in pages for one in page] == all_of_them

    forwards = await page_of(lambda: links, _query(pageSize=size))
    while (
        page := await page_of(lambda: links, _query(startingAfter=forwards[-1].id, pageSize=size))
        if forwards
        else []
    ):
        forwards += page
    assert forwards == all_of_them

    backwards = all_of_them[-1:]
    while (
        page := await page_of(lambda: links, _query(endingBefore=backwards[0].id, pageSize=size))
        if backwards
        else []
    ):
        backwards = page + backwards
    assert backwards == all_of_them


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ({}, [3, 1, 0]),
        ({"showArchived": "true"}, [3, 2, 1, 0]),
        ({"withTags": "true"}, [3, 1, 0]),
        ({"domain": "other.example"}, [1]),
        ({"domain": "Other.Example"}, [1]),
        ({"tenantId": "t"}, [3]),
        ({"userId": "key_1"}, [0]),
        ({"search": "EXAMPLE.COM/3"}, [3]),
        ({"search": "go.example/K"}, [3, 0]),
        ({"search": "nothing"}, []),
        ({"tagIds": ["a"]}, []),
        ({"tagNames": ["a"]}, []),
        ({"folderId": "f"}, []),
        ({"folderId": "unsorted"}, [3, 1, 0]),
        ({"startingAfter": "link_002"}, [1, 0]),
        ({"endingBefore": "link_001", "pageSize": "1"}, [3]),
        ({"domain": "", "search": "", "tenantId": ""}, [3, 1, 0]),
    ],
)
async def test_filters(sent: dict[str, Any], found: list[int]) -> None:
    links = [
        _link(0, user_id="key_1"),
        _link(1, domain="other.example"),
        _link(2, archived=True),
        _link(3, tenant_id="t"),
    ]
    assert await page_of(lambda: Newest(links), _query(**sent)) == [links[one] for one in found]


async def test_very_many_keep_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is made and deleted meanwhile is shown or not; the others are all shown, and once."""
    links = [_link(number) for number in range(10)]
    monkeypatch.setattr("processors.gateway.links.queries._AT_ONCE", 3)
    looked: list[int] = []

    def look() -> Newest:
        looked.append(len(looked))
        there = links[:8] if len(looked) > 1 else links
        return Newest([*there, _link(10 + len(looked))])

    found = await chosen(look, _query())
    assert [one for one in found if one in links[:8]] == links[7::-1]
    assert len({one.id for one in found}) == len(found)
    assert len(looked) > 3


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (
            {"startingAfter": "a", "endingBefore": "b"},
            "You cannot use both startingAfter and endingBefore at the same time.",
        ),
        (
            {"page": 1, "endingBefore": "b"},
            (
                "You cannot use both page and startingAfter/endingBefore at the same time."
                " Please use one pagination method."
            ),
        ),
        (
            {"page": 1001},
            "Page is too big (cannot be more than 1000), recommend using cursor-based pagination instead.",
        ),
    ],
)
def test_pages_that_cannot_be(sent: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiError) as refused:
        _query(**sent)
    assert refused.value.message == message


@pytest.mark.parametrize("sent", [{"pageSize": 101}, {"pageSize": 0}, {"page": 0}, {"search": "s" * 501}])
def test_bounds(sent: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _query(**sent)
