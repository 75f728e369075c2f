"""Numbers of links: asked for together, kept for ten seconds, and for as long as ClickHouse is away."""

import asyncio
from collections.abc import Mapping, Sequence

from processors.gateway.answers import TryAgain
from processors.gateway.asking import Row
from processors.gateway.links.counters import FRESH_S, NONE, REST_S, Counters, LinkCounters


class Server:
    """Counts the clicks of each link; ``away``: what it then raises."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.questions: asyncio.Queue[str] = asyncio.Queue()
        self.clicks: dict[str, int] = {}
        self.away = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def rows(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Row]:
        ids = parameters["ids"]
        assert isinstance(ids, list)
        self.asked.append(ids)
        self.questions.put_nowait(sql)
        await self.answers.wait()
        if self.away:
            raise TryAgain("away")
        return [(one, self.clicks[one], 1, 2, 3, 4, 5) for one in ids if one in self.clicks]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_page_is_one_question_and_kept_for_a_while() -> None:
    server, clock = Server(), Clock()
    counters = LinkCounters(server.rows, clock)
    server.clicks = {"a": 7}
    assert await counters.of("acme", ["a", "b"]) == {"a": Counters(7, 1, 2, 3, 4, 5), "b": NONE}
    server.clicks = {"a": 8, "b": 9}
    assert (await counters.of("acme", ["a", "b"]))["a"].clicks == 7
    assert server.asked == [["a", "b"]]
    clock.now = FRESH_S
    assert (await counters.of("acme", ["b"]))["b"].clicks == 9
    assert server.asked == [["a", "b"], ["b"]]


async def test_callers_at_the_same_time_share_the_question() -> None:
    server = Server()
    counters = LinkCounters(server.rows, Clock())
    server.clicks, server.answers = {"a": 7, "b": 8}, asyncio.Event()
    both = asyncio.gather(counters.of("acme", ["a"]), counters.of("acme", ["a", "b"]))
    assert await server.questions.get() == await server.questions.get()
    server.answers.set()
    first, second = await both
    assert server.asked == [["a"], ["b"]]
    assert first["a"] == second["a"]


async def test_workspaces_never_meet() -> None:
    server = Server()
    counters = LinkCounters(server.rows, Clock())
    server.clicks = {"a": 7}
    await counters.of("acme", ["a"])
    server.clicks = {}
    assert await counters.of("other", ["a"]) == {"a": NONE}


async def test_the_last_known_ones_are_shown_while_the_store_is_away_and_it_is_left_in_peace() -> None:
    server, clock = Server(), Clock()
    counters = LinkCounters(server.rows, clock)
    server.clicks = {"a": 7}
    await counters.of("acme", ["a"])
    server.away, clock.now = True, FRESH_S
    assert (await counters.of("acme", ["a", "b"])) == {"a": Counters(7, 1, 2, 3, 4, 5), "b": NONE}
    assert (await counters.of("acme", ["a", "b"]))["a"].clicks == 7
    assert len(server.asked) == 2
    server.away, server.clicks, clock.now = False, {"a": 8}, FRESH_S + REST_S
    assert (await counters.of("acme", ["a"]))["a"].clicks == 8


async def test_nobody_waits_for_a_store_that_is_late_and_what_it_says_in_the_end_is_kept() -> None:
    server, clock = Server(), Clock()
    counters = LinkCounters(server.rows, clock, patience_s=0.01)
    server.clicks, server.answers = {"a": 7}, asyncio.Event()
    assert await counters.of("acme", ["a"]) == {"a": NONE}
    clock.now = 1.0  # late already: not waited for any more
    assert await asyncio.wait_for(counters.of("acme", ["a"]), 5) == {"a": NONE}
    server.answers.set()
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
    assert (await counters.of("acme", ["a"]))["a"].clicks == 7
    assert len(server.asked) == 1


async def test_what_is_kept_is_bounded() -> None:
    server = Server()
    counters = LinkCounters(server.rows, Clock(), most_kept=3)
    for one in "abcde":
        await counters.of("acme", [one])
    assert len(counters._known) == 3
