"""Where Kafka is, and what is ours there: topics and consumer groups."""

from pydantic import Field

from processors.settings.durations import DurationMs
from processors.settings.part import Part
from schemas.times import DAY_MS
from schemas.topics import SPECS, Role, Topic


class KafkaSettings(Part):
    """Brokers, topics, groups."""

    kafka_bootstrap: str = Field(
        default="127.0.0.1:9092", description="Kafka brokers, host:port, comma-separated."
    )
    application_id: str = Field(
        default="leadstream-worker",
        pattern=r"^[A-Za-z0-9._-]{1,150}$",
        description="Consumer group and state of the workers; another id computes everything afresh.",
    )
    sink_group: str = Field(default="leadstream-sink", description="Consumer group of the sink.")
    topic_prefix: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._-]{0,50}$",
        description="In front of every topic and consumer group.",
    )
    output_prefix: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{0,50}$",
        description="In front of the topics that workers write, where it differs: a replay beside them.",
    )
    partitions: int = Field(default=8, ge=1, le=10_000, description="Partitions of every topic.")
    replication: int = Field(default=1, ge=1, le=9, description="Replicas of every topic; 3 in production.")
    retention: DurationMs = Field(
        default=30 * DAY_MS, description="How long the topics keep events, by record time."
    )
    session_timeout: DurationMs = Field(
        default=10_000, description="A worker silent for so long has lost its partitions."
    )

    def topic(self, topic: Topic) -> str:
        """The topic's full name on the broker."""
        ours = SPECS[topic].role in (Role.INTERNAL, Role.OUTPUT)
        return topic.on(self.output_prefix if ours and self.output_prefix is not None else self.topic_prefix)

    @property
    def topics(self) -> dict[str, Topic]:
        """By the full name on the broker."""
        return {self.topic(topic): topic for topic in Topic}

    @property
    def worker_group(self) -> str:
        """Consumer group and application id of the workers."""
        return self.topic_prefix + self.application_id

    @property
    def full_sink_group(self) -> str:
        """Consumer group of the sinks."""
        return self.topic_prefix + self.sink_group
