"""``pytest -p tests.compiled.only``: a run of the compiled modules ends if others are imported."""

import pytest

from tests.compiled.building import imported, is_compiled


def pytest_configure() -> None:
    """In the process that shares out the tests, and in those that run them."""
    pure = [file for file in imported() if not is_compiled(file)]
    if pure:
        raise pytest.UsageError(f"not compiled: {', '.join(pure)}")
