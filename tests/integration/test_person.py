"""``trace`` and ``erase`` on the whole system.

A person whom every topic, table and store knows is erased while workers run, events under way, held and
waiting included. Afterwards everything is sent once more, the sink reads its topics from the beginning, and
then the bytes themselves are searched: every topic, every part of every table, every file of every store.
"""

import json
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
import rocksdict
from clickhouse_connect.driver.client import Client

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from processors.clickhouse.connection import connect
from schemas.topics import Topic, click_key, customer_key
from tests.integration.remains import (
    RAW,
    compact_eagerly,
    compacted,
    drop_old_parts_soon,
    ends,
    everything,
    files_with,
    read_from_the_beginning,
    surviving,
)
from tests.integration.stack import INPUTS, Stack, wait_for

pytestmark = pytest.mark.integration

ANN7, BOB = "ann7", "bob"
MARK = b"mark-of-ann7"
"""In every event of the person, in her name, her email and her metadata; nobody else says it."""
HELD = b"mark-of-ann7-held"
"""In what she did once, before the erasure, and what waited when it came."""
VIEWS = ("clicks", "leads", "sales", "customers", "unmatched", "dead_letters")
COPIED = {*INPUTS, Topic.DEAD_LETTERS} - {Topic.CLICK_ERASURES}
"""Where whatever a producer sends lies until its retention is over, as it was sent."""

Event = tuple[Topic, bytes, bytes]


class Person:
    """What one customer does: a lead and a sale, and something for every place where an event can end."""

    def __init__(self, name: str, mark: str) -> None:
        self.name, self.mark = name, mark

    def history(self) -> list[Event]:
        return [
            self.click("c1"),
            self.lead("c1", "Sign Up", mode="deferred"),
            self.lead("", "First Meeting"),
            self.purchase("in_1"),
            # No touch, and reported at once.
            self.click("untracked", trackConversion=False),
            self.lead("untracked", "Sign Up", mode="deferred"),
            self.lead("", "Nothing", mode="deferred"),
            *self.broken(),
        ]

    def held(self) -> list[Event]:
        """Waits in the click join for a click, and in the customer join for a lead."""
        return [
            self.lead("never", "Sign Up", mode="deferred"),
            self.lead("later", "Sign Up", mode="deferred"),
            self.purchase("in_2", leadEventName="Never"),
        ]

    def broken(self) -> list[Event]:
        """No event: one that breaks a rule, and one that ends in the middle."""
        topic, key, value = self.purchase("in_3", amount=-1)
        cut = self.lead("c1", "Sign Up")[2][:-2]
        return [(topic, key, value), (Topic.DEFERRED_LEADS, click_key("acme", f"{self.name}-c1"), cut)]

    def click(self, click_id: str, **more: Any) -> Event:
        event = {"clickId": f"{self.name}-{click_id}", **more}
        return Topic.CLICKS, click_key("acme", f"{self.name}-{click_id}"), self._event(event)

    def lead(self, click_id: str, event_name: str, **more: Any) -> Event:
        said = {"customerName": self.mark, "customerEmail": f"{self.mark}@example.com"}
        click_id = click_id and f"{self.name}-{click_id}"
        event = {
            "eventName": event_name,
            "clickId": click_id,
            "metadata": {"said": self.mark},
            **said,
            **more,
        }
        value = self._event({"customerExternalId": self.name, **event})
        if click_id:
            return Topic.DEFERRED_LEADS, click_key("acme", click_id), value
        return Topic.QUALIFICATIONS, customer_key("acme", self.name), value

    def purchase(self, invoice_id: str, **more: Any) -> Event:
        event = {
            "customerExternalId": self.name,
            "amount": 4900,
            "invoiceId": f"{invoice_id}-{self.mark}",
            **more,
        }
        return Topic.PURCHASES, customer_key("acme", self.name), self._event(event)

    def _event(self, fields: dict[str, Any]) -> bytes:
        return orjson.dumps({"workspaceId": "acme", "timestamp": NOW_MS, **fields})


NOW_MS = time.time_ns() // 1_000_000
ANN = Person(ANN7, MARK.decode())
HER_HELD = Person(ANN7, HELD.decode()).held()
BOBS = Person(BOB, "mark-of-bob").history()


