"""``leadstream trace``."""

import click

from processors.cli.loading import load_settings
from processors.cli.parameters import person_of
from processors.errors import CheckFailed
from processors.terminal.bars import Bar
from processors.terminal.lines import say, say_json


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

    Exit codes: 0, 1 nothing is known of the customer, or of the workspace, 69 neither Kafka nor ClickHouse
    answers, 78 a setting is wrong.
    """
    settings = load_settings()
    from processors.people.telling import document, lines
    from processors.people.tracing import find
    from processors.workspaces import require_workspace

    who = person_of(workspace, customer)
    with Bar("reading the workers' state", None, "records") as bar:
        found = find(settings, who, bar.reach)
    for note in found.notes:
        say(f"note: {note}", err=True)
    if as_json:
        say_json(document(found))
    else:
        for line in lines(found):
            say(line)
    if not found.known:
        if found.clickhouse is not None:
            require_workspace(settings, found.person.workspace_id)
        raise CheckFailed(f"nothing is known of {found.person}", found.remedy)
