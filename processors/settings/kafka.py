"""Where Kafka is, and what is ours there: topics and consumer groups."""

import re
from collections.abc import Iterator
from typing import Final, Literal

from pydantic import Field, SecretStr, field_validator

from processors.settings.durations import DurationMs
from processors.settings.part import Part, ReadableFile, in_pairs, needing, variable
from schemas.times import DAY_MS, MINUTE_MS, SECOND_MS
from schemas.topics import SPECS, Role, Topic

_ADDRESS: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:,\[\]/@]+):([0-9]{1,5})")
_MAX_PORT: Final = 65_535


def _is_address(text: str) -> bool:
    """A port that there is, and a name that can be looked up."""
    found = _ADDRESS.fullmatch(text)
    if found is None:
        return False
    try:
        found[1].encode("idna")
    except UnicodeError:
        return False
    return 0 < int(found[2]) <= _MAX_PORT


def addresses(bootstrap: str) -> str:
    """As they are. Raises ``ValueError``."""
    if not all(_is_address(one.strip()) for one in bootstrap.split(",")):
        raise ValueError("not addresses: write host:port, several of them with commas between")
    return bootstrap


class KafkaSettings(Part):
    """Brokers, topics, groups."""

    kafka_bootstrap: str = Field(
        default="127.0.0.1:9092", description="Kafka brokers, host:port, comma-separated."
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="How the listener of the brokers speaks."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        default=None, description="How user and password are proved, with a SASL protocol."
    )
    kafka_username: str | None = Field(default=None, min_length=1, description="User of Kafka.")
    kafka_password: SecretStr | None = Field(default=None, description="The user's password.")
    kafka_ca_file: ReadableFile | None = Field(
        default=None, description="Certificates of the authorities to trust, PEM; none: the system's."
    )
    kafka_cert_file: ReadableFile | None = Field(
        default=None, description="Our own certificate, PEM, where brokers ask for one."
    )
    kafka_key_file: ReadableFile | None = Field(default=None, description="The key that belongs to it, PEM.")
    kafka_key_password: SecretStr | None = Field(
        default=None, description="Password of that key, if it has one."
    )
    application_id: str = Field(
        default="leadstream-worker",
        pattern=r"^[A-Za-z0-9._-]{1,150}$",
        description="Consumer group and state of the workers; another id computes everything afresh.",
    )
    rewards_id: str = Field(
        default="leadstream-rewards",
        pattern=r"^[A-Za-z0-9._-]{1,150}$",
        description="Consumer group and state of the ledger of rewards; another id computes it afresh.",
    )
    sink_group: str = Field(
        default="leadstream-sink", pattern=r"\S", description="Consumer group of the sink."
    )
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
    rewards_prefix: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{0,50}$",
        description="In front of the topics that the ledger of rewards writes, where it differs: a replay.",
    )
    partitions: int = Field(default=8, ge=1, le=10_000, description="Partitions of every topic.")
    replication: int = Field(default=1, ge=1, le=9, description="Replicas of every topic; 3 in production.")
    retention: DurationMs = Field(
        default=30 * DAY_MS, description="How long the topics keep events, by record time."
    )
    rewards_retention: DurationMs | None = Field(
        default=None, description="How long the topic rewards keeps revisions; unset: for ever."
    )
    session_timeout: DurationMs = Field(
        default=10_000, description="A worker silent for so long has lost its partitions."
    )
    transaction_timeout: DurationMs = Field(
        default=10 * SECOND_MS,
        ge=SECOND_MS,
        le=MINUTE_MS,
        description="So long do readers wait for the transaction of a process that was killed; at most 1m.",
    )

    @field_validator("kafka_bootstrap")
    @classmethod
    def _addresses(cls, bootstrap: str) -> str:
        return addresses(bootstrap)

    def contradictions(self) -> Iterator[str]:
        """Of protocol, login and certificates."""
        yield from super().contradictions()
        protocol = self.kafka_security_protocol
        but = f"is {protocol}"
        if protocol.startswith("SASL"):
            for field in ("kafka_sasl_mechanism", "kafka_username", "kafka_password"):
                if getattr(self, field) is None:
                    yield f"{variable('kafka_security_protocol')} {but}, and {variable(field)} is not set"
        else:
            login = ("kafka_sasl_mechanism", "kafka_username", "kafka_password")
            yield from needing(self, login, "kafka_security_protocol", but)
        if not protocol.endswith("SSL"):
            yield from needing(self, ("kafka_ca_file", "kafka_cert_file"), "kafka_security_protocol", but)
        yield from in_pairs(self, "kafka_cert_file", "kafka_key_file")
        if self.kafka_key_file is None:
            yield from needing(self, ("kafka_key_password",), "kafka_key_file", "is not")

    def topic(self, topic: Topic) -> str:
        """The topic's full name on the broker."""
        prefix = None
        if SPECS[topic].role in (Role.INTERNAL, Role.OUTPUT):
            prefix = self.output_prefix
            if SPECS[topic].rewards and self.rewards_prefix is not None:
                prefix = self.rewards_prefix
        return topic.on(self.topic_prefix if prefix is None else prefix)

    @property
    def topics(self) -> dict[str, Topic]:
        """By the full name on the broker."""
        return {name: topic for topic, name in self.names.items()}

    @property
    def names(self) -> dict[Topic, str]:
        """The full name of each topic on the broker."""
        return {topic: self.topic(topic) for topic in Topic}

    @property
    def ledger_names(self) -> dict[Topic, str]:
        """The same for the ledger of rewards: of a replay, its dead letters are where its rewards are."""
        if self.rewards_prefix is None:
            return self.names
        return {**self.names, Topic.DEAD_LETTERS: Topic.DEAD_LETTERS.on(self.rewards_prefix)}

    @property
    def worker_group(self) -> str:
        """Consumer group and application id of the workers."""
        return self.topic_prefix + self.application_id

    @property
    def rewards_group(self) -> str:
        """Consumer group and application id of the ledger of rewards."""
        return self.topic_prefix + self.rewards_id

    @property
    def policies_lock(self) -> str:
        """Transactional id of whoever writes what programs pay: one at a time."""
        return self.topic_prefix + "leadstream-reward-policies"

    @property
    def full_sink_group(self) -> str:
        """Consumer group of the sinks."""
        return self.topic_prefix + self.sink_group

    @property
    def registry_lock(self) -> str:
        """Transactional id of whoever writes the registries: to Kafka there is one of a name at a time."""
        return self.topic_prefix + "leadstream-registry"