def send(stack: Stack, *events: Event) -> None:
    producer = stack.producer()
    for topic, key, value in events:
        stack.send(producer, topic, key, value)
    assert producer.flush(30) == 0


def trace(stack: Stack, customer: str, exit_code: int = 0) -> dict[str, Any]:
    done = stack.run("trace", "acme", customer, "--json")
    assert done.returncode == exit_code, done.stderr.decode()
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def erase(stack: Stack) -> str:
    done = stack.run("erase", "acme", ANN7, "--yes", "--timeout", "90")
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
    return done.stdout.decode()


def test_a_person_is_traced_and_erased(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path: Path
) -> None:
    with Stack(kafka.bootstrap, clickhouse.url, "person", tmp_path, LEADSTREAM_PARTITIONS="3") as stack:
        stack.create()
        compact_eagerly(stack)
        workers = [stack.worker("worker-0"), stack.worker("worker-1")]
        sink = stack.sink()
        client = connect(stack.settings.clickhouse_url.get_secret_value())
        drop_old_parts_soon(client)
        send(stack, *ANN.history(), *HER_HELD, *BOBS)
        stack.wait_until_processed()
        check_explained(stack)
        before = snapshot(client)
        assert MARK in everything(client), "a search finds her"
        assert files_with(clickhouse.data_dir, MARK), "a search of bytes, too"
        for name in compacted(stack):
            assert MARK in b"".join(surviving(stack, name)), name

        # During: what she does goes on while she is erased.
        send(stack, *(ANN.lead("", f"Event {number}") for number in range(50)))
        said = erase(stack)
        assert "in the workers' state  touches " in said
        assert "erasure sent" in said
        assert "is forgotten" in said
        erased_at = ends(stack)
        check_forgotten(stack, client, before)

        # After: everything once more but what waited, and the click that one of those waited for.
        send(stack, *ANN.history(), *BOBS, ANN.click("later"))
        stack.wait_until_processed()
        assert sink.stop() == 0
        read_from_the_beginning(stack)
        sink.start()
        stack.wait_until_processed()
        check_forgotten(stack, client, before)
        assert "nothing was there" in erase(stack)

        check_what_was_written_since(stack, erased_at)
        check_what_compaction_leaves(stack)
        assert [worker.stop() for worker in workers] == [0, 0]
        check_backlog(stack)
        assert sink.stop() == 0
        check_stores(stack)
        check_tables(client, clickhouse)
        client.close()


def check_explained(stack: Stack) -> None:
    found = trace(stack, ANN7)
    assert found["status"] == "qualified"
    explanation = found["explanation"]
    assert explanation["customer"]["name"] == ANN.mark
    [request] = explanation["requests"]
    assert (request["eventName"], request["makesLead"]) == ("First Meeting", True)
    assert [(one["clickId"], one["chosen"]) for one in request["candidates"]] == [("ann7-c1", True)]
    assert {one["clickId"] for one in explanation["waits"]} == {"ann7-never", "ann7-later"}
    assert [one["waitsUntil"] is None for one in explanation["purchases"]] == [True, False]
    assert [one["lead_id"] for one in found["clickhouse"]["leads"]] == [request["leadId"]]
    reasons = {one["reason"] for one in found["clickhouse"]["unmatched"]}
    assert reasons == {"conversion_tracking_disabled", "click_not_found"}
    text = stack.run("trace", "acme", ANN7).stdout.decode()
    assert "acme / ann7: qualified" in text
    assert "→ ann7-c1" in text
    assert trace(stack, "nobody", exit_code=1)["status"] == "unknown"
    assert trace(stack, "nobody", exit_code=1)["similar"] == []
    assert (found["similar"], found["backlog"]) == ([], {})
    # Of one that has a lead, and of one of whom there is but an unmatched event.
    send(stack, Person("STRANGER", "m").lead("", "Nothing", mode="deferred"))
    stack.wait_until_processed()
    assert trace(stack, "bOb", exit_code=1)["similar"] == ["bob"]
    assert trace(stack, "Stranger", exit_code=1)["similar"] == ["STRANGER"]
    refused = stack.run("erase", "acme", "BOB", "--yes")
    assert (refused.returncode, b"nothing was sent" in refused.stderr) == (1, True)
    said = stack.run("trace", "acme", "BOB").stderr.decode()
    assert "bob" in said
    assert "case" in said


