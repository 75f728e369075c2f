"""Whatever workspaces there are, the demo has one of its own, and takes nothing away from others."""

from pathlib import Path

import pytest

from processors.clock import epoch_ms
from processors.gateway.dashboard.sessions import may_begin
from processors.kafka.running import run_on_kafka
from processors.registry.changes import create
from processors.registry.store import read, write
from processors.settings import Settings
from processors.stack.demo_calls import DOMAINS, WORKSPACE, DemoKeys, demo_keys
from processors.stack.demo_dashboard import SHOWN, dashboard_key
from tests.registry.links import workspace
from tests.registry.test_store import settings  # noqa: F401 - a fixture

pytestmark = pytest.mark.integration


def opens(settings: Settings, keys: DemoKeys) -> bool:  # noqa: F811
    """The workspace of the demo, which has the domain."""
    contents = run_on_kafka(read(settings))
    holder = contents.holder(keys.secret, epoch_ms())
    return holder is not None and holder.workspace is contents.of_domain(keys.domain)


def test_each_directory_has_a_key_of_its_own(settings: Settings, tmp_path: Path) -> None:  # noqa: F811
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    keys, others = demo_keys(settings, one), demo_keys(settings, other)
    assert (keys.domain, keys.visited) == (DOMAINS[0], False)
    assert keys.secret != others.secret
    assert opens(settings, keys)
    assert opens(settings, others)
    assert (demo_keys(settings, one), demo_keys(settings, other)) == (keys, others)


def test_its_domain_may_be_that_of_another(settings: Settings, tmp_path: Path) -> None:  # noqa: F811
    run_on_kafka(write(settings, create(workspace("acme", DOMAINS[0]))))
    keys = demo_keys(settings, tmp_path)
    assert keys.domain == DOMAINS[1]
    assert opens(settings, keys)


@pytest.mark.parametrize("domains", [(), ("go.acme.com",)])
def test_a_workspace_of_its_name_may_be_there(
    settings: Settings,  # noqa: F811
    tmp_path: Path,
    domains: tuple[str, ...],
) -> None:
    run_on_kafka(write(settings, create(workspace(WORKSPACE, *domains))))
    keys = demo_keys(settings, tmp_path)
    assert keys.domain == (domains or DOMAINS)[0]
    assert opens(settings, keys)


def test_the_dashboard_has_a_key_that_is_kept(settings: Settings, tmp_path: Path) -> None:  # noqa: F811
    """Of a workspace that may be there already, and whose other keys go on opening the API."""
    other = workspace(SHOWN)
    run_on_kafka(write(settings, create(other)))
    key = dashboard_key(settings, tmp_path)
    assert dashboard_key(settings, tmp_path) == key
    contents = run_on_kafka(read(settings))
    holder = contents.holder(key, epoch_ms())
    assert holder is not None
    assert (holder.workspace.workspace_id, may_begin(holder.key)) == (SHOWN, True)
    assert {one.hash for one in other.keys} < {one.hash for one in holder.workspace.keys}


def test_a_key_that_was_rotated_is_replaced(settings: Settings, tmp_path: Path) -> None:  # noqa: F811
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    key = dashboard_key(settings, one)
    assert dashboard_key(settings, other) != key
    assert dashboard_key(settings, one) != key
