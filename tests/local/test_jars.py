"""The jars of Kafka: fetched once, whole, and only the pinned ones."""

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from deploy.local.errors import (
    NoJars,
)
from deploy.local.jars import FetchFailed, Jar, ensure_jars, kafka_jars, with_jgo
from deploy.local.ports import HOST, free_port

CONTENT = {f"part{n}-1.0.jar": b"jar %d" % n for n in range(3)}


@pytest.fixture
def three_jars(monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = [
        Jar("group", name.removesuffix("-1.0.jar"), "1.0", hashlib.sha256(content).hexdigest())
        for name, content in CONTENT.items()
    ]
    monkeypatch.setattr("deploy.local.jars.kafka_jars", lambda: pinned)
    monkeypatch.setattr("deploy.local.jars.time.sleep", lambda _: None)


def arrive(wanted: Sequence[Jar], directory: Path) -> None:
    for jar in wanted:
        (directory / jar.file_name).write_bytes(CONTENT[jar.file_name])


def no_network(_wanted: Sequence[Jar], _directory: Path) -> None:
    raise FetchFailed("Network is unreachable")


def contents(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in directory.iterdir()}


def test_the_pinned_release_is_whole() -> None:
    pinned = kafka_jars()
    assert len(pinned) == len({jar.file_name for jar in pinned}) == 46
    assert {"kafka_2.13-4.2.2.jar", "slf4j-simple-1.7.36.jar"} <= {jar.file_name for jar in pinned}
    assert all(len(bytes.fromhex(jar.sha256)) == 32 for jar in pinned)


@pytest.mark.usefixtures("three_jars")
def test_jars_are_fetched_once(tmp_path: Path) -> None:
    said: list[str] = []
    cache = ensure_jars(tmp_path / "cache", fetches=[arrive], progress=said.append)
    assert contents(cache) == CONTENT
    assert ensure_jars(cache, fetches=[no_network], progress=said.append) == cache
    assert said == ["downloading Kafka 4.2.2 (3 jars)…"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["cache"]


@pytest.mark.usefixtures("three_jars")
def test_only_what_is_missing_or_damaged_is_fetched_again(tmp_path: Path) -> None:
    ensure_jars(tmp_path, fetches=[arrive])
    (tmp_path / "part0-1.0.jar").write_bytes(b"half a j")
    (tmp_path / "part2-1.0.jar").unlink()
    asked: list[str] = []

    def fetch(wanted: Sequence[Jar], directory: Path) -> None:
        asked.extend(jar.artifact for jar in wanted)
        arrive(wanted, directory)

    ensure_jars(tmp_path, fetches=[fetch])
    assert asked == ["part0", "part2"]
    assert contents(tmp_path) == CONTENT


@pytest.mark.usefixtures("three_jars")
def test_a_flaky_download_is_tried_again_and_keeps_what_it_got(tmp_path: Path) -> None:
    asked: list[int] = []

    def one_good_one_bad(wanted: Sequence[Jar], directory: Path) -> None:
        asked.append(len(wanted))
        arrive(wanted[:1], directory)
        for jar in wanted[1:]:
            (directory / jar.file_name).write_bytes(b"<html>try later</html>")
        raise FetchFailed("connection reset")

    ensure_jars(tmp_path, fetches=[one_good_one_bad])
    assert asked == [3, 2, 1]
    assert contents(tmp_path) == CONTENT


@pytest.mark.usefixtures("three_jars")
def test_the_second_way_is_used_when_the_first_fails(tmp_path: Path) -> None:
    said: list[str] = []
    ensure_jars(tmp_path, fetches=[no_network, arrive], progress=said.append)
    assert said[1] == "downloading Kafka 4.2.2 (3 jars), trying again: Network is unreachable…"
    assert contents(tmp_path) == CONTENT


@pytest.mark.usefixtures("three_jars")
def test_no_network_and_nothing_cached(tmp_path: Path) -> None:
    with pytest.raises(NoJars, match=r"Kafka 4.2.2 is not in .*: Network is unreachable\. Connect"):
        ensure_jars(tmp_path / "cache", fetches=[no_network])


@pytest.mark.usefixtures("three_jars")
def test_jgo_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{HOST}:{free_port()}")
    with pytest.raises(NoJars, match=r"could not be downloaded: jgo: .*refused"):
        ensure_jars(tmp_path / "cache", fetches=[with_jgo])


@pytest.mark.usefixtures("three_jars")
def test_jars_of_another_content_are_never_used(tmp_path: Path) -> None:
    def forged(wanted: Sequence[Jar], directory: Path) -> None:
        for jar in wanted:
            (directory / jar.file_name).write_bytes(b"evil")

    with pytest.raises(NoJars, match="3 of 3 jars did not arrive with the expected SHA-256"):
        ensure_jars(tmp_path / "cache", fetches=[forged])
    assert contents(tmp_path / "cache") == {}


@pytest.mark.usefixtures("three_jars")
def test_two_that_fetch_at_once_do_not_harm_one_another(tmp_path: Path) -> None:
    both_inside = threading.Barrier(2, timeout=10)

    def fetch(wanted: Sequence[Jar], directory: Path) -> None:
        both_inside.wait()
        arrive(wanted, directory)

    threads = [
        threading.Thread(target=ensure_jars, args=(tmp_path,), kwargs={"fetches": [fetch]}) for _ in "12"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert contents(tmp_path) == CONTENT
