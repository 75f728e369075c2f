"""One event of one visitor, as the JSON that a producer would send."""

from typing import NamedTuple

import orjson

from processors.demo.world import BOT, Link, Workspace, customer_name
from schemas.times import rfc3339
from schemas.topics import Topic, click_key, customer_key


class DemoEvent(NamedTuple):
    """An event on its way: where it belongs, under which key, its bytes, and its ``type``."""

    topic: Topic
    key: bytes | None
    value: bytes
    type: str


class Customer(NamedTuple):
    """Customers are numbered from 1 in each workspace, so that both workspaces know the same ids."""

    workspace: Workspace
    number: int
    external_id: str


def click(
    workspace: Workspace, click_id: str, link: Link, visitor: dict[str, object], at_ms: int, *, bot: bool
) -> DemoEvent:
    """Somebody, or something, follows a link."""
    event = {
        "type": "click",
        "workspaceId": workspace.workspace_id,
        "clickId": click_id,
        "timestamp": at_ms,
        "trackConversion": link.track_conversion,
        **link.fields,
        **visitor,
    }
    if bot:
        event.update(bot=True, device=BOT.device, browser=BOT.browser, os=BOT.os, ua=BOT.ua)
    return DemoEvent(Topic.CLICKS, click_key(workspace.workspace_id, click_id), orjson.dumps(event), "click")


def sign_up(customer: Customer, click_id: str, at_ms: int, *, deferred: bool) -> DemoEvent:
    """Step 1: the visitor of ``click_id`` becomes a customer; not ``deferred``: and a lead at once."""
    workspace_id = customer.workspace.workspace_id
    name = customer_name(customer.number)
    event = {
        "type": "lead",
        "workspaceId": workspace_id,
        "clickId": click_id,
        "eventName": customer.workspace.sign_up,
        "customerExternalId": customer.external_id,
        "customerName": name,
        "customerEmail": f"{name.lower().replace(' ', '.')}.{customer.number}@mail.example",
        "customerAvatar": None,
        "mode": "deferred" if deferred else "async",
        "timestamp": rfc3339(at_ms),
        "eventId": f"su_{click_id}",
    }
    return DemoEvent(Topic.DEFERRED_LEADS, click_key(workspace_id, click_id), orjson.dumps(event), "lead")


def qualification(customer: Customer, step: int, at_ms: int) -> DemoEvent:
    """Step 2: the customer does what makes a lead of them, weeks away from any click."""
    workspace_id = customer.workspace.workspace_id
    event = {
        "type": "lead",
        "workspaceId": workspace_id,
        "clickId": "",
        "eventName": customer.workspace.qualifications[step],
        "customerExternalId": customer.external_id,
        "timestamp": rfc3339(at_ms),
        "eventId": f"q{step}_{customer.external_id}",
        "metadata": {"seats": customer.number % 5 or 12},
    }
    key = customer_key(workspace_id, customer.external_id)
    return DemoEvent(Topic.QUALIFICATIONS, key, orjson.dumps(event), "lead")


def purchase(customer: Customer, invoice: int, at_ms: int) -> DemoEvent:
    """The customer pays, for the first time or again."""
    workspace = customer.workspace
    event = {
        "type": "purchase",
        "workspaceId": workspace.workspace_id,
        "customerExternalId": customer.external_id,
        "amount": workspace.prices[(customer.number + invoice // 2) % len(workspace.prices)],
        "currency": workspace.currency,
        "paymentProcessor": workspace.payment_processor,
        "invoiceId": f"inv_{customer.external_id}_{invoice}",
        "timestamp": rfc3339(at_ms),
    }
    key = customer_key(workspace.workspace_id, customer.external_id)
    return DemoEvent(Topic.PURCHASES, key, orjson.dumps(event), "purchase")
