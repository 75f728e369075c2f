"""One process: its name, its state, what it tells of itself."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from processors.settings.part import Part
from processors.settings.running import DATA


class ServiceSettings(Part):
    """Of a worker, a sink, a gateway, or a command."""

    data_dir: Path = Field(
        default=Path(DATA),
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
    dead_letter_limit: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of dead letters in 1,000 consecutive records above which a partition stops.",
    )
    metrics_port: int = Field(
        default=0, ge=0, le=65_535, description="HTTP port of /metrics, /healthz and /readyz; 0 = none."
    )
    metrics_host: str = Field(
        default="0.0.0.0",  # noqa: S104 - where a Prometheus of another machine asks
        min_length=1,
        description="IPv4 address that this port listens on; 127.0.0.1: for this machine alone.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level logged."
    )
    log_format: Literal["console", "json"] = Field(default="console", description="How log lines look.")

    @field_validator("data_dir", mode="before")
    @classmethod
    def _is_named(cls, path: object) -> object:
        if isinstance(path, str) and not path.strip():
            raise ValueError("it is empty: name a directory, or unset it")
        return path

    @field_validator("data_dir")
    @classmethod
    def _whole(cls, path: Path) -> Path:
        return path.absolute()
