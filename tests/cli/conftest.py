"""Commands as they are called by nobody in particular."""

import pytest
from click.testing import CliRunner

from tests.alone import clean_environment

__all__ = ["clean_environment", "runner"]


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()
