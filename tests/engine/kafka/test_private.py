"""The private names we lean on are still there, in the versions we have read."""

from importlib.metadata import version

import pytest

from processors.engine.kafka import private


@pytest.mark.parametrize("package", sorted(private.VERSIONS))
def test_versions_are_those_we_have_read(package: str) -> None:
    """On a new version read its source at every name of ``private.NAMES`` before raising the pin."""
    assert version(package) == private.VERSIONS[package]


def test_names_are_still_there() -> None:
    assert private.missing_names() == []


def test_a_missing_name_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = private.Name(private.NAMES[0].owner, "_no_such_name", "call")
    monkeypatch.setattr(private, "NAMES", (*private.NAMES, gone))
    assert private.missing_names() == ["App._no_such_name (call)"]
