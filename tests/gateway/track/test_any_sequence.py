"""Whatever is called in whatever order, by two gateways of which neither knows all, with answers that get
lost and calls made again: what was answered 200 is what the reference model counts, and nothing else."""

import asyncio
from typing import Final

from hypothesis import given

from processors.attribution.policy import Policy
from processors.audit.model.arrivals import TopicRecord, read
from processors.audit.model.outcome import Outcome
from processors.audit.model.reference import ReferenceModel
from schemas.reasons import UnmatchedReason
from schemas.times import DAY_MS
from tests.attribution.effort import examples
from tests.gateway.calling import Answered
from tests.gateway.memory import Fate
from tests.gateway.track.sequences import (
    CLICKS,
    STEPS,
    Attempt,
    Clicked,
    Erased,
    Expected,
    Heard,
    Step,
    Taken,
    Tracked,
)
from tests.gateway.track.world import World

POLICY: Final = Policy("first-click", 90 * DAY_MS, 365 * DAY_MS, DAY_MS)


@examples(200)
@given(STEPS)
def test_what_was_answered_200_is_what_counts(steps: list[Step]) -> None:
    asyncio.run(_run(steps))


async def _run(steps: list[Step]) -> None:
    world, expected = World(), Expected()
    for step in steps:
        match step:
            case Clicked():
                world.click(step.click_id, **CLICKS[step.click_id])
                expected.click(step)
            case Heard():
                world.facts[step.gateway].hear_all(world.topics.records)
            case Erased():
                world.event("erasure", customerExternalId=step.customer)
                for facts in world.facts:
                    facts.hear_all(world.topics.records)
                expected.erase(step)
            case Tracked():
                await _call(world, step, expected)
    outcome = _outcome(world)
    assert outcome.leads.keys() == expected.lead_ids()
    assert outcome.sales.keys() == expected.sale_ids()
    given_up = {one.reason for one in outcome.unmatched}
    assert given_up <= {UnmatchedReason.BOT_CLICK, UnmatchedReason.NO_LEAD_FOR_PURCHASE}


async def _call(world: World, step: Tracked, expected: Expected) -> None:
    before = len(world.topics.records)
    answered = await _until_answered(world, step)
    anonymous = [
        event["eventId"]
        for event in world.written(before)
        if event["type"] == "purchase" and "invoiceId" not in event and step.key is None
    ]
    assert len(anonymous) <= 1 + sum(attempt.fates.count(Fate.UNHEARD) for attempt in step.attempts)
    taken = expected.call(step, anonymous[-1] if anonymous else "")
    for one in anonymous[:-1]:  # written, though nobody heard of it: to the API they are sales of their own
        expected.call(step, one)
    sold = step.path == "/track/sale" and answered.status == 200 and answered.content["sale"] is not None
    assert Taken(answered.status, sold) == taken
    if answered.status != 200:
        assert world.written(before) == []


async def _until_answered(world: World, step: Tracked) -> Answered:
    body, headers = dict(step.body), {"Idempotency-Key": step.key} if step.key else {}
    if step.seconds_ago is not None:
        body["timestamp"] = world.now_ms - step.seconds_ago * 1_000
    for attempt in (*step.attempts, Attempt(step.attempts[-1].gateway, ())):
        world.publishers[attempt.gateway].fates = list(attempt.fates)
        answered = await world.post(step.path, body=body, gateway=attempt.gateway, headers=headers)
        world.publishers[attempt.gateway].fates = []
        if answered.status != 503:
            return answered
    raise AssertionError("the last attempt meets no fault")


def _outcome(world: World) -> Outcome:
    arrived = [
        read(TopicRecord(one.topic, one.value, one.at_ms), world.now_ms) for one in world.topics.records
    ]
    return ReferenceModel(POLICY).compute(arrived)
