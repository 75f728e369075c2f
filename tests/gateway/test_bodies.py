"""Bodies and queries: what is taken, and the words in which the rest is refused."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message

from processors.gateway.answers import ApiError
from processors.gateway.bodies import ClientGone, receive_body
from tests.gateway.doors import Door, Order, Search, bearer


async def post(body: bytes, path: str = "/orders", **headers: str) -> tuple[Any, Any]:
    """The answer, and what the handler was given."""
    door = Door()
    async with door.client(**headers) as client:
        answer = await client.post(path, content=body, headers=bearer())
    return answer, door.calls[0].body if door.calls else None


@pytest.mark.parametrize(
    ("body", "order"),
    [
        (b'{"itemName":"tea"}', Order("tea")),
        (b' {"itemName":"tea","unknown":{"a":[1]}}\n', Order("tea")),
        (b'{"itemName":"tea","amount":2.0,"mode":"quick"}', Order("tea", 2, "quick")),
        (b'{"itemName":"tea","mode":""}', Order("tea")),
        (b'{"itemName":"\\ud83d"}', Order("\ufffd")),
        (b'{"itemName":"\\ud83c\\udf75"}', Order("\U0001f375")),
        ('{"itemName":"äöü"}'.encode(), Order("äöü")),
        (b'{"itemName":"tea","itemName":"mate"}', Order("mate")),
    ],
)
async def test_what_is_taken(body: bytes, order: Order) -> None:
    answer, given = await post(body)
    assert (answer.status_code, given) == (200, order)


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "application/JSON", "text/plain;charset=UTF-8", "x/y", ""]
)
async def test_the_type_of_the_content_is_not_asked(kind: str) -> None:
    answer, given = await post(b'{"itemName":"tea"}', content_type=kind)
    assert (answer.status_code, given) == (200, Order("tea"))


async def test_lists() -> None:
    _, given = await post(b'[{"itemName":"tea"},{"itemName":"mate","amount":3.0}]', "/orders/bulk")
    assert given == [Order("tea"), Order("mate", 3)]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"nope", b'{"itemName":"tea"} x', b"\xff\xfe", b'{"itemName":"\xff"}', b'{"amount":"x",}'],
)
async def test_what_is_no_json(body: bytes) -> None:
    answer, given = await post(body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
    assert answer.json()["error"]["message"].startswith("The body is no valid JSON: ")
    assert given is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{}", "invalid_type: itemName: itemName is required."),
        (b"[]", "invalid_type: body: Expected object, received array"),
        (b'{"itemName":1}', "invalid_type: itemName: Expected string, received integer"),
        (b'{"itemName":null}', "invalid_type: itemName: Expected string, received null"),
        (b'{"itemName":""}', "too_small: itemName: itemName is required"),
        (
            b'{"itemName":"12345678901"}',
            "too_big: itemName: Too big: expected string to have <=10 characters",
        ),
        (b'{"itemName":"tea","amount":0}', "too_small: amount: Too small: expected number to be >=1"),
        (b'{"itemName":"tea","amount":101}', "too_big: amount: Too big: expected number to be <=100"),
        (b'{"itemName":"tea","amount":1.5}', "invalid_type: amount: Expected integer, received number"),
        (b'{"itemName":"tea","amount":"2"}', "invalid_type: amount: Expected integer, received string"),
        (b'{"itemName":"tea","mode":"odd"}', "invalid_enum_value: mode: Invalid enum value 'odd'"),
        (b'{"itemName":"nothing"}', "custom: itemName: nothing cannot be ordered"),
        (
            b'{"itemName":"tea","parts":[{"itemName":"a"},{"itemName":"nothing"}]}',
            "custom: parts.1.itemName: nothing cannot be ordered",
        ),
        (b'{"itemName":"tea","parts":[{}]}', "invalid_type: parts.0.itemName: itemName is required."),
        (
            b'{"itemName":"tea","labels":{"a:b":1}}',
            "invalid_type: labels: Expected string, received integer",
        ),
    ],
)
async def test_findings(body: bytes, message: str) -> None:
    answer, given = await post(body)
    assert answer.json()["error"]["message"] == message
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "unprocessable_entity")
    assert given is None


async def test_a_finding_in_a_list_says_in_which_one() -> None:
    answer, _ = await post(b'[{"itemName":"tea"},{"amount":1}]', "/orders/bulk")
    assert answer.json()["error"]["message"] == "invalid_type: 1.itemName: itemName is required."


async def test_a_finding_does_not_repeat_all_of_a_body() -> None:
    answer, _ = await post(b'{"itemName":"tea","mode":"' + b"x" * 10_000 + b'"}')
    assert len(answer.json()["error"]["message"]) == 500


@pytest.mark.parametrize(("depth", "status"), [(29, 200), (31, 400), (500, 400), (20_000, 400)])
async def test_depth(depth: int, status: int) -> None:
    nested = b"[" * depth + b'"[[["' + b"]" * depth
    answer, _ = await post(b'{"itemName":"tea","more":[' + nested + b"]}")
    assert answer.status_code == status


@pytest.mark.parametrize(("path", "most"), [("/orders", 64 * 1024), ("/orders/bulk", 1024 * 1024)])
async def test_size(path: str, most: int) -> None:
    answer, _ = await post(b" " * (most + 1), path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "content_too_large")
    assert answer.headers["connection"] == "close"
    just, _ = await post(b"null" + b" " * (most - 4), path)
    assert just.status_code == 422


class Sending:
    """A client that sends parts, then waits for ever, or goes away."""

    def __init__(self, *parts: bytes, ends: bool = True, gone: bool = False) -> None:
        last = len(parts) - 1
        self._messages: list[Message] = [
            {"type": "http.request", "body": part, "more_body": not ends or place < last}
            for place, part in enumerate(parts)
        ]
        if gone:
            self._messages.append({"type": "http.disconnect"})

    async def __call__(self) -> Message:
        if not self._messages:
            await asyncio.Event().wait()
        return self._messages.pop(0)


async def test_parts_are_put_together() -> None:
    assert await receive_body(Sending(b"ab", b"", b"c"), None, 3) == b"abc"
    assert await receive_body(Sending(b""), 0, 3) == b""


async def test_an_endless_body_is_left_where_it_is_too_large() -> None:
    sending = Sending(*[b"x"] * 10, ends=False)
    with pytest.raises(ApiError) as caught:
        await receive_body(sending, None, 3)
    assert caught.value.code.status == 413
    assert len(sending._messages) == 6


async def test_a_client_that_goes_away_is_not_answered() -> None:
    with pytest.raises(ClientGone):
        await receive_body(Sending(b"x", ends=False, gone=True), 2, 3)


@pytest.mark.parametrize(
    ("query", "search"),
    [
        ("", Search()),
        ("text=a+b%20c&pageSize=2&deep=true&unknown=1", Search("a b c", 2, deep=True)),
        ("text=&pageSize=&deep=", Search("")),
        ("text=1&text=2", Search("2")),
        ("text=null&deep=0", Search("null")),
        ("ids=a,b&ids=c&ids=", Search(ids=["a", "b", "c"])),
        ("pageSize=2.0", Search(page_size=2)),
        ("text=%ED%A0%80", Search("\ufffd\ufffd\ufffd")),
    ],
)
async def test_queries(query: str, search: Search) -> None:
    door = Door()
    async with door.client() as client:
        answer = await client.get(f"/orders?{query}", headers=bearer())
    assert answer.status_code == 200
    assert door.calls[0].query == search


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("pageSize=0", "too_small: pageSize: Too small: expected number to be >=1"),
        ("pageSize=x", "invalid_type: pageSize: Expected integer, received string"),
        ("deep=x", "invalid_type: deep: Expected boolean, received string"),
    ],
)
async def test_findings_in_queries(query: str, message: str) -> None:
    async with Door().client() as client:
        answer = await client.get(f"/orders?{query}", headers=bearer())
    assert (answer.status_code, answer.json()["error"]["message"]) == (422, message)
