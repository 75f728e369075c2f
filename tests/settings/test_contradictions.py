"""Settings that do not go together end a process at once, with both their names; secrets may be in files."""

from pathlib import Path

import pytest

from processors.cli.main import main
from processors.errors import Misconfigured
from processors.settings import PREFIX, Settings
from processors.settings.listing import rows_of
from processors.settings.loading import settings_of_environment, unknown_variables

SASL = {
    "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
    "KAFKA_USERNAME": "me",
    "KAFKA_PASSWORD": "s3cret",
}


def setting(monkeypatch: pytest.MonkeyPatch, **values: str | None) -> None:
    for name, value in values.items():
        if value is None:
            monkeypatch.delenv(PREFIX + name, raising=False)
        else:
            monkeypatch.setenv(PREFIX + name, value)


@pytest.fixture
def pem(tmp_path: Path) -> str:
    path = tmp_path / "some.pem"
    path.write_text("PEM")
    return str(path)


@pytest.mark.parametrize(
    ("values", "both"),
    [
        ({"KAFKA_USERNAME": "me"}, ("KAFKA_USERNAME", "KAFKA_SECURITY_PROTOCOL")),
        ({**SASL, "KAFKA_SECURITY_PROTOCOL": "SSL"}, ("KAFKA_SASL_MECHANISM", "KAFKA_SECURITY_PROTOCOL")),
        ({**SASL, "KAFKA_PASSWORD": None}, ("KAFKA_SECURITY_PROTOCOL", "KAFKA_PASSWORD")),
        ({**SASL, "KAFKA_SASL_MECHANISM": None}, ("KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_MECHANISM")),
        ({"KAFKA_CA_FILE": "pem"}, ("KAFKA_CA_FILE", "KAFKA_SECURITY_PROTOCOL")),
        ({**SASL, "KAFKA_CERT_FILE": "pem"}, ("KAFKA_CERT_FILE", "KAFKA_KEY_FILE")),
        ({**SASL, "KAFKA_KEY_FILE": "pem"}, ("KAFKA_KEY_FILE", "KAFKA_CERT_FILE")),
        ({**SASL, "KAFKA_KEY_PASSWORD": "s3cret"}, ("KAFKA_KEY_PASSWORD", "KAFKA_KEY_FILE")),
        ({**SASL, "KAFKA_PASSWORD_FILE": "pem"}, ("KAFKA_PASSWORD", "KAFKA_PASSWORD_FILE")),
        (
            {"CLICKHOUSE_URL": "http://u@h/d", "CLICKHOUSE_USERNAME": "u"},
            ("CLICKHOUSE_USERNAME", "CLICKHOUSE_URL"),
        ),
        (
            {"CLICKHOUSE_URL": "http://u:s3cret@h/d", "CLICKHOUSE_PASSWORD": "s3cret"},
            ("CLICKHOUSE_PASSWORD", "CLICKHOUSE_URL"),
        ),
        ({"CLICKHOUSE_CA_FILE": "pem"}, ("CLICKHOUSE_CA_FILE", "CLICKHOUSE_URL")),
        (
            {"CLICKHOUSE_URL": "https://h/d", "CLICKHOUSE_CERT_FILE": "pem"},
            ("CLICKHOUSE_CERT_FILE", "CLICKHOUSE_KEY_FILE"),
        ),
        (
            {"CLICKHOUSE_URL": "chdb:///d", "CLICKHOUSE_USERNAME": "u"},
            ("CLICKHOUSE_USERNAME", "CLICKHOUSE_URL"),
        ),
    ],
)
def test_a_contradiction_names_both(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pem: str,
    values: dict[str, str | None],
    both: tuple[str, str],
) -> None:
    setting(monkeypatch, **{name: pem if value == "pem" else value for name, value in values.items()})
    assert main(["config"]) == 78
    told = capsys.readouterr()
    complaint = told.err
    assert all(f"LEADSTREAM_{name} " in f"{complaint} " for name in both)
    assert "s3cret" not in told.out + told.err


def test_what_goes_together_is_taken(monkeypatch: pytest.MonkeyPatch, pem: str) -> None:
    setting(monkeypatch, **SASL, KAFKA_CA_FILE=pem, KAFKA_CERT_FILE=pem, KAFKA_KEY_FILE=pem)
    login = {"CLICKHOUSE_USERNAME": "u", "CLICKHOUSE_PASSWORD": "p/w"}
    setting(monkeypatch, CLICKHOUSE_URL="https://h/d", **login)
    settings = settings_of_environment()
    assert settings.kafka_security_protocol == "SASL_SSL"
    assert settings.clickhouse_address.secret() == "https://u:p%2Fw@h/d"


def test_secrets_come_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the line end that an editor leaves, and shown as little as any."""
    files = {"KAFKA_PASSWORD": "a b", "CLICKHOUSE_URL": "http://u:pw@h/d"}
    setting(monkeypatch, **{**SASL, "KAFKA_PASSWORD": None})
    for name, content in files.items():
        (tmp_path / name).write_text(f"{content}\n")
        setting(monkeypatch, **{f"{name}_FILE": str(tmp_path / name)})
    settings = settings_of_environment()
    assert settings.kafka_password is not None
    assert settings.kafka_password.get_secret_value() == "a b"
    assert settings.clickhouse_address.secret() == "http://u:pw@h/d"
    assert unknown_variables() == []
    row = rows_of(settings)["LEADSTREAM_KAFKA_PASSWORD"]
    assert (row["value"], row["source"]) == ("***", "LEADSTREAM_KAFKA_PASSWORD_FILE")


def test_a_password_that_is_a_url_is_not_shown_either() -> None:
    settings = Settings(clickhouse_password="http://s3cret/x")  # type: ignore[arg-type]  # noqa: S106
    assert rows_of(settings)["LEADSTREAM_CLICKHOUSE_PASSWORD"]["value"] == "***"


@pytest.mark.parametrize("name", ["KAFKA_PASSWORD_FILE", "KAFKA_CA_FILE"])
def test_a_file_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    setting(monkeypatch, **{**SASL, "KAFKA_PASSWORD": None, name: str(tmp_path / "none")})
    with pytest.raises(Misconfigured, match=rf"LEADSTREAM_{name}.*none"):
        settings_of_environment()


UNUSABLE = ["a:0", "a:65536", "127.0.0.1:99999", "a..b:1", f"{'a' * 64}.de:1"]
"""They look like addresses, and nothing can be asked there."""


@pytest.mark.parametrize("wrong", ["host", "host:port", "a:1,,b:2", "kafka://a:1", "a:1 b:2", "", *UNUSABLE])
def test_an_address_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    setting(monkeypatch, KAFKA_BOOTSTRAP=wrong)
    with pytest.raises(Misconfigured, match="LEADSTREAM_KAFKA_BOOTSTRAP: not addresses"):
        settings_of_environment()


@pytest.mark.parametrize("right", ["a:1", "a:1,b.c:65535", "bücher.example:1", "127.0.0.1:9092, [::1]:9092"])
def test_addresses(monkeypatch: pytest.MonkeyPatch, right: str) -> None:
    setting(monkeypatch, KAFKA_BOOTSTRAP=right)
    assert settings_of_environment().kafka_bootstrap == right


@pytest.mark.parametrize("timeout", ["500ms", "2m"])
def test_a_transaction_ends_within_a_rebalance(monkeypatch: pytest.MonkeyPatch, timeout: str) -> None:
    setting(monkeypatch, TRANSACTION_TIMEOUT=timeout)
    with pytest.raises(Misconfigured, match="LEADSTREAM_TRANSACTION_TIMEOUT"):
        settings_of_environment()
