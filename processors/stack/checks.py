"""What ``leadstream doctor`` looks at. Each check says what it found, and what to do when that is bad."""

import tempfile
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from processors.disk import Disk
from processors.errors import INSTALL_LOCAL, ExitCode, LeadstreamError
from processors.kafka.running import run_on_kafka
from processors.settings import Settings
from processors.stack.check import Check
from processors.status.pages import asked
from processors.status.places import places_of

if TYPE_CHECKING:
    from processors.kafka.lag import Group


_STILL_S: Final = 10.0
"""Many times as long as workers and sinks that are well take for a batch."""
_AGAIN: Final = "Run `leadstream doctor` again."
_WAITING: Final = "Their logs say what they wait for: another server, or a state that is restored."


def run_checks(settings: Settings, gateway: str | None = None) -> Iterator[Check]:
    """One after the other, each as soon as it is known. ``gateway``: the URL of one that is to serve, beside
    that of a running ``up``. Changes nothing. Raises nothing.
    """
    from processors.stack.registry_check import check_registries
    from processors.stack.rules_check import check_rules
    from processors.stack.trouble_check import check_troubles

    places = places_of(settings)
    for directory in dict.fromkeys(filter(None, (places.data, settings.data_dir))):
        yield check_data_dir(directory)
    yield from check_embedded()
    kafka = check_kafka(settings)
    yield kafka
    if kafka.ok:
        yield check_topics(settings)
        yield check_registries(settings)
        yield check_rules(settings)
    yield from check_clickhouse(settings)
    if kafka.ok:
        yield from check_groups(settings)
        yield check_troubles(settings)
    for url in dict.fromkeys(filter(None, (places.gateway, gateway))):
        yield check_gateway(url)


def check_data_dir(directory: Path) -> Check:
    """Can files be made there, or where it would be made, and is there room for more?"""
    existing = next(one for one in (directory.absolute(), *directory.absolute().parents) if one.exists())
    remedy = "Make it writable, or set LEADSTREAM_DATA_DIR to another directory."
    room = "Free some, or move the directory to another disk: when it is full, everything stands still."
    try:
        disk = Disk.of(directory)
        if disk.full:
            return Check("data directory", False, f"the disk of {directory} is full: {disk}", room)
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return Check("data directory", False, f"{directory}: {error.strerror}", remedy)
    if disk.low:
        return Check("data directory", False, f"the disk of {directory} is nearly full: {disk}", room)
    return Check("data directory", True, f"{directory} is writable, {disk}")


def check_gateway(url: str) -> Check:
    """Does it serve? It does when it has read the registries and reached Kafka."""
    start = "Start `leadstream gateway`; while it starts, its log says what it waits for."
    try:
        answer = asked(url, "/openapi.json")
    except (OSError, ValueError) as error:
        why = (
            "no answer" if isinstance(error, TimeoutError) else getattr(error, "strerror", None) or str(error)
        )
        return Check("gateway", False, f"{url}: {why}", start)
    if answer.status != HTTPStatus.OK:
        return Check("gateway", False, f"{url} answers {answer.status}: is it a gateway?", start)
    return Check("gateway", True, f"{url} serves")


def check_embedded() -> Iterator[Check]:
    """For ``leadstream up`` without ``--kafka`` and ``--clickhouse``; nothing else asks for these servers."""
    from deploy.local.clickhouse import LocalClickHouse
    from deploy.local.kafka import LocalKafka

    if not (LocalKafka.installed() and LocalClickHouse.installed()):
        found = f"not installed, which only `leadstream up` would need: {INSTALL_LOCAL}"
        yield Check("embedded servers", True, found)
        return
    yield check_java()
    yield check_kafka_download()


def check_java() -> Check:
    """For the embedded Kafka."""
    from deploy.local.errors import LocalServerError
    from deploy.local.java import find_java

    try:
        return Check("Java", True, f"{find_java()} (for the embedded Kafka)")
    except LocalServerError as error:
        return Check("Java", False, str(error), "Only `leadstream up` without --kafka needs it.")


def check_kafka_download() -> Check:
    """That it is still to come is no failure."""
    from deploy.local.jars import KAFKA_VERSION, default_cache, kafka_jars

    cache = default_cache()
    missing = sum(not jar.is_in(cache) for jar in kafka_jars())
    if missing:
        found = f"{KAFKA_VERSION} is not in {cache} yet; the first `leadstream up` downloads it"
    else:
        found = f"{KAFKA_VERSION} is in {cache}"
    return Check("embedded Kafka", True, found)