def check_backlog(stack: Stack) -> None:
    """No worker runs: what has come since is known to nobody, but not denied either."""
    late = Person("late", "m")
    send(
        stack, late.lead("", "Sign Up"), late.purchase("in_1"), late.purchase("in_2"), late.lead("c", "Demo")
    )
    found = trace(stack, "late", exit_code=1)
    assert found["backlog"] == {"qualifications": 1, "purchases": 2, "deferred-leads": 1}
    assert found["explanation"]["summary"].startswith("Nothing is held yet, and 4 records are not processed")
    text = stack.run("trace", "acme", "late").stdout.decode()
    assert "4 records are not processed" in text
    assert "no event" not in text
    assert trace(stack, BOB)["backlog"]["deferred-leads"] == 1


def check_forgotten(stack: Stack, client: Client, before: dict[str, list[Any]]) -> None:
    """The views show bob as before, and of her nothing but that events of hers were suppressed."""
    assert trace(stack, ANN7)["status"] == "erased"
    found = snapshot(client)
    for view in VIEWS:
        assert not_hers(found[view]) == not_hers(before[view]), view
    for view in ("leads", "sales", "customers", "dead_letters"):
        assert found[view] == not_hers(found[view]), view
    said = client.query("SELECT DISTINCT reason, event FROM unmatched WHERE customer_external_id = 'ann7'")
    assert {tuple(row) for row in said.result_rows} == {("suppressed", "null")}


def check_what_was_written_since(stack: Stack, erased_at: dict[tuple[str, int], int]) -> None:
    """Of what she did before the erasure nothing; of what was sent since, only that itself."""
    copied = {stack.settings.topic(topic) for topic in COPIED}
    names = {name for name, _ in erased_at}
    assert copied < names
    for name in names:
        written = b"".join(surviving(stack, name, erased_at))
        assert HELD not in written, name
        assert name in copied or MARK not in written, name


def check_what_compaction_leaves(stack: Stack) -> None:
    """Segments close only when something else is written."""
    rounds = iter(range(1000))

    def clean() -> bool:
        names = [f"other{next(rounds)}-{number}" for number in range(20)]
        others = [Person(name, "mark-of-others") for name in names]
        send(stack, *(event for other in others for event in other.history()[:3]))
        return not [name for name in compacted(stack) if MARK in b"".join(surviving(stack, name))]

    wait_for(clean, 120, lambda: f"she survives in {compacted(stack)}")


def check_stores(stack: Stack) -> None:
    """Every file of every store, once what was overwritten is gone."""
    stores = [current.parent for current in stack.directory.glob("worker-*/**/CURRENT")]
    assert len(stores) >= 2 * stack.settings.partitions
    for store in stores:
        database = rocksdict.Rdict(str(store), options=rocksdict.Options(raw_mode=True))
        database.flush()
        database.compact_range(None, None)
        database.close()
    assert files_with(stack.directory, MARK) == []


def check_tables(client: Client, clickhouse: LocalClickHouse) -> None:
    """Every row of every table, hidden ones and old versions included; then every byte on the disk.

    A part that was rewritten stays for some minutes, in case the machine fails: here only for a second.
    """
    content = everything(client)
    assert MARK not in content
    assert b"mark-of-bob" in content
    inactive = "SELECT table FROM system.parts WHERE database = currentDatabase() AND NOT active"

    def kept() -> list[Any]:
        return [row for row in client.query(inactive).result_rows if row[0] in RAW]

    wait_for(lambda: not kept(), 60, lambda: f"old parts stay: {kept()}")
    assert files_with(clickhouse.data_dir, MARK) == []


def not_hers(rows: list[Any]) -> list[Any]:
    return [row for row in rows if ANN7 not in str(row)]


def snapshot(client: Client) -> dict[str, list[Any]]:
    return {view: list(client.query(f"SELECT * FROM {view} ORDER BY ALL").result_rows) for view in VIEWS}
