"""The registry on a real Kafka: one writer at a time, and everybody sees what was written."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from secrets import token_bytes

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from deploy.local.kafka import LocalKafka
from processors.cli.main import cli
from processors.kafka.connecting import connection_of
from processors.kafka.placement import partition_for
from processors.kafka.running import run_on_kafka
from processors.kafka.topics import create_topics
from processors.registry.changes import Wishes, WorkspaceExists, create, update
from processors.registry.keys import issue
from processors.registry.store import RegistryStore, read
from processors.registry.view_changes import issue_link, revoke, save, share
from processors.settings import Settings
from processors.worker.run import layouts_of
from schemas.registry import KeyRole, Workspace, encode_workspace
from schemas.times import DAY_MS
from schemas.topics import Topic
from schemas.views import SavedView
from tests.conftest import eventually

pytestmark = pytest.mark.integration

RACES = 40
NOW = 1_800_000_000_000


@pytest.fixture
def settings(tmp_path: Path, kafka: LocalKafka) -> Settings:
    """Topics of this test's own."""
    settings = Settings(kafka_bootstrap=kafka.bootstrap, topic_prefix=f"{tmp_path.name}.", partitions=3)
    run_on_kafka(create_topics(settings, layouts_of(settings), update=False))
    return settings


def workspace(name: str, number: int) -> Workspace:
    key = issue(KeyRole.SECRET, NOW, lambda count: number.to_bytes(count))
    return Workspace(workspace_id=name, keys=(key.record,))


async def test_of_two_who_race_one_wins(settings: Settings) -> None:
    async with RegistryStore(settings) as one, RegistryStore(settings) as other:
        for race in range(RACES):
            wanted = [workspace(f"w{race}", 2 * race + 1), workspace(f"w{race}", 2 * race + 2)]
            results = await asyncio.gather(
                *(store.write(create(mine)) for store, mine in zip((one, other), wanted, strict=True)),
                return_exceptions=True,
            )
            lost = [result for result in results if isinstance(result, WorkspaceExists)]
            (won,) = [result for result in results if isinstance(result, Workspace)]
            assert (len(lost), won in wanted) == (1, True)
            for store in (one, other):
                await store.catch_up()
                assert store.contents.workspace(won.workspace_id) == won
    assert len(list(await read(settings))) == RACES


async def test_changes_of_one_workspace_from_two_sides_all_count(settings: Settings) -> None:
    async with RegistryStore(settings) as one, RegistryStore(settings) as other:
        await one.write(create(workspace("acme", 1)))
        slugs = [f"d{number}.acme.com" for number in range(8)]
        stores = (one, other) * 4
        await asyncio.gather(
            *(
                store.write(update("acme", Wishes(domain=slug)))
                for store, slug in zip(stores, slugs, strict=True)
            )
        )
    (found,) = await read(settings)
    assert sorted(one.slug for one in found.domains) == slugs


async def test_a_writer_who_died_before_the_end_has_written_nothing(settings: Settings) -> None:
    """His transaction is open: readers would wait for it."""
    dead = connection_of(settings).producer(transactional_id=settings.registry_lock)
    await dead.start()
    try:
        await dead.begin_transaction()
        half = workspace("acme", 1)
        await dead.send_and_wait(
            settings.topic(Topic.WORKSPACES), encode_workspace(half), b"acme", partition_for(b"acme", 3)
        )
        async with RegistryStore(settings) as store:
            assert list(store.contents) == []
            whole = await store.write(create(workspace("acme", 2)))
            assert list(store.contents) == [whole] != [half]
    finally:
        await dead.stop()


async def test_who_follows_sees_what_others_write(settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        writer, reader = [await stack.enter_async_context(RegistryStore(settings)) for _ in range(2)]
        following = asyncio.create_task(reader.follow())
        wanted = await writer.write(create(workspace("acme", 1)))
        await asyncio.to_thread(eventually, lambda: reader.contents.workspace("acme") == wanted)
        following.cancel()
        await asyncio.wait([following])


async def test_views_of_all_sides_count_and_what_is_revoked_here_opens_nothing_there(
    settings: Settings,
) -> None:
    async with RegistryStore(settings) as one, RegistryStore(settings) as other:
        await one.write(create(workspace("acme", 1)))
        view = SavedView(id="", name="", path="/", query="country=DE")
        links = [
            issue_link(replace(view, id=f"view_{number}"), DAY_MS, "", NOW, token_bytes)
            for number in range(6)
        ]
        stores = (one, other) * 3
        await asyncio.gather(
            *(store.write(share("acme", made.view)) for store, made in zip(stores, links, strict=True)),
            *(
                store.write(save("acme", replace(view, id=made.view.id, name=made.view.id)))
                for store, made in zip(stores, links, strict=True)
            ),
        )
        await other.catch_up()
        assert [other.contents.shared(made.token) for made in links] == [
            ("acme", made.view) for made in links
        ]
        assert len(other.contents.views("acme").saved) == len(links)
        await one.write(revoke("acme", links[0].view.id))
        await other.catch_up()
        assert other.contents.shared(links[0].token) is None
        assert other.contents.shared(links[1].token) is not None
    contents = await read(settings)
    assert len(contents.views("acme").shared) == len(links) - 1
    assert [one.workspace_id for one in contents] == ["acme"]
    assert contents.unreadable == []


def test_the_commands(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADSTREAM_KAFKA_BOOTSTRAP", settings.kafka_bootstrap)
    monkeypatch.setenv("LEADSTREAM_TOPIC_PREFIX", settings.topic_prefix)

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(cli, ["workspace", *arguments])
        assert result.exit_code == code, result.output
        return result.output if code else result.stdout

    made = json.loads(run("create", "acme", "--domain", "Go.localhost", "--json"))
    assert list(made) == ["workspaceId", "secretKey", "publishableKey"]
    assert "acme exists already" in run("create", "acme", code=1)
    assert "go.localhost belongs to workspace acme" in run("create", "b", "--domain", "go.localhost", code=1)
    run(
        "set",
        "acme",
        "--domain",
        "go.localhost",
        "--not-found-url",
        "https://acme.com/",
        "--limit-secret",
        "5",
    )
    rotated = json.loads(run("rotate-key", "acme", "--overlap", "1h", "--json"))
    assert list(rotated) == ["workspaceId", "secretKey"]
    listed = run("list", "--json")
    (shown,) = map(json.loads, listed.splitlines())
    assert shown["domains"] == [
        {"slug": "go.localhost", "primary": True, "notFoundUrl": "https://acme.com/", "expiredUrl": None}
    ]
    assert shown["limits"] == {"secret": 5, "publishable": 100, "visitor": 10}
    assert [one["role"] for one in shown["keys"]] == ["secret", "publishable", "secret"]
    assert [one["expiresAt"] is None for one in shown["keys"]] == [False, True, True]
    people = run("list")
    for key in (made["secretKey"], made["publishableKey"], rotated["secretKey"]):
        assert key not in listed + people
        assert key[:18] in people
    held = run_on_kafka(read(settings))
    roles = [found.key.role for key in made.values() if (found := held.holder(key, 0))]
    assert roles == ["secret", "publishable"]
