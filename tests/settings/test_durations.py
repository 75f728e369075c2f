"""Spans of time have a unit, unless they are none: what was meant by a bare number, nobody knows."""

import pytest

from processors.cli.main import main
from processors.settings import Settings, variable
from processors.settings.durations import is_duration, parse_duration_ms, readable
from schemas.times import DAY_MS, HOUR_MS

DURATIONS = [name for name, field in Settings.model_fields.items() if is_duration(field)]


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [
        ("90d", 90 * DAY_MS),
        (" 24 h ", DAY_MS),
        ("1.5h", HOUR_MS * 3 // 2),
        ("15m", 900_000),
        ("250ms", 250),
        ("0", 0),
    ],
)
def test_what_is_read(text: str, duration_ms: int) -> None:
    assert parse_duration_ms(text) == duration_ms
    assert parse_duration_ms(readable(duration_ms)) == duration_ms


@pytest.mark.parametrize("text", ["30", "1.5", "", "d", "-1d", "30 days", "1d 2h", "1e3s"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="write for example 90d, 24h, 15m, 30s, 250ms"):
        parse_duration_ms(text)


def test_a_program_has_milliseconds() -> None:
    assert Settings(retention=30).retention == 30


def test_there_are_durations() -> None:
    assert {"retention", "hold", "session_timeout", "sink_flush_interval"} < {*DURATIONS}


@pytest.mark.parametrize("field", DURATIONS)
def test_a_setting_without_its_unit_is_78_and_named(
    field: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable(field), "30")
    assert main(["topics", "check"]) == 78
    told = capsys.readouterr().err
    assert f"{variable(field)}: not a duration without its unit: '30'" in told
    assert "write for example 90d, 24h, 15m, 30s, 250ms" in told
