"""``leadstream bench rewards``: CPU of the ledger of rewards for each lead of a new customer.

One partition of the engine in this process, state in memory, without a broker: what is measured are the
rules, their formats, and what the engine does for each record.
"""

import gc
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any, Final

import orjson
from aiokafka.structs import TopicPartition

from processors.engine.batch import Computer
from processors.engine.inbox import Chunk
from processors.engine.records import Record
from processors.engine.state.memory import MemoryStore
from processors.garbage import collect_rarely
from processors.rewarding.caps import CapsProcessor
from processors.rewarding.customers import RewardsProcessor
from processors.rewards.parsing import parse
from processors.rewards.policy import Policies
from schemas.ids import lead_id
from schemas.times import DAY_MS, rfc3339
from schemas.topics import REWARD_INNER, Topic, customer_key

WORKSPACE: Final = "acme"
PROGRAM: Final = "pg_1"
AMOUNT: Final = 2_500
"""What a lead is worth, in minor units."""
_NAMES: Final = {topic: topic.value for topic in Topic}
_NOW_MS: Final = 1_767_398_400_000
_PARTITIONS: Final = 1
_BATCH: Final = 1_000
_TESTS: Final = [
    {"field": "customer.country", "in": ["US", "CA"]},
    {"field": "metadata.plan", "equals": "pro"},
]
POLICIES: Final[Mapping[str, dict[str, Any]]] = {
    "an amount": {"lead": {"amount": AMOUNT}},
    "two conditions": {
        "lead": {"amount": AMOUNT},
        "conditions": [{"on": "lead", "all": _TESTS, "amount": 5_000}],
    },
    "a monthly cap": {"lead": {"amount": AMOUNT, "cap": {"amount": 10**12, "per": "month"}}},
}
"""Of one program, by what is said of it."""


def rewarded(rules: Mapping[str, Any], leads: int) -> tuple[float, int]:
    """µs of CPU for each lead, with all that comes of it, and the rewards. All of them are one partner's."""
    policies: Policies = {(WORKSPACE, PROGRAM): parse(policy_of(rules))}
    jobs = RewardsProcessor(_NAMES, DAY_MS, lambda: policies, _PARTITIONS), CapsProcessor(_NAMES)
    computer = Computer(_PARTITIONS, jobs)
    stores = {(job.table, 0): MemoryStore(Path()) for job in jobs}
    batches = list(_batches(leads))
    ends: defaultdict[str, int] = defaultdict(int)
    rewards, began = 0, process_time()
    for batch in batches:
        arrived = {Topic.LEADS.value: batch}
        while arrived:
            chunks = [_chunk(topic, records, ends) for topic, records in arrived.items()]
            effects = computer.compute(chunks, [], stores, _NOW_MS, _NOW_MS)
            for place, write in effects.states.items():
                stores[place].write(write.items, 0, _NOW_MS, write.spent)
            rewards += len(effects.outputs[Topic.REWARDS, 0])
            arrived = {
                topic: [Record(topic, 0, 0, _NOW_MS, one.key, one.value, one.headers) for one in outputs]
                for (topic, _), outputs in effects.outputs.items()
                if topic in REWARD_INNER
            }
    return (process_time() - began) / leads * 1e6, rewards


def _chunk(topic: str, records: list[Record], ends: defaultdict[str, int]) -> Chunk:
    ends[topic] += len(records)
    return Chunk(TopicPartition(topic, 0), records, ends[topic])


def _batches(leads: int) -> Iterator[list[Record]]:
    for start in range(0, leads, _BATCH):
        numbers = range(start, min(start + _BATCH, leads))
        yield [Record(Topic.LEADS, 0, number, _NOW_MS, *lead(number, _NOW_MS), ()) for number in numbers]


def policy_of(rules: Mapping[str, Any]) -> dict[str, Any]:
    """A policy of one version, which holds since before any lead."""
    version = {"effectiveFrom": "2026-01-01T00:00:00Z", "currency": "usd", "holdingPeriod": "30d", **rules}
    return {"programId": PROGRAM, "versions": [version]}


def lead(number: int, at_ms: int, partner: str = "pn") -> tuple[bytes, bytes]:
    """Key and value as a worker writes them, in all that is asked of it and some of the rest. Each is of a
    customer of its own.
    """
    customer = _customer(number, partner)
    link = {"id": "link_1", "domain": "go.acme.com", "key": "a", "partnerId": partner, "programId": PROGRAM}
    document = {
        "leadId": source_of(number, partner),
        "revision": 1,
        "workspaceId": WORKSPACE,
        "eventName": "Sign up",
        "quantity": 1,
        "mode": "deferred",
        "timestamp": rfc3339(at_ms),
        "metadata": {"plan": "pro", "seats": number % 100},
        "customer": {"externalId": customer, "name": "Ivory Lynx", "email": f"{customer}@example.com"},
        "click": {"id": f"click-{number}", "country": "US", "city": "Boston", "url": "https://acme.com/?a=1"},
        "link": link,
    }
    return customer_key(WORKSPACE, customer), orjson.dumps(document)


def source_of(number: int, partner: str = "pn") -> str:
    """The leadId of a :func:`lead`."""
    return lead_id(WORKSPACE, _customer(number, partner), "sign-up")


def _customer(number: int, partner: str) -> str:
    return f"{partner}-customer-{number:08}"


@dataclass(frozen=True)
class Figures:
    """``cpu_us``: of a lead, by what its policy says."""

    leads: int
    cpu_us: dict[str, float]
    failure: str


def measured(leads: int, runs: int) -> Figures:
    """Under each of the policies; the best of the runs counts: others had company."""
    collect_rarely()
    figures, wrong = {}, []
    for told, rules in POLICIES.items():
        took = []
        for _ in range(runs):
            gc.collect()
            us, rewards = rewarded(rules, leads)
            took.append(us)
            if rewards != leads:
                wrong.append(f"{told}: {rewards:,} rewards for {leads:,} leads")
        figures[told] = min(took)
    return Figures(leads, figures, "; ".join(wrong))


def table(figures: Figures) -> str:
    """Markdown."""
    rows = "".join(f"| {told} | {us:.1f} |\n" for told, us in figures.cpu_us.items())
    return f"| policy | CPU µs/lead |\n|---|---|\n{rows}"
