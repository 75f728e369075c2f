"""A slip in an option is refused at once, by a message that names the remedy."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from processors.cli.main import cli, main
from processors.cli.parameters import MOMENT, PAST
from processors.settings.durations import parse_duration_ms

REFUSED = [
    (["up", "--demo-events", "5"], "say --demo, too"),
    (["up", "--demo-seed", "5"], "say --demo, too"),
    (["up", "--data", ""], "it is empty"),
    (["up", "--data", " "], "it is empty"),
    (["up", "--data", "a\udcff"], "not UTF-8"),
    (["up", "--data", __file__], "is a file"),
    (["up", "--clickhouse", ""], "write http://user:password@host:port/database"),
    (["up", "--kafka", ""], "--kafka: not addresses: write host:port"),
    (["up", "--kafka", " "], "--kafka: not addresses: write host:port"),
    (["bench", "--kafka", ""], "--kafka: not addresses: write host:port"),
    (["bench", "--out", ""], "it is empty"),
    (["bench", "--python", "no/such"], "does not exist"),
    (["bench", "--quick", "rewards"], "--quick is not for rewards: see its own --help"),
    (["bench", "--json", "rewards"], "--json is not for rewards"),
    (["audit", "--since", "2026"], "for the year write 2026-01-01"),
    (["audit", "--since", "1761955200"], "seconds? milliseconds are expected"),
    (["audit", "--since", "7"], "for so long ago write 7d, 7h or 7m"),
    (["audit", "--since", "2999-01-01"], "in the future"),
    (["audit", "--rewards", "--since", "7d"], "--rewards and --since contradict each other"),
    (["audit", "--work-dir", ""], "it is empty"),
    (["audit", "--work-dir", "no/such"], "does not exist"),
    (["dlq", "list", "--since", "1h", "--until", "2h"], "--since is not before --until"),
    (
        ["unmatched", "list", "--since", "2026-01-01", "--until", "2026-01-01"],
        "--since is not before --until",
    ),
    (["dlq", "replay", "0:1", "--reason", "not_json"], "leave the filters away"),
    (["dlq", "show", "0:1", "--raw", "--json"], "contradict each other"),
    (["replay", "clickhouse", "--into", ""], "is no name of a database"),
    (["replay", "clickhouse", "--into", " "], "is no name of a database"),
    (["replay", "state", "--application-id", ""], "--application-id"),
    (["replay", "state", "--application-id", "a", "--from", "2999-01-01"], "in the future"),
    (["replay", "rewards", "--rewards-id", ""], "--rewards-id"),
    (["replay", "rewards", "--rewards-id", "a", "--rewards-prefix", "a b"], "--rewards-prefix"),
    (["acls", "--principal", ""], "write User:name"),
    (["acls", "--principal", "leadstream"], "write User:name"),
    (["acls", "--principal", "User:{rol}"], "with {role} where"),
    (["workspace", "set", "a", "--domain", "a.com", "--remove-domain", "A.com"], "contradict each other"),
    (["workspace", "set", "a", "--primary"], "say with --domain"),
    (["workspace", "create", "a b"], "expected 1 to 64"),
    (["workspace", "rotate-key", "a", "--overlap", "5"], "its unit"),
    (["workspace", "import", "/"], "Is a directory"),
    (["workspace", "import", "no-such-file"], "No such file"),
    (["audti"], "did you mean audit?"),
    (["topics", "crate"], "did you mean create?"),
    (["dlq", "LIST"], "did you mean list?"),
    (["audit", "--workspce", "x"], "--workspace"),
    (["trace", "acme", "\udcff"], "not UTF-8"),
    (["trace", "acme", ""], "customerExternalId"),
]


@pytest.mark.parametrize(("arguments", "said"), REFUSED, ids=lambda one: repr(one))
def test_slips(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) in (2, 78)
    assert said in " ".join(capsys.readouterr().err.split())
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("principal", ["User:{role}", "User:leadstream", "User:CN={role},O=x"])
def test_principals(runner: CliRunner, principal: str) -> None:
    assert runner.invoke(cli, ["acls", "--principal", principal]).exit_code == 0


def test_epoch_milliseconds_are_what_events_have() -> None:
    assert PAST.convert("1761955200000", None, None) == 1_761_955_200_000
    assert MOMENT.convert("20261101", None, None) == MOMENT.convert("2026-11-01", None, None)


@pytest.mark.parametrize("text", ["9" * 400 + "d", "1000001d"])
def test_no_duration_is_beyond_reckoning(text: str) -> None:
    with pytest.raises(ValueError, match="too long"):
        parse_duration_ms(text)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LEADSTREAM_DATA_DIR", " ", "LEADSTREAM_DATA_DIR: it is empty: name a directory"),
        ("LEADSTREAM_SINK_GROUP", "", "LEADSTREAM_SINK_GROUP"),
        ("LEADSTREAM_HOLD", "9" * 400 + "d", "LEADSTREAM_HOLD: too long"),
    ],
)
def test_settings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    assert main(["topics", "check"]) == 78
    assert said in capsys.readouterr().err
