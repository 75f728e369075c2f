"""Do topics and tables hold what the reference model makes of the input topics? Counted, not asserted."""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from confluent_kafka import Message

from processors.audit.model.arrivals import Arrived, Reading, RefusedRecord, TopicRecord, read
from processors.audit.model.outcome import AT_ONCE, CustomerKey, Outcome, key_of, reported, uncounted
from processors.audit.model.reference import ReferenceModel
from processors.clickhouse.connection import connect
from processors.worker.run import policy_of
from schemas.decoding import Refused
from schemas.events import Click
from schemas.reasons import DeadLetterReason
from schemas.results import Customer, Lead, Sale, Unmatched
from schemas.times import to_ms
from schemas.topics import Topic
from tests.integration.stack import Stack

SOURCES = (Topic.CLICKS, Topic.DEFERRED_LEADS, Topic.QUALIFICATIONS, Topic.PURCHASES, Topic.ERASURES)
FOREIGN_KEY = b"acme:nobody"
"""Of records that a test has put among the results."""
Place = tuple[str, int, int]
"""Topic, partition, offset."""

_EXAMPLES = 5


@dataclass
class Findings:
    """Differences, by where they are: what is missing, what should not be there, what is there twice."""

    lost: Counter[str] = field(default_factory=Counter)
    unexpected: Counter[str] = field(default_factory=Counter)
    duplicates: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def compare(
        self, where: str, found: Mapping[Any, Any], expected: Mapping[Any, Any], *, more_allowed: bool = False
    ) -> None:
        """Other content under one key is both lost and unexpected."""
        wrong = {key for key, value in expected.items() if found.get(key) != value}
        extra = set() if more_allowed else {key for key in found if found[key] != expected.get(key)}
        self.lost[where] += len(wrong)
        self.unexpected[where] += len(extra)
        for key in sorted(wrong | extra, key=repr)[:_EXAMPLES]:
            self.examples.append(
                f"{where}: {key!r}\n  found    {found.get(key)!r:.800}\n  expected {expected.get(key)!r:.800}"
            )

    def count_repeated(self, where: str, keys: Iterable[Hashable]) -> None:
        """Every further time of a key is a duplicate."""
        times = Counter(keys)
        self.duplicates[where] += times.total() - len(times)
        for key, count in times.most_common(_EXAMPLES):
            if count > 1:
                self.examples.append(f"{where}: {count} times {key!r}")

    def __bool__(self) -> bool:
        return any(counter.total() for counter in (self.lost, self.unexpected, self.duplicates))

    def __str__(self) -> str:
        counts = [
            f"{name}: {dict(+counter)}"
            for name, counter in vars(self).items()
            if isinstance(counter, Counter) and +counter
        ]
        return "\n".join([*counts, *self.examples])


@dataclass
class Truth:
    """The input topics as they are, and what the model makes of them. ``now_ms``: of the workers' clock."""

    reading: Reading
    places: list[Place]
    outcome: Outcome

    @property
    def records(self) -> int:
        return len(self.reading.events) + len(self.reading.refused)

    def refused(self) -> dict[Place, DeadLetterReason]:
        """By place, for a record is refused once however often it was sent."""
        return {self.places[one.position]: one.reason for one in self.reading.refused}


def truth_of(stack: Stack, now_ms: int) -> Truth:
    """Reads every input topic."""
    reading = Reading()
    places: list[Place] = []
    from_name = {stack.settings.topic(topic): topic for topic in SOURCES}
    for topic in SOURCES:
        for message in stack.read(topic):
            record = TopicRecord(from_name[message.topic()], message.value(), message.timestamp()[1])
            result = _read(len(places), record, now_ms)
            if isinstance(result, Arrived):
                reading.events.append(result)
            else:
                reading.refused.append(result)
            places.append((message.topic(), message.partition(), message.offset()))
    return Truth(reading, places, ReferenceModel(policy_of(stack.settings)).compute(reading.events))


