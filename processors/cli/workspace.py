"""``leadstream workspace``."""

import secrets
from collections.abc import Sequence
from typing import IO, Any, Final

import click
import orjson

from processors.cli.lazy import Group
from processors.cli.loading import load_settings
from processors.cli.parameters import Parsed
from processors.clock import epoch_ms
from processors.kafka.running import run_on_kafka
from processors.registry.changes import MAX_OVERLAP_MS, Wishes, create, rotate, update
from processors.registry.import_file import FORMAT, read_import
from processors.registry.keys import SALT_BYTES, IssuedKey, issue
from processors.registry.names import host_name, host_pattern, page_url
from processors.registry.registries import Change
from processors.registry.telling import document, issued, lines
from processors.settings.durations import parse_duration_ms
from processors.terminal.bars import Bar
from processors.terminal.lines import say, say_json
from schemas.registry import Domain, KeyRole, Workspace
from schemas.workspaces import check_workspace


def _id(text: str) -> str:
    check_workspace(text)
    return text


def _overlap(text: str) -> int:
    overlap = parse_duration_ms(text)
    if not isinstance(overlap, int) or overlap > MAX_OVERLAP_MS:
        raise ValueError("longer than 365d")
    return overlap


ID: Final = Parsed("id", _id)
HOST: Final = Parsed("domain", host_name)
PATTERN: Final = Parsed("hostname", host_pattern)
PAGE: Final = Parsed("url", lambda text: page_url(text) if text else "")
OVERLAP: Final = Parsed("duration", _overlap)
as_json_option = click.option("--json", "as_json", is_flag=True, help="The result as JSON.")


@click.group(cls=Group)
def workspace() -> None:
    """Create workspaces, give them domains and keys.

    A workspace is whose clicks, links and customers never meet those of others. Its keys let it in: the
    secret one its servers, the publishable one its web pages. They are shown once and stored as hashes.
    """


@workspace.command("create")
@click.argument("workspace_id", metavar="ID", type=ID)
@click.option("--domain", "domains", multiple=True, type=HOST, help="For short links; the first is primary.")
@as_json_option
def create_(workspace_id: str, domains: Sequence[str], as_json: bool) -> None:
    """Create the workspace ID, and show its keys: this once.

    \b
    Examples:
      leadstream workspace create acme --domain go.example.com
      leadstream workspace create acme --json | jq -r .secretKey

    Reads and writes the topic workspaces.

    Exit codes: 0 done, 1 the workspace exists or a domain belongs to another one, 69 no broker, 78 the topic
    is missing, or the record of the workspace cannot be read.
    """
    keys = [issue(role, epoch_ms(), secrets.token_bytes) for role in KeyRole]
    wanted = Workspace(
        workspace_id=workspace_id,
        keys=tuple(one.record for one in keys),
        domains=tuple(Domain(slug=one) for one in dict.fromkeys(domains)),
        visitor_salt=secrets.token_hex(SALT_BYTES),
    )
    _write(create(wanted))
    _show_keys(workspace_id, keys, as_json=as_json)


@workspace.command("import", epilog=FORMAT)
@click.argument("file", type=click.File("rb"))
def import_(file: IO[bytes]) -> None:
    """Make a workspace what FILE says, or standard input when FILE is -: its keys, domains and links.

    All of it is checked before anything is written; what is wrong is named with line and field. Importing a
    file once more changes nothing; after an interruption it goes on.

    \b
    Examples:
      leadstream workspace import acme.json
      jq -n '{workspaceId: "acme", domains: [{slug: "go.localhost"}]}' | leadstream workspace import -

    Reads and writes the topics workspaces and links.

    Exit codes: 0 done, 1 the file was refused, 69 no broker, 78 a topic is missing, or a record of the
    workspace cannot be read.
    """
    from processors.registry.importing import import_into

    wanted = read_import(file.read(), epoch_ms())
    with Bar("importing", None, "links") as bar:
        done = run_on_kafka(import_into(load_settings(), wanted, secrets.token_hex(SALT_BYTES), bar))
    say(f"{wanted.workspace_id}: {done.links:,} links, {done.written:,} of them written")


@workspace.command("list")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
def list_(as_json: bool) -> None:
    """List the workspaces: domains, limits, and of each key its beginning, until when it opens, and when it
    was last used, to some minutes.

    Reads the topic workspaces. Exit codes: 0 done, 69 no broker, 78 the topic is missing.
    """
    from processors.registry.store import read

    contents, now_ms = run_on_kafka(read(load_settings())), epoch_ms()
    for one in contents:
        if as_json:
            say_json(orjson.dumps(document(one, contents.uses(one.workspace_id))))
        else:
            for line in lines(one, now_ms, contents.uses(one.workspace_id)):
                say(line)
    for workspace_id in contents.unreadable:
        say(f"{workspace_id}: its record cannot be read; has a newer release written it?", err=True)


