"""``leadstream rewards hold``, ``release``, ``cancel`` and ``refund``: what is said of rewards and sales."""

from collections.abc import Callable
from typing import Final

import click

from processors.cli.loading import load_settings
from processors.cli.parameters import TEXT, WORKSPACE
from processors.clock import epoch_ms
from processors.kafka.running import run_on_kafka
from processors.terminal.lines import say

_OF_REWARD: Final = """{does}

    REWARD is its rewardId, as `leadstream rewards explain WORKSPACE CUSTOMER` shows it. One that there is not
    yet is waited for until LEADSTREAM_HOLD is over. --reason and --actor go along, for people: name nobody
    there who may have to be forgotten.

    \b
    Examples:
      leadstream rewards {name} acme ann rw_0123456789abcdef0123456789abcdef --reason "{reason}"

    Writes an event to the topic reward-events at LEADSTREAM_KAFKA_BOOTSTRAP, and returns when it is
    acknowledged.

    Exit codes: 0, 1 it is no rewardId, 69 no broker, 78 the topic is missing.
    """
_SALE_ID: Final = 35
"""Characters."""
_KINDS: Final = {
    "hold": ("Keep a reward from being paid, until it is released.", "is looked into"),
    "release": ("Let a reward that is held be paid.", "was looked into"),
    "cancel": ("Take a reward back, for good.", "fraud"),
}


def _told(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--event-id", type=TEXT, help="Said twice under one id, it counts once."),
        click.option("--actor", type=TEXT, help="Who says so."),
        click.option("--reason", type=TEXT, help="Why."),
    ):
        command = option(command)
    return command


def _of_reward(name: str) -> click.Command:
    does, reason = _KINDS[name]

    @click.command(name, help=_OF_REWARD.format(does=does, name=name, reason=reason))
    @click.argument("workspace", type=WORKSPACE)
    @click.argument("customer", type=TEXT)
    @click.argument("reward", type=TEXT)
    @_told
    def command(
        workspace: str,
        customer: str,
        reward: str,
        reason: str | None,
        actor: str | None,
        event_id: str | None,
    ) -> None:
        _say(name, workspace, customer, {"rewardId": reward}, reason, actor, event_id)

    return command


@click.command()
@click.argument("workspace", type=WORKSPACE)
@click.argument("customer", type=TEXT)
@click.argument("invoice", type=TEXT)
@click.argument("amount", type=click.IntRange(1))
@_told
def refund(
    workspace: str,
    customer: str,
    invoice: str,
    amount: int,
    reason: str | None,
    actor: str | None,
    event_id: str | None,
) -> None:
    """Say that AMOUNT of a sale was paid back: its reward is lowered in proportion.

    INVOICE is the sale's invoiceId, or its saleId if it has none; AMOUNT in minor units of its currency.
    Refunds of a sale add up, to its amount at most: use --event-id for the refund's own id, so that it counts
    once however often it is said.

    \b
    Examples:
      leadstream rewards refund acme ann in_1 1900 --event-id re_1

    Writes an event to the topic reward-events at LEADSTREAM_KAFKA_BOOTSTRAP, and returns when it is
    acknowledged.

    Exit codes: 0, 1 it is no event, 69 no broker, 78 the topic is missing.
    """
    of = {
        "saleId" if invoice.startswith("sl_") and len(invoice) == _SALE_ID else "invoiceId": invoice,
        "amount": amount,
    }
    _say("refund", workspace, customer, of, reason, actor, event_id)


def _say(
    name: str,
    workspace: str,
    customer: str,
    about: dict[str, object],
    reason: str | None,
    actor: str | None,
    event_id: str | None,
) -> None:
    settings = load_settings()
    from processors.rewarding.asking import event_of, send_event

    said = {"type": name, "workspaceId": workspace, "customerExternalId": customer, **about}
    more = {"reason": reason, "actor": actor, "eventId": event_id}
    key, value, identity = event_of({**said, **more}, epoch_ms)
    run_on_kafka(send_event(settings, key, value))
    say(f"{name} said, event {identity}")


COMMANDS: Final = (*map(_of_reward, _KINDS), refund)
