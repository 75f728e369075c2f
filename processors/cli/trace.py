"""``leadstream trace``."""

from typing import TYPE_CHECKING

import click

from processors.cli.loading import load_settings
from processors.cli.parameters import person_of
from processors.cli.progress import Bar
from processors.cli.terminal import say, say_json, styled
from processors.errors import CheckFailed
from schemas.times import rfc3339

if TYPE_CHECKING:
    from processors.people.tracing import Found


@click.command()
@click.argument("workspace")
@click.argument("customer")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, with every fact and reason.")
def trace(workspace: str, customer: str, as_json: bool) -> None:
    """Say why CUSTOMER of WORKSPACE has its leads, or has none.

    Shows the facts that the workers hold, which click was chosen for each request and what excluded the
    others, what still waits, and until when; then what ClickHouse has, with the reason of every event that
    did not match. Windows and model are those of the environment: set them as for the workers.

    The workers' state is read from the changelog of their table: no worker has to run, and it is exact as of
    their last transaction. What they have not processed by then, where events of the customer come, is said.
    Without Kafka, ClickHouse alone answers; without ClickHouse, the workers' state.

    ClickHouse is also asked for ids that differ from CUSTOMER in upper and lower case only: to the workers
    they are other customers.

    \b
    Examples:
      leadstream trace acme u1
      leadstream trace acme u1 --json | jq '.explanation.requests[].why'

    Reads one partition of the changelog, and ClickHouse. Changes nothing.

    Exit codes: 0, 1 nothing is known of the customer, 69 neither Kafka nor ClickHouse answers,
    78 a setting is wrong.
    """
    settings = load_settings()
    from processors.people.tracing import find

    who = person_of(workspace, customer)
    with Bar("reading the workers' state", None, "records") as bar:
        found = find(settings, who, bar.reach)
    for note in found.notes:
        say(f"note: {note}", err=True)
    _show(found, as_json)
    if not found.known:
        raise CheckFailed(f"nothing is known of {found.person}", _remedy(found))


def _show(found: "Found", as_json: bool) -> None:
    from processors.cli.telling import clickhouse_lines, explanation_lines, similar_line

    if as_json:
        say_json(_document(found))
        return
    status, summary = _decision(found)
    who = f"{found.person.workspace_id} / {found.person.external_id}"
    say(styled(f"{who}: {status}", bold=True))
    say(summary)
    if found.similar:
        say(similar_line(found.similar))
    if found.explanation is not None:
        for line in explanation_lines(found.explanation):
            say(line)
    if found.clickhouse is not None:
        for line in clickhouse_lines(found.clickhouse):
            say(line)
    if found.held is not None and found.held.topic:
        held = found.held
        place = f"{held.topic}, partition {held.partition}, offset {held.offset}"
        say(styled(f"state of {rfc3339(held.written_ms)} ({place})", dim=True))


def _remedy(found: "Found") -> str:
    if found.backlog:
        return "Look again when the workers have caught up."
    if found.similar:
        return f"Ids that differ in case are different customers: {', '.join(found.similar)}?"
    return "Is that its id, as events give it?"


def _decision(found: "Found") -> tuple[str, str]:
    if found.explanation is not None:
        return found.explanation.status, found.explanation.summary
    shown = found.clickhouse or {}
    status = str(shown["customers"][0]["status"]) if shown.get("customers") else "unknown"
    return (
        status,
        f"{len(shown.get('leads', ()))} leads and {len(shown.get('sales', ()))} sales in ClickHouse.",
    )


def _document(found: "Found") -> str:
    import msgspec

    held = found.held
    state = None
    if held is not None and held.topic:
        place = {"topic": held.topic, "partition": held.partition, "offset": held.offset}
        state = {**place, "writtenAt": rfc3339(held.written_ms)}
    document = {
        "workspaceId": found.person.workspace_id,
        "customerExternalId": found.person.external_id,
        "customerId": found.person.id,
        "status": _decision(found)[0],
        "similar": found.similar,
        "backlog": found.backlog,
        "explanation": found.explanation,
        "state": state,
        "clickhouse": found.clickhouse,
        "notes": found.notes,
    }
    return msgspec.json.format(msgspec.json.encode(document)).decode()
