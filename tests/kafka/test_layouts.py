"""What the topics should be like, and how a difference is told."""

import pytest

from processors.errors import Unavailable
from processors.kafka.layouts import Layout
from processors.kafka.topics import MISSING, Difference, Report, compare
from processors.settings import Settings
from processors.worker.run import layouts_of
from schemas.times import DAY_MS, HOUR_MS
from schemas.topics import SPECS, Topic


def layout_of(name: str, **settings: object) -> Layout:
    return {one.name: one for one in layouts_of(Settings.model_validate(settings))}[name]


def test_all_topics_and_both_changelogs() -> None:
    names = [one.name for one in layouts_of(Settings.model_validate({"topic_prefix": "t."}))]
    assert names == [f"t.{topic}" for topic in Topic] + [
        "t.leadstream-worker-clicks-changelog",
        "t.leadstream-worker-customers-changelog",
    ]


def test_partitions_and_replicas_follow_the_settings() -> None:
    wanted = layouts_of(Settings.model_validate({"partitions": 12, "replication": 3}))
    assert {(one.partitions, one.replication) for one in wanted} == {(12, 3)}
    assert {one.configs["min.insync.replicas"] for one in wanted} == {"2"}
    assert "min.insync.replicas" not in layout_of("clicks", replication=2).configs


@pytest.mark.parametrize("topic", list(Topic))
def test_each_topic_is_what_its_spec_says(topic: Topic) -> None:
    spec, configs = SPECS[topic], layout_of(topic, retention="10d").configs
    assert configs["cleanup.policy"] == ("compact" if spec.compacted else "delete")
    kept_ms = "-1" if spec.ledger else str(10 * DAY_MS)
    assert configs.get("retention.ms") == (None if spec.compacted else kept_ms)
    assert configs["message.timestamp.type"] == ("LogAppendTime" if spec.broker_time else "CreateTime")
    assert int(configs["max.message.bytes"]) >= 1 << 20


def test_rewards_are_kept_until_a_setting_says_otherwise() -> None:
    kept = layout_of("rewards", retention="10d", rewards_retention="2d").configs
    assert kept["retention.ms"] == str(2 * DAY_MS)


def test_changelogs() -> None:
    clicks = layout_of("leadstream-worker-clicks-changelog", attribution_window="90d", hold="1d").configs
    assert clicks["cleanup.policy"] == "compact,delete"
    assert int(clicks["retention.ms"]) >= 92 * DAY_MS
    customers = layout_of("leadstream-worker-customers-changelog").configs
    assert customers["cleanup.policy"] == "compact"
    assert "retention.ms" not in customers


@pytest.mark.parametrize(
    ("retention", "segment_ms"), [("30d", 3 * DAY_MS), ("2h", HOUR_MS), ("365d", 7 * DAY_MS)]
)
def test_segments_are_short_enough_for_the_retention(retention: str, segment_ms: int) -> None:
    assert layout_of("clicks", retention=retention).configs["segment.ms"] == str(segment_ms)


def described(partitions: int, replicas: int = 1, leader: int = 1) -> list[dict[str, object]]:
    return [{"replicas": [*range(replicas)], "leader": leader} for _ in range(partitions)]


def test_differences_are_told_exactly() -> None:
    layout = Layout("t", 8, 1, {"retention.ms": "5", "cleanup.policy": "compact,delete"})
    same = {"retention.ms": ("5", 1), "cleanup.policy": ("delete,compact", 1)}
    assert compare(layout, described(8), same) == []
    (one,) = compare(layout, described(4), same)
    assert str(one) == "t: partitions is 4, should be 8"
    (one,) = compare(layout, described(8, replicas=2), same)
    assert str(one) == "t: replicas is 2, should be 1"
    (one,) = compare(layout, described(8), {**same, "retention.ms": ("6", 1)})
    assert str(one) == "t: retention.ms is 6, should be 5"
    (one,) = compare(layout, described(8, leader=-1), same)
    assert str(one) == "t: partitions without a leader is 8, should be 0"
    assert str(Difference("t", "topic", "there", MISSING)) == "t: missing"


def test_a_registry_keeps_the_partitions_it_has() -> None:
    """More of them, and a record that is changed would be in two."""
    fixed = {one.name for one in layouts_of(Settings()) if one.keeps_partitions}
    assert fixed == {Topic.LINKS, Topic.WORKSPACES, Topic.REWARD_POLICIES}
    assert compare(Layout("t", 8, 1, {}, keeps_partitions=True), described(64), {}) == []


def test_what_does_not_appear_is_named() -> None:
    differences = [Difference(f"topic-{number}", "topic", "there", MISSING) for number in range(5)]
    with pytest.raises(Unavailable, match="does not show topic-0, topic-1, topic-2 and 2 more"):
        Report(differences=differences).require_all()
    Report(differences=[Difference("clicks", "replicas", "3", "1")]).require_all()
