"""Where ClickHouse is, and how rows come into it."""

from pydantic import Field, SecretStr, field_validator

from processors.clickhouse.url import ClickHouseUrl
from processors.settings.durations import DurationMs
from processors.settings.part import Part


class ClickHouseSettings(Part):
    """The server, and the sink that fills it."""

    clickhouse_url: SecretStr = Field(
        default=SecretStr("http://default:@127.0.0.1:8123/leadstream"),
        description="http://user:password@host:port/database, or chdb:///path for an embedded database.",
    )
    sink_flush_interval: DurationMs = Field(
        default=1_000, description="The sink inserts at least this often."
    )
    sink_batch_rows: int = Field(
        default=10_000, ge=1, description="The sink inserts at most so many rows at once."
    )

    @field_validator("clickhouse_url")
    @classmethod
    def _is_a_url(cls, url: SecretStr) -> SecretStr:
        ClickHouseUrl.parse(url.get_secret_value())
        return url
