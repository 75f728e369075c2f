"""Where ClickHouse is, who we are to it, and how the sink fills it."""

from collections.abc import Iterator

from pydantic import Field, SecretStr, field_validator

from processors.clickhouse.url import ClickHouseUrl
from processors.settings.durations import DurationMs
from processors.settings.part import Part, ReadableFile, in_pairs, needing, revealed


class ClickHouseSettings(Part):
    """The server, and the sink that fills it."""

    clickhouse_url: SecretStr = Field(
        default=SecretStr("http://127.0.0.1:8123/leadstream"),
        description="http://user:password@host:port/database, or chdb:///path for an embedded database.",
    )
    clickhouse_username: str | None = Field(
        default=None, min_length=1, description="User of ClickHouse, where the URL names none."
    )
    clickhouse_password: SecretStr | None = Field(
        default=None, description="The user's password, where the URL has none."
    )
    clickhouse_ca_file: ReadableFile | None = Field(
        default=None, description="Certificates of the authorities to trust for https, PEM."
    )
    clickhouse_cert_file: ReadableFile | None = Field(
        default=None,
        description="Our own certificate, PEM; without a password, it is how the user is proved.",
    )
    clickhouse_key_file: ReadableFile | None = Field(
        default=None, description="The key that belongs to it, PEM."
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

    @property
    def clickhouse_address(self) -> ClickHouseUrl:
        """The URL, with the user and password that stand beside it."""
        url = ClickHouseUrl.parse(self.clickhouse_url.get_secret_value())
        return url.as_user(self.clickhouse_username, revealed(self.clickhouse_password))

    def contradictions(self) -> Iterator[str]:
        """Of the URL and what stands beside it."""
        yield from super().contradictions()
        url = ClickHouseUrl.parse(self.clickhouse_url.get_secret_value())
        if url.user is not None:
            yield from needing(self, ("clickhouse_username",), "clickhouse_url", "names a user as well")
        if url.password is not None:
            yield from needing(self, ("clickhouse_password",), "clickhouse_url", "has a password as well")
        if url.embedded:
            login = ("clickhouse_username", "clickhouse_password")
            yield from needing(self, login, "clickhouse_url", "is an embedded database, which asks for none")
        if url.scheme != "https":
            tls = ("clickhouse_ca_file", "clickhouse_cert_file")
            yield from needing(self, tls, "clickhouse_url", f"is {url.scheme}, not https")
        yield from in_pairs(self, "clickhouse_cert_file", "clickhouse_key_file")
