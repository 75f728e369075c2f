"""Servers, topics, tables, then worker, rewards, sink and gateway; and all of it down again, in the opposite
order.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from processors.clickhouse.migrations import bring_up_to_date
from processors.clickhouse.url import DEFAULT_DATABASE, ClickHouseUrl
from processors.errors import Misconfigured
from processors.files import OTHERS, own_directory, tighten
from processors.kafka.running import run_on_kafka
from processors.kafka.topics import create_topics
from processors.progress import Steps
from processors.rewarding.run import layouts_of
from processors.settings import Settings, variable
from processors.settings.part import file_variable
from processors.settings.running import LOGS, published
from processors.stack.addresses import CLICKHOUSE_PORT, KAFKA_PORT, described, unusual
from processors.stack.gateway import gateway_port, held, is_set
from processors.stack.named import check_clickhouse, check_kafka
from processors.stack.supervisor import Service, Supervisor
from processors.status.roster import Roster

if TYPE_CHECKING:
    from deploy.local.server import LocalServer

_GRACE_S = 30.0


@dataclass(frozen=True)
class Plan:
    """What to run. ``kafka`` and ``clickhouse``: servers that are there already; None: embedded ones."""

    data: Path
    kafka: str | None
    clickhouse: ClickHouseUrl | None
    workers: int


@dataclass(frozen=True)
class Running:
    """What is running. ``settings`` point to it."""

    settings: Settings
    supervisor: Supervisor


@contextmanager
def running(plan: Plan, settings: Settings, steps: Steps) -> Iterator[Running]:
    """Everything up on entry, as far as it can be without its first event; everything down on exit.

    Raises ``LeadstreamError``; nothing stays behind then.
    """
    from deploy.local.errors import explained

    _check_installed(plan)
    if plan.kafka is not None:
        check_kafka(settings)
    if plan.clickhouse is not None:
        check_clickhouse(settings)
    with ExitStack() as stack:
        stack.enter_context(_owned(plan.data))
        port, gateway_is_usual = gateway_port(settings, plan.data), not is_set(settings)
        place = stack.enter_context(held(port))
        # Said last of all, when everything below is down.
        stack.callback(steps.done, "stopped")
        kept: list[LocalServer] = []
        kafka = plan.kafka or _kafka(plan, stack, steps, kept)
        clickhouse = plan.clickhouse or ClickHouseUrl.parse(_clickhouse(plan, stack, steps, kept))
        for server in kept:
            server.start()
            steps.done(f"{server.NAME} runs")
        if clickhouse.name == "default":  # the server's own, not meant for anybody's tables
            clickhouse = clickhouse.naming(DEFAULT_DATABASE)
        settings = settings.model_copy(
            update={
                # Embedded servers know nobody but us; how one connects to others is for others.
                **{field: Settings.model_fields[field].default for field in _not_for(plan)},
                "kafka_bootstrap": kafka,
                "clickhouse_url": SecretStr(clickhouse.secret()),
                "gateway_port": port,
            }
        )
        embedded = {"Kafka": plan.kafka is None, "ClickHouse": plan.clickhouse is None}
        if line := unusual(settings, {**embedded, "gateway": gateway_is_usual}):
            steps.say(line)
        _prepare(settings, steps, embedded=plan.kafka is None)
        supervisor = Supervisor(steps.say, Roster(plan.data))
        stack.callback(supervisor.stop, _GRACE_S)
        supervisor.watch_disk(plan.data)
        for server in kept:
            supervisor.keep(server)
        services = list(_services(plan, settings))
        place.close()
        for service in services:
            supervisor.start(service)
        with explained(plan.data):
            stack.enter_context(published(described(plan.data, settings, services)))
        stack.callback(steps.begin, "stopping; Ctrl-C once more to end it at once")
        yield Running(settings, supervisor)


def _check_installed(plan: Plan) -> None:
    """Before anything is made or downloaded. Raises ``NotInstalled``, for both servers at once."""
    from deploy.local.clickhouse import LocalClickHouse
    from deploy.local.errors import NotInstalled
    from deploy.local.kafka import LocalKafka

    embedded = {
        "--kafka": None if plan.kafka else LocalKafka,
        "--clickhouse": None if plan.clickhouse else LocalClickHouse,
    }
    lacking = {option: one.NAME for option, one in embedded.items() if one and not one.installed()}
    if lacking:
        raise NotInstalled([*lacking.values()], f", or name servers of your own with {' and '.join(lacking)}")


def _not_for(plan: Plan) -> set[str]:
    """The settings of connections to other servers than the embedded ones."""
    embedded = [name for name in ("kafka", "clickhouse") if getattr(plan, name) is None]
    return {field for field in Settings.model_fields for name in embedded if field.startswith(f"{name}_")}


@contextmanager
def _owned(data: Path) -> Iterator[None]:
    """``data`` made, and ours alone: no other process works in it, and no other user reads it."""
    from deploy.local.directory import DirectoryLock
    from deploy.local.errors import explained

    with explained(data):
        own_directory(data)
        own_directory(data / LOGS)
        lock = DirectoryLock(data)
        lock.acquire()
        # What an earlier release left. The servers and the workers see to directories of their own, and of
        # what else somebody may keep beside them we know nothing.
        for ours in (data / LOGS, *(path for path in data.iterdir() if path.is_file())):
            tighten(ours)
    before = os.umask(OTHERS)
    try:
        yield
    finally:
        os.umask(before)
        lock.release()


def _kafka(plan: Plan, stack: ExitStack, steps: Steps, kept: "list[LocalServer]") -> str:
    """Its address; the server is on its way up."""
    from deploy.local.kafka import LocalKafka

    server = LocalKafka(plan.data / "kafka", usual=KAFKA_PORT, progress=steps.begin)
    stack.callback(server.stop)
    server.launch()
    kept.append(server)
    return server.bootstrap


def _clickhouse(plan: Plan, stack: ExitStack, steps: Steps, kept: "list[LocalServer]") -> str:
    """As of Kafka."""
    from deploy.local.clickhouse import LocalClickHouse

    server = LocalClickHouse(
        plan.data / "clickhouse",
        usual=CLICKHOUSE_PORT,
        progress=steps.begin,
        databases=f"{DEFAULT_DATABASE}*",
    )
    stack.callback(server.stop)
    server.launch()
    kept.append(server)
    return server.url


def _prepare(settings: Settings, steps: Steps, *, embedded: bool) -> None:
    """Topics and tables. An embedded Kafka is ours to configure anew; another one keeps what it has."""
    steps.begin("creating topics and tables")
    report = run_on_kafka(create_topics(settings, layouts_of(settings), update=embedded))
    report.require_all()
    sizes = [str(one) for one in report.differences if one.what == "partitions"]
    if sizes:
        more = f"; and {len(sizes) - 2} more topics" if len(sizes) > 2 else ""
        raise Misconfigured(
            "; ".join(sizes[:2]) + more,
            "Set LEADSTREAM_PARTITIONS to what is there, or choose another --data or topic prefix.",
        )
    for difference in report.differences:
        steps.say(f"warning: {difference}")
    applied = bring_up_to_date(settings)
    steps.done(f"topics ({len(report.created)} new) and tables ({len(applied)} new migrations)")


def _services(plan: Plan, settings: Settings) -> Iterator[Service]:
    from deploy.local.ports import HOST, free_port

    token = _token(plan.data)
    unused = {name(field) for field in _not_for(plan) for name in (variable, file_variable)}
    unused.add(file_variable("clickhouse_url"))  # the URL is here in whole
    shared = {
        **{name: value for name, value in os.environ.items() if name.upper() not in unused},
        variable("kafka_bootstrap"): settings.kafka_bootstrap,
        variable("clickhouse_url"): settings.clickhouse_url.get_secret_value(),
        variable("metrics_host"): HOST,
        variable("gateway_port"): str(settings.gateway_port),
        variable("gateway_host"): HOST,
    }
    names = [f"worker-{number}" for number in range(1, plan.workers + 1)]
    commands: dict[str, tuple[str, ...]] = dict.fromkeys(names, ("worker",))
    commands |= {"rewards": ("rewards", "run"), "sink": ("sink",), "gateway": ("gateway",)}
    for name, command in commands.items():
        env = {
            **shared,
            variable("data_dir"): str(plan.data / name),
            variable("instance_id"): f"{token}-{name}",
            # Two processes cannot listen on one port.
            variable("metrics_port"): str(free_port()),
        }
        yield Service.of(name, command, env, plan.data / LOGS / f"{name}.log")


def _token(data: Path) -> str:
    """Tells the members of this data directory from those of another one in the same consumer group."""
    path = data / "name"
    if not path.exists():
        path.write_text(f"up-{secrets.token_hex(3)}\n")
    return path.read_text().strip()
