"""Every setting of the system, read from ``LEADSTREAM_*`` environment variables."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from processors.clickhouse_url import ClickHouseUrl
from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from schemas.topics import SPECS, Role, Topic

_UNITS: Final = {"ms": 1, "s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}


def parse_duration_ms(text: object) -> object:
    """``90d``, ``24h``, ``15m``, ``30s``, ``250ms`` → milliseconds; a bare number is milliseconds."""
    if not isinstance(text, str):
        return text
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\s*", text)
    if match is None:
        raise ValueError(f"not a duration: {text!r} (write for example 90d, 24h, 15m, 30s, 250ms)")
    return round(float(match[1]) * _UNITS[match[2] or "ms"])


DurationMs = Annotated[int, BeforeValidator(parse_duration_ms), Field(ge=0)]


class Settings(BaseSettings):
    """One field per setting; the field's description is its documentation."""

    model_config = SettingsConfigDict(
        env_prefix="LEADSTREAM_",
        frozen=True,
        extra="ignore",
        # What was written wrongly may be a password.
        hide_input_in_errors=True,
    )

    kafka_bootstrap: str = Field(
        default="127.0.0.1:9092", description="Kafka brokers, host:port, comma-separated."
    )
    clickhouse_url: SecretStr = Field(
        default=SecretStr("http://default:@127.0.0.1:8123/leadstream"),
        description="http://user:password@host:port/database, or chdb:///path for an embedded database.",
    )
    data_dir: Path = Field(
        default=Path(".leadstream"),
        validate_default=True,
        description="Local state; one directory per worker process.",
    )
    state: Literal["rocksdb", "memory"] = Field(
        default="rocksdb",
        description="Where workers keep state: on disk, or in memory, which every start reads from Kafka.",
    )
    instance_id: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="Stable name of this worker or sink: static group membership, and a crash heals at once.",
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
    attribution_model: Literal["first-click", "last-click"] = Field(
        default="first-click", description="Which touch a request without a clickId goes to."
    )
    attribution_window: DurationMs = Field(
        default=90 * DAY_MS, description="Longest time from click to deferred lead."
    )
    qualification_window: DurationMs = Field(
        default=365 * DAY_MS, description="Longest time from deferred lead to qualification."
    )
    hold: DurationMs = Field(default=DAY_MS, description="How long an event waits for the one it needs.")
    dead_letter_limit: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of dead letters in 1,000 consecutive records above which a partition stops.",
    )
    session_timeout: DurationMs = Field(
        default=10_000, description="A worker silent for so long has lost its partitions."
    )
    sink_flush_interval: DurationMs = Field(
        default=1_000, description="The sink inserts at least this often."
    )
    sink_batch_rows: int = Field(
        default=10_000, ge=1, description="The sink inserts at most so many rows at once."
    )
    metrics_port: int = Field(default=0, ge=0, le=65_535, description="HTTP port of /metrics; 0 = none.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level logged."
    )
    log_format: Literal["console", "json"] = Field(default="console", description="How log lines look.")

    @field_validator("data_dir")
    @classmethod
    def _whole(cls, path: Path) -> Path:
        return path.absolute()

    @field_validator("clickhouse_url")
    @classmethod
    def _is_a_url(cls, url: SecretStr) -> SecretStr:
        ClickHouseUrl.parse(url.get_secret_value())
        return url

    def topic(self, topic: Topic) -> str:
        """The topic's full name on the broker."""
        ours = SPECS[topic].role in (Role.INTERNAL, Role.OUTPUT)
        return topic.on(self.output_prefix if ours and self.output_prefix is not None else self.topic_prefix)

    @property
    def worker_group(self) -> str:
        """Consumer group and application id of the workers."""
        return self.topic_prefix + self.application_id

    @property
    def full_sink_group(self) -> str:
        """Consumer group of the sinks."""
        return self.topic_prefix + self.sink_group
