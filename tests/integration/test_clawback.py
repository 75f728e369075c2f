"""An earlier click that comes late moves a lead to another partner: what the first one earned is taken back
and granted to the second, in the topic, in ClickHouse and in what a payout job books. Nothing of that names
the customer.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
import pytest

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from processors.clickhouse.connection import connect
from schemas.topics import REWARD_INNER, REWARD_INPUTS, REWARD_OUTPUTS, Topic, click_key, customer_key
from tests.integration.stack import Stack, wait_for
from tests.rewarding.payouts import Payouts

pytestmark = pytest.mark.integration

NOW: Final = datetime.now(UTC)
#: By customer: the lead is five days old.
PROGRAMS: Final = {"ann": ("pg_wait", "30d", "pending"), "bob": ("pg_over", "1d", "payable")}
LEAD, SALE = 2_500, 980
PERSON: Final = {"customerName": "Ann Example", "customerEmail": "p@example.com"}
WAIT_S: Final = 180
BROWSER: Final = {"ip": "203.0.113.7", "ua": "Mozilla/5.0"}

Event = tuple[Topic, bytes, bytes]
Owed = dict[tuple[str, str, str], tuple[int, str]]
"""Amount and status, by program, kind and partner."""


class Published(NamedTuple):
    """A reward as it stands in the topic."""

    partition: int
    offset: int
    month: str
    value: dict[str, Any]


def event(customer: str, days_ago: int, **fields: object) -> bytes:
    at = (NOW - timedelta(days=days_ago)).isoformat()
    return orjson.dumps({"workspaceId": "acme", "customerExternalId": customer, "timestamp": at, **fields})


def signed_up(customer: str, partner: str, days_ago: int) -> list[Event]:
    """Through a link of this partner, the day after the click."""
    click_id = f"{customer}-{partner}"
    key, named = click_key("acme", click_id), {"clickId": click_id}
    of = {"linkId": f"link-{partner}", "partnerId": partner, "programId": PROGRAMS[customer][0]}
    deferred = {"eventName": "Sign Up", "mode": "deferred"}
    return [
        (Topic.CLICKS, key, event(customer, days_ago, **named, **of, **BROWSER)),
        (Topic.DEFERRED_LEADS, key, event(customer, days_ago - 1, **named, **deferred, **PERSON)),
    ]


def qualified(customer: str) -> list[Event]:
    """A lead, and a sale after it."""
    key = customer_key("acme", customer)
    return [
        (Topic.QUALIFICATIONS, key, event(customer, 5, eventName="First Meeting")),
        (Topic.PURCHASES, key, event(customer, 4, amount=4_900, invoiceId="in_1")),
    ]


def send(stack: Stack, events: Iterable[Event]) -> None:
    producer = stack.producer()
    for topic, key, value in events:
        stack.send(producer, topic, key, value)
    assert producer.flush(30) == 0


def published(stack: Stack) -> list[Published]:
    return [
        Published(
            message.partition(),
            message.offset(),
            datetime.fromtimestamp(message.timestamp()[1] / 1_000, UTC).strftime("%Y-%m"),
            json.loads(message.value()),
        )
        for message in stack.read(Topic.REWARDS)
    ]


def owed(rewards: Iterable[Published]) -> Owed:
    """By the newest revisions."""
    return {
        (one["programId"], one["kind"], one["partnerId"]): (one["amount"], one["status"])
        for *_, one in rewards
    }


def wholly(partner: str) -> Owed:
    """This one is owed everything."""
    return {
        (program, kind, partner): (amount, status)
        for program, _, status in PROGRAMS.values()
        for kind, amount in (("lead", LEAD), ("sale", SALE))
    }


def taken_from(partner: str) -> Owed:
    return dict.fromkeys(wholly(partner), (0, "cancelled"))


def settled(stack: Stack, expected: Owed) -> list[Published]:
    """Everything that was sent has gone through workers, rewards and sink."""
    stack.wait_until_processed()
    wait_for(lambda: owed(published(stack)) == expected, WAIT_S, lambda: str(owed(published(stack))))
    for group, topics in (
        (stack.settings.rewards_group, REWARD_INPUTS),
        (stack.settings.full_sink_group, REWARD_OUTPUTS),
    ):
        behind = f"{group} does not catch up"
        wait_for(partial(stack.drained, group, topics), WAIT_S, partial(str, behind))
    return published(stack)


def check_moved(rewards: list[Published]) -> None:
    """Taken and granted in one transaction: the marker that ends one would stand between the two records."""
    granted = {
        (one.value["programId"], one.value["kind"]): one
        for one in rewards
        if one.value["partnerId"] == "pn_b"
    }
    taken = [one for one in rewards if one.value["reason"] == "moved"]
    assert len(taken) == len(granted) == 2 * len(PROGRAMS)
    for old in taken:
        new = granted[old.value["programId"], old.value["kind"]]
        assert (new.partition, new.offset) == (old.partition, old.offset + 1)
        assert (new.value["delta"], new.value["revision"]) == (-old.value["delta"], 1)
        assert (old.value["sourceRevision"], new.value["sourceRevision"]) == (1, 2)


def check_sums(stack: Stack, rewards: list[Published], earnings: list[tuple[object, ...]]) -> None:
    """Of the deltas in the topic, of what is newest there, and of both views: the same for each partner."""
    deltas: defaultdict[str, int] = defaultdict(int)
    amounts: defaultdict[str, int] = defaultdict(int)
    for *_, one in rewards:
        deltas[one["partnerId"]] += one["delta"]
    for (_, _, partner), (amount, _) in owed(rewards).items():
        amounts[partner] += amount
    assert deltas == amounts
    window = (
        f"start = '{NOW - timedelta(days=60):%F}', end = '{NOW + timedelta(days=2):%F}', timezone = 'UTC'"
    )
    with closing(connect(stack.settings.clickhouse_url.get_secret_value())) as client:
        found = [
            (program, *row)
            for program, *_ in PROGRAMS.values()
            for row in client.query(
                f"SELECT * FROM partner_earnings(workspace = 'acme', program = '{program}', {window})"
            ).result_rows
        ]
        booked = {
            partner: sum(
                client.query(
                    "SELECT sum(delta) FROM reward_statement("
                    f"workspace = 'acme', partner = '{partner}', month = '{month}')"
                ).result_rows[0][0]
                for month in {one.month for one in rewards}
            )
            for partner in amounts
        }
    assert booked == amounts
    assert found == earnings


def check_nameless(stack: Stack, log: Path) -> None:
    """Clicks and leads say who the customer is; topics, tables and log of rewards do not."""
    with closing(connect(stack.settings.clickhouse_url.get_secret_value())) as client:
        tables = [
            str(client.query(f"SELECT * FROM {name}").result_rows).encode()
            for name in ("rewards_raw", "reward_refusals_raw")
        ]
    records = [
        b"".join([message.key(), message.value(), *(value for _, value in message.headers() or [])])
        for topic in (*REWARD_OUTPUTS, *REWARD_INNER)
        for message in stack.read(topic)
    ]
    told = b"\n".join([*records, *tables, log.read_bytes()])
    known = b"".join(
        message.value() for topic in (Topic.CLICKS, Topic.LEADS) for message in stack.read(topic)
    )
    for text in (*PERSON.values(), *BROWSER.values()):
        assert text.encode() in known
        assert text.encode() not in told


def test_a_late_earlier_click_takes_from_one_partner_and_grants_to_the_other(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path: Path
) -> None:
    with Stack(kafka.bootstrap, clickhouse.url, "clawback", tmp_path, LEADSTREAM_PARTITIONS="3") as stack:
        stack.create()
        terms = {"currency": "usd", "lead": {"amount": LEAD}, "sale": {"percent": 20}}
        for program, holding, _ in PROGRAMS.values():
            version = {"effectiveFrom": "2020-01-01T00:00:00Z", "holdingPeriod": holding, **terms}
            file = tmp_path / "policy.json"
            file.write_text(json.dumps({"programId": program, "versions": [version]}))
            assert stack.run("rewards", "policy", "set", str(file), "acme").returncode == 0
        stack.worker("worker-0")
        stack.sink()
        ledger = stack.service("rewards run", "rewards-0")
        ledger.start()
        payouts = Payouts(tmp_path, stack.env)

        for customer in PROGRAMS:
            send(stack, [*signed_up(customer, "pn_a", 40), *qualified(customer)])
        first = settled(stack, wholly("pn_a"))
        whole = LEAD + SALE
        check_sums(
            stack,
            first,
            [("pg_wait", "pn_a", "usd", 2, whole, 0, 0, 0), ("pg_over", "pn_a", "usd", 2, 0, whole, 0, 0)],
        )
        assert payouts.run() == [f"pn_a gets {whole} usd"]

        for customer in PROGRAMS:
            send(stack, signed_up(customer, "pn_b", 45))
        rewards = settled(stack, wholly("pn_b") | taken_from("pn_a"))
        check_moved(rewards)
        check_sums(
            stack,
            rewards,
            [
                ("pg_wait", "pn_a", "usd", 0, 0, 0, 0, whole),
                ("pg_wait", "pn_b", "usd", 2, whole, 0, 0, 0),
                ("pg_over", "pn_a", "usd", 0, 0, 0, 0, whole),
                ("pg_over", "pn_b", "usd", 2, 0, whole, 0, 0),
            ],
        )
        assert payouts.run() == [f"pn_b gets {whole} usd"]
        booked = "SELECT partner_id, amount FROM transfers WHERE amount != 0 ORDER BY 1, 2"
        assert payouts.rows(booked) == [
            *(("pn_a", amount) for amount in (-LEAD, -SALE, SALE, LEAD)),
            *(("pn_b", amount) for amount in (SALE, LEAD)),
        ]
        audit = stack.run("audit", "--rewards")
        assert audit.returncode == 0, audit.stdout.decode() + audit.stderr.decode()
        check_nameless(stack, ledger.log)
        assert [service.stop() for service in stack.services] == [0, 0, 0]
