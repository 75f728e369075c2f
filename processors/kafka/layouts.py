"""What every topic should be like."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from processors.settings import Settings
from schemas.times import DAY_MS, HOUR_MS
from schemas.topics import INPUT_BYTES, RESULT_BYTES, SPECS, Role, TopicSpec

_MIB: Final = 1 << 20
_TOMBSTONES_MS: Final = 7 * DAY_MS
# Workers forget by the watermark, which waits while they are away; Kafka forgets by the clock. What a worker
# that was away for so long may still need, to restore, is there.
_OUTAGE_MS: Final = 7 * DAY_MS
_COMPACTION: Final = {
    # Small segments and an eager cleaner: whoever restores a table reads little more than the table.
    "segment.bytes": str(64 * _MIB),
    "min.cleanable.dirty.ratio": "0.2",
    "max.compaction.lag.ms": str(DAY_MS),
    # Tombstones stay for a week, for readers that were away: a worker's local table, a mirror.
    "delete.retention.ms": str(_TOMBSTONES_MS),
}


@dataclass(frozen=True)
class Changelog:
    """The topic that holds a table's history. ``retention_ms`` None: a state is kept until it is deleted.

    ``largest_bytes``: of a batch.
    """

    name: str
    retention_ms: int | None
    largest_bytes: int


@dataclass(frozen=True)
class Layout:
    """How a topic should be laid out. ``configs``: names and values as Kafka writes them.

    ``keeps_partitions``: it is made with ``partitions``, and whatever number it has later is right.
    """

    name: str
    partitions: int
    replication: int
    configs: Mapping[str, str]
    keeps_partitions: bool = False


def layouts(settings: Settings, changelogs: Iterable[Changelog]) -> list[Layout]:
    """Every topic of the system, then these changelogs."""
    safe = {"min.insync.replicas": "2"} if settings.replication >= 3 else {}

    def layout(name: str, configs: Mapping[str, str], *, keeps_partitions: bool = False) -> Layout:
        return Layout(name, settings.partitions, settings.replication, {**configs, **safe}, keeps_partitions)

    specs = {
        name: SPECS[topic]
        for names in (settings.names, settings.ledger_names)
        for topic, name in names.items()
    }
    # A registry is read whole by everybody: more partitions are of no use to it, and of no harm.
    wanted = [
        layout(name, _topic_configs(spec, settings), keeps_partitions=spec.role is Role.REGISTRY)
        for name, spec in specs.items()
    ]
    return wanted + [layout(one.name, _changelog_configs(one)) for one in changelogs]


def _topic_configs(spec: TopicSpec, settings: Settings) -> dict[str, str]:
    largest = RESULT_BYTES if spec.role in (Role.INTERNAL, Role.OUTPUT) else INPUT_BYTES
    configs = {
        "message.timestamp.type": "LogAppendTime" if spec.broker_time else "CreateTime",
        "max.message.bytes": str(largest),
    }
    if spec.compacted:
        # Longer than what they delete lives in other topics: who reads all of them anew learns of erasures.
        tombstones = {"delete.retention.ms": str(settings.retention + _TOMBSTONES_MS)}
        return {"cleanup.policy": "compact", **configs, **_COMPACTION, **tombstones}
    if spec.ledger and settings.rewards_retention is None:
        return {"cleanup.policy": "delete", **configs, "retention.ms": "-1"}
    kept_ms = settings.rewards_retention if spec.ledger else settings.retention
    assert kept_ms is not None  # noqa: S101 - narrows
    return {"cleanup.policy": "delete", **configs, **_retention(kept_ms)}


def _changelog_configs(changelog: Changelog) -> dict[str, str]:
    configs = {
        "message.timestamp.type": "CreateTime",
        "max.message.bytes": str(changelog.largest_bytes),
        **_COMPACTION,
    }
    if changelog.retention_ms is None:
        return {"cleanup.policy": "compact", **configs}
    return {"cleanup.policy": "compact,delete", **configs, **_retention(changelog.retention_ms + _OUTAGE_MS)}


def _retention(retention_ms: int) -> dict[str, str]:
    """By record time. Kafka deletes whole segments: short ones keep "30 days" from meaning 37."""
    segment_ms = min(max(retention_ms // 10, HOUR_MS), 7 * DAY_MS)
    return {"retention.ms": str(retention_ms), "segment.ms": str(segment_ms)}
