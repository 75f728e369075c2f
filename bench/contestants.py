"""Who is measured, and how each is started."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from bench.environments import Say, classpath_of, ensure_maven, ensure_python, java, python_of
from bench.measured import Command
from bench.site import Site
from processors.engine.placement import changelog_topic
from processors.programs import isolated
from processors.settings import Settings
from processors.worker.run import layouts_of

_COMPACT: Final = {"cleanup.policy": "compact", "segment.bytes": str(64 << 20)}


@dataclass(frozen=True)
class Launch:
    """``group``: the consumer group that shows progress, or None if the contestant commits none.
    ``topics``: what has to exist before it starts besides inputs and leads, with configs."""

    commands: Sequence[Command]
    group: str | None
    topics: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


Launcher = Callable[[Site], Launch]


def _nothing(_: Say) -> None:
    """Our own environment has everything."""


@dataclass(frozen=True)
class Contestant:
    """``workloads``: how it is started on each workload that it can do. ``prepare``: makes its environment,
    may raise ``NotAvailable``. ``recovers``: has another copy of its state than the local one, and shows what
    it is past."""

    name: str
    title: str
    guarantee: str
    workloads: Mapping[str, Launcher]
    prepare: Callable[[Say], None] = _nothing
    recovers: bool = True


def _leadstream_w1(processes: int, state: str) -> Launcher:
    def launch(site: Site) -> Launch:
        program = isolated("bench.peers.leadstream.w1")
        return Launch(
            [site.command(*program, instance=number, BENCH_STORE=state) for number in range(processes)],
            site.run,
            {changelog_topic(site.run, "customers"): _COMPACT},
        )

    return launch


def _leadstream_w2(processes: int, state: str) -> Launcher:
    def launch(site: Site) -> Launch:
        settings = product_settings(site)
        commands = [
            site.command(
                *isolated("processors.cli.main", "worker"),
                instance=number,
                LEADSTREAM_KAFKA_BOOTSTRAP=site.bootstrap,
                LEADSTREAM_TOPIC_PREFIX=settings.topic_prefix,
                LEADSTREAM_PARTITIONS=str(site.partitions),
                LEADSTREAM_INSTANCE_ID=f"{site.run}-{number}",
                LEADSTREAM_DATA_DIR=str(site.directory / f"state-{number}"),
                LEADSTREAM_STATE=state,
            )
            for number in range(processes)
        ]
        loaded = set(site.names.values())
        topics = {one.name: one.configs for one in layouts_of(settings) if one.name not in loaded}
        return Launch(commands, settings.worker_group, topics)

    return launch


def product_settings(site: Site) -> Settings:
    """Settings of the product at a site: its defaults, behind the site's prefix."""
    return Settings(kafka_bootstrap=site.bootstrap, topic_prefix=f"{site.run}.", partitions=site.partitions)


def _aiokafka_loop(site: Site) -> Launch:
    program = isolated("bench.peers.aiokafka_loop.w1")
    return Launch([site.command(*program)], site.run, {f"{site.run}-changelog": _COMPACT})


def _python(peer: str, *arguments: str, changelogs: Sequence[str] = (), commits: bool = True) -> Launcher:
    def launch(site: Site) -> Launch:
        python = str(python_of(f"peers/{peer}"))
        program = isolated(f"bench.peers.{peer}.w1", *arguments, python=python)
        topics = {f"{site.run}-{name}": _COMPACT for name in changelogs}
        return Launch([site.apart(*program)], site.run if commits else None, topics)

    return launch


def _faust_w2(site: Site) -> Launch:
    touches = f"{site.run}.touches"
    program = isolated("bench.peers.stock_faust.w2", python=str(python_of("peers/stock_faust")))
    topics = {f"{site.run}-{table}-changelog": _COMPACT for table in ("clicks", "customers")}
    return Launch([site.apart(*program, BENCH_TOUCHES=touches)], site.run, {**topics, touches: {}})


def _quix(guarantee: str) -> Launcher:
    def launch(site: Site) -> Launch:
        commit_s = "0.1" if site.eager and guarantee == "exactly-once" else "1.0"
        return _python("quix_streams", guarantee, commit_s, "0.02")(site)

    return launch


def _kafka_streams(workload: str, guarantee: str) -> Launcher:
    def launch(site: Site) -> Launch:
        commit_ms = "100" if site.eager and guarantee == "exactly_once_v2" else "1000"
        linger_ms = "0" if site.eager else "20"
        jvm = [java(), "-Xmx1g", "-XX:+UseG1GC", "-cp", classpath_of("peers/kafka_streams"), "bench.Main"]
        program = [*jvm, workload, guarantee, commit_ms, linger_ms]
        touches = f"{site.run}.touches"
        topics: dict[str, dict[str, str]] = {} if workload == "w1" else {touches: {}}
        return Launch([site.command(*program, BENCH_TOUCHES=touches)], site.run, topics)

    return launch


def _w1(launcher: Launcher) -> dict[str, Launcher]:
    """Short and long: a compiler that learns as it runs needs the long one."""
    return {"w1": launcher, "w1-long": launcher}


def _leadstream(processes: int, state: str = "rocksdb") -> dict[str, Launcher]:
    product = _leadstream_w2(processes, state)
    return {**_w1(_leadstream_w1(processes, state)), "w2": product, "w2-core": product}


def _streams(guarantee: str) -> dict[str, Launcher]:
    return {**_w1(_kafka_streams("w1", guarantee)), "w2-core": _kafka_streams("w2", guarantee)}


CONTESTANTS: Final = (
    Contestant(
        "leadstream",
        "Leadstream, 1 process",
        "exactly once",
        _leadstream(1),
    ),
    Contestant(
        "leadstream-2",
        "Leadstream, 2 processes",
        "exactly once",
        _leadstream(2),
    ),
    Contestant(
        "leadstream-memory",
        "Leadstream, state in memory",
        "exactly once",
        _leadstream(1, "memory"),
    ),
    Contestant(
        "streams-eos",
        "Kafka Streams, exactly_once_v2",
        "exactly once",
        _streams("exactly_once_v2"),
        partial(ensure_maven, "peers/kafka_streams"),
    ),
    Contestant(
        "streams-alo",
        "Kafka Streams, at_least_once",
        "at least once",
        _streams("at_least_once"),
        partial(ensure_maven, "peers/kafka_streams"),
    ),
    Contestant(
        "quix-eos",
        "quixstreams, exactly-once",
        "exactly once",
        _w1(_quix("exactly-once")),
        partial(ensure_python, "peers/quix_streams"),
    ),
    Contestant(
        "quix-alo",
        "quixstreams, at-least-once",
        "at least once",
        _w1(_quix("at-least-once")),
        partial(ensure_python, "peers/quix_streams"),
    ),
    Contestant(
        "bytewax",
        "bytewax",
        "at least once",
        _w1(_python("bytewax_flow", commits=False)),
        partial(ensure_python, "peers/bytewax_flow"),
        recovers=False,
    ),
    Contestant(
        "confluent",
        "loop on librdkafka, state in memory",
        "at least once",
        _w1(_python("confluent_loop", changelogs=["changelog"])),
        partial(ensure_python, "peers/confluent_loop"),
    ),
    Contestant(
        "aiokafka",
        "loop on aiokafka, state in memory",
        "at least once",
        _w1(_aiokafka_loop),
    ),
    Contestant(
        "faust",
        "stock Faust, tuned",
        "at least once",
        {"w1": _python("stock_faust", changelogs=["customers-changelog"]), "w2-core": _faust_w2},
        partial(ensure_python, "peers/stock_faust"),
    ),
)
