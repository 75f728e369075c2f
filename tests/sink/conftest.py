"""A migrated database for every test that asks for one."""

from collections.abc import Iterator

import pytest

from deploy.local.clickhouse import LocalClickHouse
from tests.clickhouse.database import Database, fresh_database


@pytest.fixture
def database(clickhouse: LocalClickHouse) -> Iterator[Database]:
    with fresh_database(clickhouse.url) as database:
        yield database