def judge_topics(stack: Stack, truth: Truth) -> Findings:
    """What a ``read_committed`` reader sees, against the model."""
    findings, outcome = Findings(), truth.outcome
    certain, contested = outcome.certain(), outcome.contested
    for topic, kind, expected in (
        (Topic.LEADS, Lead, certain.leads),
        (Topic.SALES, Sale, certain.sales),
    ):
        results = _results(stack, topic, kind)
        findings.count_repeated(topic, ((_id(result), result.revision) for result in results))
        found = newest(results)
        # A revision that is missing in between was lost, too.
        numbers = Counter(_id(result) for result in results)
        short = sum(result.revision > numbers[key] for key, result in found.items())
        findings.lost[topic] += short
        sure = {key: result for key, result in uncounted(found).items() if key_of(result) not in contested}
        findings.compare(topic, as_documents(sure), as_documents(expected))
        if kind is Lead:
            findings.lost[topic] += len(outcome.leads.keys() - found.keys() - expected.keys())
    _judge_customers(stack, certain.customers, contested, findings)
    _judge_unmatched(stack, certain, findings)
    _judge_dead_letters(stack, truth, findings)
    return findings


def _judge_customers(
    stack: Stack, expected: Mapping[CustomerKey, Customer], contested: set[CustomerKey], findings: Findings
) -> None:
    found: dict[CustomerKey, Customer] = {}
    for message in stack.read(Topic.CUSTOMERS):
        workspace, _, customer = message.key().decode().partition(":")
        key = workspace, customer
        if message.value() is None:
            found.pop(key, None)
            continue
        document = _decoded(message, Customer)
        # A document is published when it says something new.
        findings.duplicates[Topic.CUSTOMERS] += key not in contested and found.get(key) == document
        found[key] = document
    sure = {key: one for key, one in found.items() if key not in contested}
    findings.compare(Topic.CUSTOMERS, as_documents(sure), as_documents(expected))


def _judge_unmatched(stack: Stack, certain: Outcome, findings: Findings) -> None:
    """Of the reasons that are given at once: the others take a hold, which outlasts the run."""
    reports = [_decoded(message, Unmatched) for message in stack.read(Topic.UNMATCHED)]
    findings.count_repeated(
        Topic.UNMATCHED,
        ((one.source.topic, one.source.partition, one.source.offset, one.reason) for one in reports),
    )
    expected = {one for one in certain.unmatched if one.reason in AT_ONCE}
    found = {reported(one) for one in reports}
    findings.compare(Topic.UNMATCHED, dict.fromkeys(found, 1), dict.fromkeys(expected, 1), more_allowed=True)


def _judge_dead_letters(stack: Stack, truth: Truth, findings: Findings) -> None:
    inputs = {stack.settings.topic(topic) for topic in SOURCES}
    found: list[tuple[Place, str]] = []
    for message in stack.read(Topic.DEAD_LETTERS):
        headers = {name: value.decode() for name, value in message.headers() or []}
        if headers["source-topic"] in inputs:  # others are the sink's, at least once
            place = (
                headers["source-topic"],
                int(headers["source-partition"]),
                int(headers["source-offset"]),
            )
            found.append((place, headers["reason"]))
    findings.count_repeated(Topic.DEAD_LETTERS, (place for place, _ in found))
    findings.compare(Topic.DEAD_LETTERS, dict(found), truth.refused())


