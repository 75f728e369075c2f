"""A migrated database for every test that asks for one."""

from collections.abc import Iterator

import pytest

from deploy.local.clickhouse import LocalClickHouse
from tests.sql.database import Database, fresh_database


@pytest.fixture(scope="module")
def empty_database(clickhouse: LocalClickHouse) -> Iterator[Database]:
    """One for all the tests of a module: leave it empty."""
    with fresh_database(clickhouse.url) as database:
        yield database


@pytest.fixture
def database(clickhouse: LocalClickHouse) -> Iterator[Database]:
    with fresh_database(clickhouse.url) as database:
        yield database
