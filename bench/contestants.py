"""Who is measured, and how each is started."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.measured import Command
from bench.site import Site
from processors.engine.settings import changelog_topic
from processors.settings import Settings
from processors.topics import layouts

_COMPACT: Final = {"cleanup.policy": "compact", "segment.bytes": str(64 << 20)}


@dataclass(frozen=True)
class Launch:
    """``group``: the consumer group that shows progress, or None if the contestant commits none.
    ``topics``: what has to exist before it starts besides inputs and leads, with configs."""

    commands: Sequence[Command]
    group: str | None
    topics: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Contestant:
    """``workloads``: how it is started on each workload that it can do."""

    name: str
    title: str
    guarantee: str
    workloads: Mapping[str, Callable[[Site], Launch]]


def _leadstream_w1(processes: int) -> Callable[[Site], Launch]:
    def launch(site: Site) -> Launch:
        program = [sys.executable, "-m", "bench.peers.leadstream.w1"]
        return Launch(
            [site.command(*program, instance=number) for number in range(processes)],
            site.run,
            {changelog_topic(site.run, "customers"): _COMPACT},
        )

    return launch


def _leadstream_w2(processes: int) -> Callable[[Site], Launch]:
    def launch(site: Site) -> Launch:
        settings = product_settings(site)
        commands = [
            site.command(
                *[sys.executable, "-m", "processors.cli.main", "worker"],
                instance=number,
                LEADSTREAM_KAFKA_BOOTSTRAP=site.bootstrap,
                LEADSTREAM_TOPIC_PREFIX=settings.topic_prefix,
                LEADSTREAM_PARTITIONS=str(site.partitions),
                LEADSTREAM_INSTANCE_ID=f"{site.run}-{number}",
                LEADSTREAM_DATA_DIR=str(site.directory / f"state-{number}"),
            )
            for number in range(processes)
        ]
        loaded = set(site.names.values())
        topics = {one.name: one.configs for one in layouts(settings) if one.name not in loaded}
        return Launch(commands, settings.worker_group, topics)

    return launch


def product_settings(site: Site) -> Settings:
    """Settings of the product at a site: its defaults, behind the site's prefix."""
    return Settings(kafka_bootstrap=site.bootstrap, topic_prefix=f"{site.run}.", partitions=site.partitions)


CONTESTANTS: Final = (
    Contestant(
        "leadstream",
        "Leadstream, 1 process",
        "exactly once",
        {"w1": _leadstream_w1(1), "w2": _leadstream_w2(1)},
    ),
    Contestant(
        "leadstream-2",
        "Leadstream, 2 processes",
        "exactly once",
        {"w1": _leadstream_w1(2), "w2": _leadstream_w2(2)},
    ),
)