def judge_clickhouse(stack: Stack, without: Collection[str] = ()) -> Findings:
    """The views against the topics they show, and so against the model.

    ``without``: ids of leads that ClickHouse was made to refuse.
    """
    findings = Findings()
    client = connect(stack.settings.clickhouse_url.get_secret_value())
    try:
        for view, columns, kind in (("leads", _LEAD_COLUMNS, Lead), ("sales", _SALE_COLUMNS, Sale)):
            rows = client.query(f"SELECT {columns} FROM {view}").result_rows
            findings.count_repeated(f"view {view}", (row[0] for row in rows))
            results = newest(_results(stack, Topic(view), kind))
            expected = {key: _row(result) for key, result in results.items() if key not in without}
            findings.compare(f"view {view}", {row[0]: row for row in rows}, expected)
        clicks = client.query("SELECT workspace_id, click_id FROM clicks").result_rows
        findings.count_repeated("view clicks", clicks)
        findings.compare("view clicks", dict.fromkeys(clicks, 1), _clicks_in_place(stack))
        customers = client.query("SELECT workspace_id, customer_external_id, status FROM customers")
        findings.count_repeated("view customers", ((row[0], row[1]) for row in customers.result_rows))
        newest_status = {}
        for message in stack.read(Topic.CUSTOMERS):
            if message.value() is not None:
                one = _decoded(message, Customer)
                newest_status[key_of(one)] = str(one.status)
        found = {(row[0], row[1]): row[2] for row in customers.result_rows}
        findings.compare("view customers", found, newest_status)
        # One row per content, however often it was sent and the sink has written it.
        contents = {
            (dict(message.headers() or [])["source-topic"], message.key() or b"", message.value() or b"")
            for message in stack.read(Topic.DEAD_LETTERS)
        }
        rows = client.query("SELECT source_topic, hex(key), hex(value) FROM dead_letters").result_rows
        findings.count_repeated("view dead_letters", rows)
        findings.compare(
            "view dead_letters",
            dict.fromkeys(((topic.encode(), bytes.fromhex(k), bytes.fromhex(v)) for topic, k, v in rows), 1),
            dict.fromkeys(contents, 1),
        )
    finally:
        client.close()
    return findings


_LEAD_COLUMNS = (
    "lead_id, revision, workspace_id, customer_external_id, event_name, click_id, link_id, partner_id, "
    "toUnixTimestamp64Milli(timestamp), toUnixTimestamp64Milli(deferred_at)"
)
_SALE_COLUMNS = "sale_id, revision, workspace_id, customer_external_id, lead_id, amount, currency, invoice_id"


def _row(result: Lead | Sale) -> tuple[Any, ...]:
    """As the columns above have it."""
    whose = result.workspace_id, result.customer.external_id
    if isinstance(result, Sale):
        sold = result.amount, result.currency, result.invoice_id or ""
        return result.sale_id, result.revision, *whose, result.lead_id, *sold
    link = result.click.id, result.link.id or "", result.link.partner_id or ""
    times = _ms(result.timestamp), _ms(result.deferred_at)
    return result.lead_id, result.revision, *whose, result.event_name, *link, *times


def _clicks_in_place(stack: Stack) -> dict[tuple[str, str], int]:
    """Of the records in ``clicks`` that are clicks, of people."""
    clicks: dict[tuple[str, str], int] = {}
    for message in stack.read(Topic.CLICKS):
        result = _read(0, TopicRecord(Topic.CLICKS, message.value(), message.timestamp()[1]), None)
        if isinstance(result, Arrived):
            event = result.event
            assert isinstance(event, Click)
            if not event.bot:
                clicks[event.workspace_id, event.click_id] = 1
    return clicks


def _results(stack: Stack, topic: Topic, kind: Any) -> list[Any]:
    return [_decoded(message, kind) for message in stack.read(topic) if message.key() != FOREIGN_KEY]


def newest(results: Iterable[Any]) -> dict[str, Any]:
    """By id, the one of the highest revision."""
    found: dict[str, Any] = {}
    for result in results:
        key = _id(result)
        if key not in found or result.revision >= found[key].revision:
            found[key] = result
    return found


def as_documents(results: Mapping[Any, Any]) -> dict[Any, Any]:
    """Raw JSON compares by identity."""
    return {key: msgspec.json.decode(msgspec.json.encode(result)) for key, result in results.items()}


def _id(result: Lead | Sale) -> str:
    return result.sale_id if isinstance(result, Sale) else result.lead_id


def _decoded(message: Message, kind: Any) -> Any:
    return msgspec.json.decode(message.value() or b"", type=kind)


def _read(position: int, record: TopicRecord, now_ms: int | None) -> Arrived | RefusedRecord:
    try:
        return read(record, now_ms)
    except Refused as refused:
        return RefusedRecord(position, record.topic, refused.reason, refused.detail)


def _ms(timestamp: str) -> int:
    return to_ms(datetime.fromisoformat(timestamp))
