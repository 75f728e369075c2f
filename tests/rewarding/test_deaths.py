"""The ledger on whole engines, without a broker: whoever dies at any step, nothing is lost or doubled."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from random import Random

import pytest

from processors.engine.steps import Step
from processors.rewarding.caps import CapsProcessor
from processors.rewarding.customers import RewardsProcessor
from schemas.topics import REWARD_INPUTS, Topic
from tests.engine.crew import PARTITIONS, Crew, crew
from tests.engine.members import until
from tests.engine.memory_group import rebalance
from tests.rewarding.histories import POLICY, Values, check, documents_of
from tests.rewarding.world import NAMES, record_of
from tests.rewards.builders import HOLD, Document, parsed

CUSTOMERS = 120


class Died(BaseException):
    """At a step."""


@pytest.fixture
async def made(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Crew]:
    policies = parsed(POLICY)

    def jobs() -> tuple[RewardsProcessor, CapsProcessor]:
        return RewardsProcessor(NAMES, HOLD, lambda: policies, PARTITIONS), CapsProcessor(NAMES)

    async with crew(jobs, monkeypatch) as crew_of_two:
        yield crew_of_two


def send(made: Crew, customer: str, document: Document) -> None:
    record = record_of(document, customer)
    made.broker.send(record.topic, record.key, record.value)


@pytest.mark.parametrize("step", Step)
async def test_deaths_at_every_step(made: Crew, step: Step) -> None:
    """Again and again, beside a process that is well, which has taken over half of the time."""
    await die(made, [step] * 5)


@pytest.mark.parametrize("pair", list(itertools.product(Step, Step)), ids=" then ".join)
async def test_deaths_at_every_pair_of_steps(made: Crew, pair: tuple[Step, Step]) -> None:
    """The next life, while it mends what the first left behind, dies at the other."""
    await die(made, [*pair, *pair])


async def die(made: Crew, steps: Sequence[Step]) -> None:
    """At each of them in turn, having come by it a few times."""
    dice = Random(" ".join(steps))
    customers = {f"{number}": documents_of(f"{number}", dice) for number in range(CUSTOMERS)}
    all_of_them = [(customer, one) for customer, documents in customers.items() for one in documents]
    well, victim = made.member(), made.member()
    await made.work(well)
    for nth, step in enumerate(steps, 1):
        await made.again(victim, on_step=dying_at(step, nth), fetch=dice.randint(1, 9))
        await made.work(well, victim)
        for customer, document in all_of_them[nth - 1 :: len(steps)]:
            send(made, customer, document)
        await until(lambda: bool(made.deaths), f"dead at {step}")
        assert [type(death) for death in made.deaths] == [Died]
        made.deaths.clear()
        if nth % 2:
            await rebalance(made.broker, well.group)
    await made.again(victim)
    await made.work(victim, well)
    await made.caught_up([NAMES[topic] for topic in REWARD_INPUTS])
    await asyncio.sleep(0)
    check(customers, lambda topic: values(made, topic))


def dying_at(step: Step, nth: int) -> Callable[[Step], None]:
    """What an engine is told of its steps; this one it does not survive for the n-th time."""
    left = nth

    def on_step(at: Step) -> None:
        nonlocal left
        left -= at is step
        if at is step and left <= 0:
            raise Died(step)

    return on_step


def values(made: Crew, topic: Topic) -> Values:
    return [(record.key or b"", record.value or b"") for record in made.broker.read(NAMES[topic])]