def check_kafka(settings: Settings) -> Check:
    """Does a broker answer?"""
    from processors.kafka.topics import partition_counts

    try:
        counts = run_on_kafka(partition_counts(settings))
    except LeadstreamError as error:  # whatever it is, it says what to do
        return Check("Kafka", False, error.cause, error.remedy)
    who = f" as {settings.kafka_username}" if settings.kafka_username else ""
    how = f"{settings.kafka_security_protocol}{who}"
    return Check("Kafka", True, f"{settings.kafka_bootstrap} answers, {len(counts)} topics ({how})")


def check_topics(settings: Settings) -> Check:
    """Are they what they should be?"""
    from processors.kafka import topics
    from processors.kafka.connection import KafkaRefused, NoBroker
    from processors.rewarding.run import layouts_of

    wanted = layouts_of(settings)

    try:
        differences = run_on_kafka(topics.check_topics(settings, wanted))
    except (NoBroker, KafkaRefused) as error:
        return Check("topics", False, error.cause, error.remedy or _AGAIN)
    if not differences:
        return Check("topics", True, f"all {len(wanted)} as they should be")
    left = len(differences) - 3
    more = f", and {left} more (`leadstream topics check` lists all)" if left > 0 else ""
    found = "; ".join(map(str, differences[:3])) + more
    return Check("topics", False, found, f"{topics.REMEDY}.")


def check_clickhouse(settings: Settings) -> Iterator[Check]:
    """Does it answer, and has it the tables?"""
    from clickhouse_connect.driver.exceptions import ClickHouseError

    from processors.clickhouse.connection import NoClickHouse, open_clickhouse
    from processors.clickhouse.migrations import ClickHouseTooOld, check_version, pending
    from processors.errors import bug
    from processors.sink.failures import told

    try:
        client = open_clickhouse(settings)
    except NoClickHouse as error:
        away = error.exit_code == ExitCode.UNAVAILABLE
        start = "Start it, or set LEADSTREAM_CLICKHOUSE_URL; then `leadstream migrate`."
        # Of what refuses us it is said already what to mend.
        yield Check("ClickHouse", False, str(error), start if away else _AGAIN)
        return
    try:
        try:
            check_version(client)
            yield Check("ClickHouse", True, f"{client.server_version} answers")
        except ClickHouseTooOld as error:
            yield Check("ClickHouse", False, str(error), "Then run `leadstream migrate`.")
        missing = pending(client)
        found = f"lacks {', '.join(missing)}" if missing else "up to date"
        yield Check("tables", not missing, found, "Run `leadstream migrate`.")
    except ClickHouseError as error:
        failure = told(error) or bug(error)
        yield Check("tables", False, failure.cause, failure.remedy)
    finally:
        client.close()


def check_groups(settings: Settings) -> Iterator[Check]:
    """Does somebody read what is there to be read?"""
    from aiokafka.errors import KafkaError

    from processors.kafka.connection import KafkaRefused, NoBroker, told
    from processors.kafka.lag import LagReader
    from processors.sink.tables import SINK_TOPICS
    from schemas.topics import REWARD_INPUTS, WORKER_TOPICS

    within_s = _STILL_S + settings.sink_flush_interval / 1000
    groups = (
        ("workers", settings.worker_group, WORKER_TOPICS, "Start `leadstream worker`."),
        ("sinks", settings.full_sink_group, SINK_TOPICS, "Start `leadstream sink`."),
    )
    # Not everybody has partners to reward: of who never ran, nothing is missing.
    rewards = ("rewards", settings.rewards_group, REWARD_INPUTS, "Start `leadstream rewards run`.")

    async def read() -> list[Check]:
        async with LagReader(settings) as reader:
            return [
                _group(
                    name,
                    group,
                    found := await reader.group(group, topics),
                    remedy,
                    still=found.members > 0 and await reader.stands_still(group, topics, within_s),
                )
                for name, group, topics, remedy in (
                    (*groups, rewards) if await reader.is_known(settings.rewards_group) else groups
                )
            ]

    try:
        yield from run_on_kafka(read())
    except (KafkaError, NoBroker, KafkaRefused) as error:
        failure = told(error, settings.kafka_bootstrap)
        yield Check("consumer groups", False, failure.cause, failure.remedy or _AGAIN)


def _group(name: str, group: str, found: "Group", remedy: str, *, still: bool) -> Check:
    """Without members it is a failure only when something waits for them. ``still``: they read nothing."""
    text = f"{group}: {found.members} running, {found.lag:,} records to go"
    if still:
        return Check(name, False, f"{text}, and none of them is being read", _WAITING)
    return Check(name, found.members > 0 or found.lag == 0, text, remedy)
