"""``leadstream rewards``."""

import os
from pathlib import Path

import click
import msgspec
import orjson

from processors.cli.lazy import Group
from processors.cli.loading import load_settings
from processors.cli.parameters import TEXT, WORKSPACE, PathType
from processors.cli.reward_events import COMMANDS
from processors.clock import epoch_ms
from processors.errors import CheckFailed
from processors.files import OTHERS
from processors.kafka.running import run_on_kafka
from processors.observability.logs import bugs_logged, configure_logs
from processors.terminal.bars import Bar
from processors.terminal.lines import say, say_cells, say_json

FILE = click.argument("file", type=PathType(exists=True, dir_okay=False))


@click.group(cls=Group)
def rewards() -> None:
    """What programs pay their partners for leads and sales (docs/rewards.md)."""


@rewards.command()
def run() -> None:
    """Run one process of the ledger until SIGTERM or Ctrl-C: leads, sales and events become rewards.

    Run any number of them, each with a LEADSTREAM_DATA_DIR of its own and a LEADSTREAM_INSTANCE_ID that stays
    the same over restarts, beside the workers: they share neither group nor state. State, offsets and rewards
    move in one transaction: a process may be killed at any moment.

    \b
    Reads   leads, sales, customers, reward-events, reward-policies
    Writes  rewards, reward-refusals, dead-letters; LEADSTREAM_DATA_DIR; for itself reward-claims,
            reward-shares and the changelogs
    Example
      LEADSTREAM_KAFKA_BOOTSTRAP=kafka:9092 LEADSTREAM_INSTANCE_ID=rewards-1 \\
      LEADSTREAM_DATA_DIR=/var/lib/leadstream/rewards-1 leadstream rewards run

    Exit codes: 0 stopped when asked, 65 stopped by too many dead letters, 69 no broker, 70 start it again,
    73 the data directory is in use, 78 the topics are wrong.
    """
    settings = load_settings()
    os.umask(OTHERS)
    configure_logs(settings, process=settings.instance_id or "rewards")
    with bugs_logged():
        from processors.rewarding.run import run_rewards

        run_rewards(settings)


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
    their currency; what has no partner, or earns nothing, is counted by its reason. Caps are used up in the
    order in which leads and sales are read.

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


@rewards.command()
@click.argument("workspace", type=WORKSPACE)
@click.argument("customer", type=TEXT)
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each.")
def explain(workspace: str, customer: str, *, as_json: bool) -> None:
    """Show what each lead and sale of a customer earns, by which version, condition and cap, or why nothing.

    And rewards that were taken back, and what was said of them: refunds, holds, releases, cancellations, also
    if they led to nothing. As of the last transaction of `leadstream rewards run`.

    \b
    Examples:
      leadstream rewards explain acme ann
      leadstream rewards explain acme ann --json | jq -r .rewardId

    Reads their changelog, and reward-refusals and rewards, at LEADSTREAM_KAFKA_BOOTSTRAP. Changes nothing.

    Exit codes: 0, 1 nothing is known of the customer, 69 no broker, 78 the topic is missing.
    """
    settings = load_settings()
    from processors.rewarding.asking import ledger_of, told_of
    from processors.rewards.explaining import everything

    state = run_on_kafka(ledger_of(settings, workspace, customer))
    if state is None:
        raise CheckFailed(
            f"no lead and no sale of customer {customer} of workspace {workspace} is known",
            "Does `leadstream rewards run` run? `leadstream trace` shows whether there is a lead.",
        )
    sources, events = everything(state, run_on_kafka(told_of(settings, workspace, customer, state)))
    if as_json:
        for one in (*sources, *events):
            say_json(msgspec.json.encode(one))
    else:
        for line in (*(one.whole() for one in sources), *map(str, events)):
            say(line)


for _command in COMMANDS:
    rewards.add_command(_command)


@rewards.group(cls=Group)
def policy() -> None:
    """What programs pay, as every process reads it: the topic reward-policies."""


@policy.command("set")
@FILE
@click.argument("workspace", type=WORKSPACE)
def policy_set(file: Path, workspace: str) -> None:
    """Let the policy in FILE be what its program in WORKSPACE pays.

    FILE has all versions. Those that were published stay as they are; a new one begins 10 minutes from now at
    the earliest, unless it is in the first policy of its program. Saying it again changes nothing.

    \b
    Examples:
      leadstream rewards policy set policy.yaml acme

    Reads and writes the topic reward-policies at LEADSTREAM_KAFKA_BOOTSTRAP.

    Exit codes: 0, 1 FILE is no policy, or would change what was published, 69 no broker, or another policy is
    being written, 78 the topic is missing.
    """
    settings = load_settings()
    from processors.rewarding.policies import write_policy
    from processors.rewards.policy_file import document_in

    wanted = document_in(file)
    written = run_on_kafka(write_policy(settings, workspace, wanted, epoch_ms))
    say(f"{workspace}: {written}" if written else f"{workspace}: {wanted.program_id} has this policy already")


@policy.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each.")
def policy_list(*, as_json: bool) -> None:
    """List the programs that have a policy, and since when its versions hold.

    \b
    Examples:
      leadstream rewards policy list
      leadstream rewards policy list --json | jq -r .programId

    Reads the topic reward-policies at LEADSTREAM_KAFKA_BOOTSTRAP. Changes nothing.

    Exit codes: 0, 69 no broker, 78 the topic is missing.
    """
    settings = load_settings()
    from processors.rewarding.policies import read_policies
    from schemas.times import rfc3339, to_ms

    documents = run_on_kafka(read_policies(settings)).documents()
    if not as_json:
        say_cells("workspace", "program", "versions")
    for (workspace, program), document in documents:
        begins = [rfc3339(to_ms(version.effective_from)) for version in document.versions]
        if as_json:
            say_json(orjson.dumps({"workspaceId": workspace, "programId": program, "effectiveFrom": begins}))
        else:
            say_cells(workspace, program, " ".join(begins))


@policy.command("show")
@click.argument("workspace", type=WORKSPACE)
@click.argument("program", type=TEXT)
def policy_show(workspace: str, program: str) -> None:
    """Print the policy of PROGRAM in WORKSPACE: JSON, which is a FILE for `policy set`.

    \b
    Examples:
      leadstream rewards policy show acme pg_1 > policy.json

    Reads the topic reward-policies at LEADSTREAM_KAFKA_BOOTSTRAP. Changes nothing.

    Exit codes: 0, 1 it has none, 69 no broker, 78 the topic is missing.
    """
    settings = load_settings()
    from processors.rewarding.policies import read_policies

    found = run_on_kafka(read_policies(settings)).document(workspace, program)
    if found is None:
        raise CheckFailed(
            f"program {program} of workspace {workspace} has no policy",
            "`leadstream rewards policy list` shows which do.",
        )
    say_json(msgspec.json.encode(found))
