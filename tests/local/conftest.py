"""For tests of what the embedded servers are made of."""

import pytest


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.directory.PATIENCE", 0.05)
