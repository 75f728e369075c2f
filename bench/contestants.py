"""Who is measured, and how each is started."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.builds import Build, build_of, ensure_build
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


def _nothing(_say: Say, _python: str) -> None:
    """Our own environment has everything."""


@dataclass(frozen=True)
class Contestant:
    """``workloads``: how it is started on each workload that it can do. ``pace``: about how many events of
    w1 it takes a second, two cores shared by all; for guessing how long a run takes. ``prepare``: makes its
    environment for a Python, may raise ``NotAvailable``. ``recovers``: has another copy of its state than
    the local one, and shows what it is past. ``on_request``: workloads and measures in which it takes part
    only when it is named; they would take long and tell little. ``goals``: workloads and measures for whose
    figures, or for their ratio to others', a goal is set."""

    name: str
    title: str
    guarantee: str
    workloads: Mapping[str, Launcher]
    pace: int
    prepare: Callable[[Say, str], None] = _nothing
    recovers: bool = True
    on_request: frozenset[str] = frozenset()
    goals: frozenset[tuple[str, str]] = frozenset()


def product(site: Site, build: Build, module: str, *arguments: str, instance: int = 0, **env: str) -> Command:
    """A program of ours at this site."""
    path = {} if build.path is None else {"PYTHONPATH": build.path}
    program = isolated(module, *arguments, python=build.python)
    return site.command(*program, instance=instance, **path, **env)


def _leadstream_w1(processes: int, state: str, compiled: bool) -> Launcher:
    def launch(site: Site) -> Launch:
        build = build_of(site.python, compiled=compiled)
        commands = [
            product(site, build, "bench.peers.leadstream.w1", instance=one, BENCH_STORE=state)
            for one in range(processes)
        ]
        return Launch(commands, site.run, {changelog_topic(site.run, "customers"): _COMPACT})

    return launch


def _leadstream_w2(processes: int, state: str, compiled: bool) -> Launcher:
    def launch(site: Site) -> Launch:
        build, settings = build_of(site.python, compiled=compiled), product_settings(site)
        commands = [
            product(
                site,
                build,
                "processors.cli.main",
                "worker",
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
    command = product(site, build_of(site.python, compiled=False), "bench.peers.aiokafka_loop.w1")
    return Launch([command], site.run, {f"{site.run}-changelog": _COMPACT})


def _python(peer: str, *arguments: str, changelogs: Sequence[str] = (), commits: bool = True) -> Launcher:
    def launch(site: Site) -> Launch:
        python = str(python_of(f"peers/{peer}", site.python))
        program = isolated(f"bench.peers.{peer}.w1", *arguments, python=python)
        topics = {f"{site.run}-{name}": _COMPACT for name in changelogs}
        return Launch([site.apart(*program)], site.run if commits else None, topics)

    return launch


def _faust_w2(site: Site) -> Launch:
    touches = f"{site.run}.touches"
    python = str(python_of("peers/stock_faust", site.python))
    program = isolated("bench.peers.stock_faust.w2", python=python)
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


def _leadstream(processes: int = 1, state: str = "rocksdb", *, compiled: bool = False) -> dict[str, Launcher]:
    product = _leadstream_w2(processes, state, compiled)
    return {**_w1(_leadstream_w1(processes, state, compiled)), "w2": product, "w2-core": product}


def _streams(guarantee: str) -> dict[str, Launcher]:
    return {**_w1(_kafka_streams("w1", guarantee)), "w2-core": _kafka_streams("w2", guarantee)}


def _build(*, compiled: bool) -> Callable[[Say, str], None]:
    return lambda say, python: ensure_build(say, python, compiled=compiled)


def _environment(peer: str) -> Callable[[Say, str], None]:
    return lambda say, python: ensure_python(f"peers/{peer}", say, python)


def _maven(say: Say, _python: str) -> None:
    ensure_maven("peers/kafka_streams", say)


_VARIANT: Final = frozenset({"w1-long", "w2", "w2-core", "latency", "recovery"})
_NOT_LONG: Final = frozenset({"w1-long"})
"""What is not compiled as it runs is as fast on the short one."""
_REFERENCE: Final = frozenset({("w1", "throughput")})
_GOALS: Final = _REFERENCE | {("w2", "throughput"), ("w1", "latency")}

CONTESTANTS: Final = (
    Contestant(
        "leadstream",
        "Leadstream, 1 process",
        "exactly once",
        _leadstream(),
        80_000,
        _build(compiled=False),
        goals=_GOALS,
    ),
    Contestant(
        "leadstream-compiled",
        "Leadstream, compiled",
        "exactly once",
        _leadstream(compiled=True),
        90_000,
        _build(compiled=True),
        on_request=frozenset({"recovery"}),
        goals=_GOALS,
    ),
    Contestant(
        "leadstream-2",
        "Leadstream, 2 processes",
        "exactly once",
        _leadstream(2),
        80_000,
        _build(compiled=False),
        on_request=_VARIANT,
    ),
    Contestant(
        "leadstream-memory",
        "Leadstream, state in memory",
        "exactly once",
        _leadstream(state="memory"),
        90_000,
        _build(compiled=False),
        on_request=_VARIANT,
    ),
    Contestant(
        "streams-eos",
        "Kafka Streams, exactly_once_v2",
        "exactly once",
        _streams("exactly_once_v2"),
        25_000,
        _maven,
    ),
    Contestant(
        "streams-alo",
        "Kafka Streams, at_least_once",
        "at least once",
        _streams("at_least_once"),
        25_000,
        _maven,
        on_request=frozenset({"w1-long", "recovery"}),
    ),
    Contestant(
        "quix-eos",
        "quixstreams, exactly-once",
        "exactly once",
        _w1(_quix("exactly-once")),
        18_000,
        _environment("quix_streams"),
        on_request=_NOT_LONG,
    ),
    Contestant(
        "quix-alo",
        "quixstreams, at-least-once",
        "at least once",
        _w1(_quix("at-least-once")),
        20_000,
        _environment("quix_streams"),
        on_request=_NOT_LONG | {"recovery"},
    ),
    Contestant(
        "bytewax",
        "bytewax",
        "at least once",
        _w1(_python("bytewax_flow", commits=False)),
        28_000,
        _environment("bytewax_flow"),
        recovers=False,
        on_request=_NOT_LONG,
    ),
    Contestant(
        "confluent",
        "loop on librdkafka, state in memory",
        "at least once",
        _w1(_python("confluent_loop", changelogs=["changelog"])),
        70_000,
        _environment("confluent_loop"),
        on_request=_NOT_LONG,
        goals=_REFERENCE,
    ),
    Contestant(
        "aiokafka",
        "loop on aiokafka, state in memory",
        "at least once",
        _w1(_aiokafka_loop),
        60_000,
        _build(compiled=False),
        on_request=_NOT_LONG,
    ),
    Contestant(
        "faust",
        "stock Faust, tuned",
        "at least once",
        {"w1": _python("stock_faust", changelogs=["customers-changelog"]), "w2-core": _faust_w2},
        2_800,
        _environment("stock_faust"),
        on_request=frozenset({"recovery"}),
    ),
)
