"""People who click, sign up, qualify and buy over HTTP, whatever happens to the gateways meanwhile.

Each goes through the whole of it, every call at the next gateway, and makes a call again for as long as it is
told to. What was answered is kept: it has to be in Kafka. A call that is told "no" although what it rests on
was answered with yes is a false no.
"""

import asyncio
import itertools
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.integration.gateways import BROWSER, DOMAIN
from tests.integration.stack import wait_for

_AGAIN: Final = {429, 500, 502, 503, 504}
"""What SDKs repeat a call after."""
_PATIENCE_S: Final = 5.0
"""Python's SDK waits so long for an answer."""
_PAUSE_S: Final = 0.2
_STEPS: Final = 4


@dataclass
class Person:
    """``answered``: steps that were answered with yes. ``no``: the first other answer, and to what."""

    number: int
    answered: list[str] = field(default_factory=list)
    no: str | None = None

    @property
    def id(self) -> str:
        return f"person-{self.number}"

    @property
    def done(self) -> bool:
        return len(self.answered) == _STEPS


class People(threading.Thread):
    """``ports``: of the gateways; a list that is changed says where they are now. ``key``: a secret one."""

    def __init__(self, ports: Sequence[int], key: str, link: str, at_once: int) -> None:
        super().__init__(name="people", daemon=True)
        self._ports = ports
        self._headers = {"Authorization": f"Bearer {key}"}
        self._link = link
        self._at_once = at_once
        self._numbers = itertools.count()
        self._turns = itertools.count()
        self._ending = False
        self._given_up = False
        self.people: list[Person] = []
        #: Answers by step and status, and calls without one.
        self.answers: Counter[tuple[str, int | str]] = Counter()
        self.slowest_visit_s = 0.0

    def run(self) -> None:
        asyncio.run(self._live())

    async def _live(self) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=self._at_once)
        async with httpx.AsyncClient(timeout=_PATIENCE_S, limits=limits) as client:
            await asyncio.gather(*(self._one_after_the_other(client) for _ in range(self._at_once)))

    async def _one_after_the_other(self, client: httpx.AsyncClient) -> None:
        while not self._ending:
            person = Person(next(self._numbers))
            self.people.append(person)
            await self._live_through(client, person)

    async def _live_through(self, client: httpx.AsyncClient, person: Person) -> None:
        visited = await self._insist(client, person, "visit", "GET", f"/{self._link}")
        if visited is None:
            return
        click_id = parse_qs(urlsplit(visited.headers["Location"]).query)["dub_id"][0]
        name = {"customerExternalId": person.id, "eventName": "Sign Up"}
        calls: dict[str, tuple[str, Mapping[str, Any]]] = {
            "deferred": ("lead", {**name, "clickId": click_id, "mode": "deferred", "customerName": "Ann"}),
            "qualified": ("lead", {**name, "clickId": "", "mode": "async"}),
            "sale": (
                "sale",
                {"customerExternalId": person.id, "amount": 100, "invoiceId": f"invoice-{person.number}"},
            ),
        }
        for step, (route, body) in calls.items():
            if await self._insist(client, person, step, "POST", f"/track/{route}", body) is None:
                return

    async def _insist(
        self,
        client: httpx.AsyncClient,
        person: Person,
        step: str,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
    ) -> httpx.Response | None:
        """The answer that is a yes; None after another one, or when the test is over."""
        headers = self._headers
        if step == "visit":
            # Each has another browser: two people are not one visitor.
            headers = {"Host": DOMAIN, "User-Agent": f"{BROWSER} person/{person.number}"}
        while not self._given_up:
            port = self._ports[next(self._turns) % len(self._ports)]
            began = time.monotonic()
            try:
                answer = await client.request(
                    method, f"http://127.0.0.1:{port}{path}", json=body, headers=headers
                )
            except httpx.HTTPError as error:
                self.answers[step, type(error).__name__] += 1
                await asyncio.sleep(_PAUSE_S)
                continue
            self.answers[step, answer.status_code] += 1
            if answer.status_code in (200, 302):
                if step == "visit":
                    self.slowest_visit_s = max(self.slowest_visit_s, time.monotonic() - began)
                person.answered.append(step)
                return answer
            if answer.status_code not in _AGAIN:
                person.no = f"{step}: {answer.status_code} {answer.text[:200]}"
                return None
            assert int(answer.headers.get("Retry-After", "0")) < 60, "seconds, and few of them"
            await asyncio.sleep(_PAUSE_S)
        return None

    def reach(self, done: int, timeout: float = 120) -> None:
        """Until so many people more have come to the end."""
        before = self.done

        def reached() -> bool:
            assert self.is_alive(), "nobody lives any more"
            return self.done >= before + done

        wait_for(reached, timeout, lambda: f"only {self.done - before} people: {self.told()}", pause=0.02)

    @property
    def done(self) -> int:
        return sum(person.done for person in self.people)

    def finish(self, timeout: float = 120) -> None:
        """Nobody begins any more; everybody comes to the end."""
        self._ending = True
        self.join(timeout)
        assert not self.is_alive(), f"somebody is never answered: {self.told()}"

    def give_up(self) -> None:
        """The test has failed."""
        self._ending = self._given_up = True
        self.join(15)

    def told(self) -> str:
        """All answers, counted."""
        counts = ", ".join(
            f"{step} {what}: {count}" for (step, what), count in sorted(self.answers.items(), key=str)
        )
        return f"{counts}; slowest visit {self.slowest_visit_s:.2f} s"
