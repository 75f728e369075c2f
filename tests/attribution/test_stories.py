"""The stories of ``stories``, told to the joins and to the reference model."""

from dataclasses import replace

import pytest

from processors.audit.model.reference import ReferenceModel
from schemas.results import Customer, Lead, Sale
from tests.attribution.builders import (
    T0,
    arrived,
    click,
    deferred,
    erasure,
    lead,
    network,
    policy,
    purchase,
    time,
)
from tests.attribution.stories import STORIES, Story


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.why.split(":")[0])
def test_story(story: Story) -> None:
    system = network(story.model)
    system.run(story.records)
    system.drain()
    found = system.published
    leads = {
        one.event_name: f"{one.click.id}@{_after_t0(one.deferred_at)}/{one.revision}"
        for one in found.leads.values()
    }
    sales = [f"{one.lead_event_name} {one.amount}/{one.revision}" for one in found.sales.values()]
    statuses = [f"{one.status} {one.click.id}" for one in found.customers.values()]
    assert leads == story.leads
    assert sales == story.sales
    assert statuses == ([story.status] if story.status else [])
    assert [one.reason.value for one in found.unmatched] == story.unmatched

    if story.any_order:
        expected = ReferenceModel(policy(story.model)).compute(arrived(story.records))
        assert found.outcome().leads == expected.leads
        assert found.outcome().sales == expected.sales
        assert found.outcome().customers == expected.customers


def test_what_is_emitted_when() -> None:
    """The seed's story once more, with every emission in its place."""
    system = network()
    emitted = [system.send(one) for one in (click("c1", 0), deferred("c1", 10), lead(70), purchase(80))]
    assert [[type(one) for one in step] for step in emitted] == [
        [],
        [Customer],
        [Lead, Customer],
        [Sale, Customer],
    ]


def test_a_lead_in_full() -> None:
    """Every field, with the plainest and with the fullest events."""
    system = network()
    link = {"linkId": "l1", "domain": "go.example", "key": "k", "url": "https://example.com/?a=1"}
    partner = {"partnerId": "p1", "programId": "g1", "tenantId": "t1", "linkExternalId": "x1"}
    place = {"continent": "EU", "country": "DE", "region": "DE-BW", "city": "Ulm"}
    device = {"device": "Mobile", "browser": "Firefox", "os": "Android", "qr": True, "trigger": "qr"}
    origin = {"referer": "t.co", "refererUrl": "https://t.co/1"}
    person = {"customerName": "Ann", "customerEmail": "ann@example.com", "customerAvatar": "https://a/1"}
    system.send(click("c1", 0, **link, **partner, **place, **device, **origin))
    system.send(deferred("c1", 10, **person))
    system.send(lead(70, "Demo", eventQuantity=3, eventId="e1", metadata={"plan": "pro"}))
    (found,) = system.published.leads.values()
    assert (found.event_name, found.quantity, found.event_id) == ("Demo", 3, "e1")
    assert (found.timestamp, found.deferred_at) == (time(70), time(10))
    assert bytes(found.metadata) == b'{"plan":"pro"}'
    assert found.attribution_model == "first-click"
    customer = found.customer
    assert (customer.external_id, customer.name, customer.email) == ("ann", "Ann", "ann@example.com")
    assert (customer.avatar, customer.first_seen_at) == ("https://a/1", time(10))
    assert (found.click.id, found.click.timestamp, found.click.trigger) == ("c1", time(0), "qr")
    assert (found.link.short_link, found.link.external_id) == ("https://go.example/k", "x1")


def test_the_link_of_a_domain_itself_has_no_key_in_its_address() -> None:
    system = network()
    system.send(click("c1", 0, linkId="l1", domain="go.example", key="_root"))
    system.send(deferred("c1", 10))
    system.send(lead(70))
    (found,) = system.published.leads.values()
    assert (found.link.key, found.link.short_link) == ("_root", "https://go.example/")


def test_an_unmatched_event_is_as_it_came() -> None:
    """Whether it was given up at once or after the hold: the bytes, and where they stood in Kafka."""
    system = network()
    waiting = replace(lead(70, metadata={"a": 1}, unknown="kept"), partition=3, offset=9)
    at_once = replace(deferred(None, 10), partition=4, offset=8)
    system.run([waiting, at_once])
    system.drain()
    for found, sent in zip(system.published.unmatched, (at_once, waiting), strict=True):
        assert bytes(found.event) == sent.value
        source = found.source
        assert (source.topic, source.partition, source.offset) == (sent.topic, sent.partition, sent.offset)
        assert (found.workspace_id, found.customer_external_id) == ("w1", "ann")


def test_nothing_that_an_erased_customer_did_is_repeated() -> None:
    system = network()
    system.run([erasure(), lead(70, customerEmail="ann@example.com")])
    (found,) = system.published.unmatched
    assert (found.reason, bytes(found.event)) == ("suppressed", b"null")


def _after_t0(timestamp: str) -> int:
    return next(at for at in range(-1000, 1000) if time(at) == timestamp)


def test_times_are_milliseconds_after_t0() -> None:
    assert time(0) == "2026-01-01T00:00:00.000Z"
    assert T0 % 1000 == 0


def test_what_is_sent_again_is_reported_again_whatever_waits() -> None:
    """By that it is known that a replay was in vain; of a bot's click, too, where the event still waits."""
    for first in (click("c1", 0, bot=True), click("c1", 0, trackConversion=False)):
        system = network()
        system.send(first)
        for times in (1, 2, 3):
            system.run([deferred("c1", 10), lead(20, click_id="c1")])
            reports = [one for one in system.published.unmatched if one.customer_external_id]
            assert len(reports) == 2 * times
