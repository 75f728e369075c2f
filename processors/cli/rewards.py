"""``leadstream rewards``."""

from pathlib import Path

import click
import msgspec
import orjson

from processors.cli.lazy import Group
from processors.cli.loading import load_settings
from processors.cli.parameters import TEXT, WORKSPACE, PathType
from processors.clock import epoch_ms
from processors.errors import CheckFailed
from processors.kafka.running import run_on_kafka
from processors.terminal.bars import Bar
from processors.terminal.lines import say, say_cells, say_json

FILE = click.argument("file", type=PathType(exists=True, dir_okay=False))


@click.group(cls=Group)
def rewards() -> None:
    """What a program pays its partners for leads and sales (docs/rewards.md)."""


@rewards.command()
@FILE
def check(file: Path) -> None:
    """Say whether FILE is a policy, and if not, what is wrong with it and where.

    \b
    Examples:
      leadstream rewards check policy.yaml

    Reads the file. Changes nothing.

    Exit codes: 0 it is one, 1 it is none.
    """
    from processors.rewards.policy_file import policy_in

    say(str(policy_in(file)))


@rewards.command()
@FILE
@click.argument("workspace", type=WORKSPACE)
@click.option("--customer", type=TEXT, help="Only this customer: each lead and sale, and why.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object; of a customer one for each.")
def preview(file: Path, workspace: str, customer: str | None, as_json: bool) -> None:
    """Show what the policy in FILE would pay for the leads and sales of WORKSPACE.

    Of those that the topics leads and sales hold now, and without refunds. Amounts are in minor units of
    their currency; what has no partner, or earns nothing, is counted by its reason.

    \b
    Examples:
      leadstream rewards preview policy.yaml acme
      leadstream rewards preview policy.yaml acme --customer u1
      leadstream rewards preview policy.yaml acme --json | jq '.rewards[].amounts.payable'

    Reads the file, and the topics leads and sales at LEADSTREAM_KAFKA_BOOTSTRAP. Changes nothing.

    Exit codes: 0, 1 FILE is no policy, or there is no such workspace or customer, 69 no broker, 78 a topic
    is missing.
    """
    settings = load_settings()
    from processors.rewards.policy_file import policy_in
    from processors.rewards.preview import read_preview

    policy = policy_in(file)
    with Bar("reading leads and sales", None, "records") as bar:
        found = run_on_kafka(read_preview(settings, workspace, policy, epoch_ms(), bar, customer))
    if not found.customers:
        from processors.workspaces import require_workspace

        require_workspace(settings, workspace)
        if customer is not None:
            raise CheckFailed(f"customer {customer} of workspace {workspace} has no lead and no sale")
    if customer is not None:
        for one in found.earned():
            if as_json:
                say_json(msgspec.json.encode(one))
            else:
                say(str(one))
    elif as_json:
        say_json(orjson.dumps(found.document()))
    else:
        for cells in found.table():
            say_cells(*cells)
    for note in found.notes():
        say(note, err=True)
