"""What exists already, and what it calls."""

from collections.abc import Iterator

import pytest

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from tests.clients.sdk import RELEASES, Sdk
from tests.clients.system import System, running


# Not of the session: idle processes would poll until its end.
@pytest.fixture(scope="package")
def system(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """Shared: choose names of customers and keys of links of your own."""
    with running(kafka.bootstrap, clickhouse.url, "clients", tmp_path_factory.mktemp("clients")) as system:
        yield system


@pytest.fixture(scope="package")
def sdks() -> Iterator[dict[str, Sdk]]:
    """By release, each running."""
    running = {release: Sdk(release) for release in RELEASES}
    for sdk in running.values():
        sdk.__enter__()
    yield running
    for sdk in running.values():
        sdk.__exit__()


@pytest.fixture(params=RELEASES)
def sdk(request: pytest.FixtureRequest, sdks: dict[str, Sdk], system: System) -> Sdk:
    """Each in turn, with the secret key of the first workspace."""
    sdk = sdks[request.param]
    sdk.base_url, sdk.token = system.url, system.keys.secret
    return sdk
