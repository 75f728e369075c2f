"""A migrated database for every test that asks for one, as it is read under different settings."""

from collections.abc import Iterator

import pytest

from deploy.local.clickhouse import LocalClickHouse
from tests.clickhouse.database import Database, fresh_database

OTHER_SETTINGS = {"compatibility": "26.2", "do_not_merge_across_partitions_select_final": 1}
"""Of whoever asks; nothing may look different for them."""


@pytest.fixture(scope="module")
def empty_database(clickhouse: LocalClickHouse) -> Iterator[Database]:
    """One for all the tests of a module: leave it empty."""
    with fresh_database(clickhouse.url) as database:
        yield database


@pytest.fixture(params=[{}, OTHER_SETTINGS], ids=["", "other settings"])
def database(clickhouse: LocalClickHouse, request: pytest.FixtureRequest) -> Iterator[Database]:
    with fresh_database(clickhouse.url) as database:
        for name, value in request.param.items():
            database.client.set_client_setting(name, value)
        yield database