@workspace.command("set")
@click.argument("workspace_id", metavar="ID", type=ID)
@click.option("--domain", type=HOST, help="Add this domain, or change it.")
@click.option("--primary", is_flag=True, help="Make it the primary one.")
@click.option("--not-found-url", type=PAGE, help='Where its unknown links lead; "": nowhere.')
@click.option("--expired-url", type=PAGE, help='Where its expired links lead; "": nowhere.')
@click.option("--remove-domain", type=HOST, help="Take this domain away.")
@click.option("--hostname", "hostnames", multiple=True, type=PATTERN, help="Keys serve its pages only.")
@click.option("--any-hostname", is_flag=True, help="Keys serve every page.")
@click.option("--limit-secret", type=click.IntRange(1), help="Requests a second of each secret key.")
@click.option("--limit-publishable", type=click.IntRange(1), help="Of each publishable key.")
@click.option("--limit-visitor", type=click.IntRange(1), help="Of each address of a visitor.")
@click.option("--track-conversion/--no-track-conversion", default=None, help="Of links that do not say it.")
@click.option("--record-gpc/--no-record-gpc", default=None, help="Clicks of those who send Sec-GPC: 1, too.")
@as_json_option
def set_(workspace_id: str, as_json: bool, **chosen: Any) -> None:
    """Change what is said, and leave the rest as it is.

    --hostname may be repeated and replaces all that there were; *.example.com is every host below it.

    \b
    Examples:
      leadstream workspace set acme --domain go.example.com --not-found-url https://example.com/
      leadstream workspace set acme --hostname example.com --hostname '*.example.com'
      leadstream workspace set acme --limit-secret 5000 --track-conversion

    Reads and writes the topic workspaces.

    Exit codes: 0 done, 1 there is no such workspace, the domain belongs to another one or has
    links, 69 no broker, 78 the topic is missing, or the record of the workspace cannot be read.
    """
    done = _write(update(workspace_id, _wishes(**chosen)))
    if as_json:
        say_json(orjson.dumps(document(done)))
    else:
        for line in lines(done, epoch_ms()):
            say(line)


@workspace.command("rotate-key")
@click.argument("workspace_id", metavar="ID", type=ID)
@click.option("--role", type=click.Choice([str(one) for one in KeyRole]), default="secret", show_default=True)
@click.option("--overlap", type=OVERLAP, default="24h", show_default=True, help="So long do older ones open.")
@as_json_option
def rotate_key(workspace_id: str, role: str, overlap: int, as_json: bool) -> None:
    """Make a new key of a role, and show it: this once. The others of this role expire after the overlap.

    With an overlap of 0 they expire at once: for a key that leaked.

    \b
    Examples:
      leadstream workspace rotate-key acme
      leadstream workspace rotate-key acme --role publishable --overlap 30d
      leadstream workspace rotate-key acme --overlap 0 --json

    Reads and writes the topic workspaces.

    Exit codes: 0 done, 1 there is no such workspace, 69 no broker, 78 the topic is missing, or the record of
    the workspace cannot be read.
    """
    key = issue(KeyRole(role), epoch_ms(), secrets.token_bytes)
    _write(rotate(workspace_id, key.record, overlap))
    _show_keys(workspace_id, [key], as_json=as_json)


def _wishes(
    domain: str | None,
    hostnames: tuple[str, ...],
    primary: bool,
    any_hostname: bool,
    remove_domain: str | None,
    track_conversion: bool | None,
    record_gpc: bool | None,
    **others: Any,
) -> Wishes:
    given = {name: value for name, value in others.items() if value is not None}
    urls = {name: value or None for name, value in given.items() if name.endswith("_url")}
    if domain is None and (urls or primary):
        raise click.UsageError("say with --domain whose that is")
    if domain is not None and domain == remove_domain:
        raise click.UsageError("--domain and --remove-domain contradict each other")
    if any_hostname and hostnames:
        raise click.UsageError("--hostname and --any-hostname contradict each other")
    return Wishes(
        domain=domain,
        urls=urls,
        primary=primary,
        remove_domain=remove_domain,
        hostnames=hostnames if hostnames or any_hostname else None,
        limits={name.removeprefix("limit_"): value for name, value in given.items() if name not in urls},
        track_conversion=track_conversion,
        record_gpc=record_gpc,
    )


def _write(change: Change[Workspace]) -> Workspace:
    from processors.registry.store import write

    return run_on_kafka(write(load_settings(), change))


def _show_keys(workspace_id: str, keys: Sequence[IssuedKey], *, as_json: bool) -> None:
    shown = issued(workspace_id, keys)
    if as_json:
        say_json(orjson.dumps(shown))
    else:
        for name, value in shown.items():
            say(f"{name}  {value}")
        say("keys are not shown again", err=True)
