"""Servers that are named to ``leadstream up``: asked before anything is made, downloaded or started."""

from processors.clickhouse.connection import NoClickHouse, open_clickhouse
from processors.errors import ExitCode, Unavailable
from processors.kafka.connection import NoBroker
from processors.kafka.running import run_on_kafka
from processors.kafka.topics import partition_counts
from processors.settings import Settings

_ANSWER_S = 10


def check_kafka(settings: Settings) -> None:
    """Raises ``Unavailable``, which names the option, or ``KafkaRefused``. Blocks for seconds at most."""
    try:
        run_on_kafka(partition_counts(settings))
    except NoBroker as error:
        raise Unavailable(
            error.cause, "Is it what --kafka should name? Without --kafka, `leadstream up` brings its own."
        ) from error


def check_clickhouse(settings: Settings) -> None:
    """Raises ``Unavailable`` or ``NoClickHouse``, which name the option. Blocks for seconds at most."""
    if settings.clickhouse_address.embedded:
        return
    try:
        open_clickhouse(settings, database="default", patience_s=_ANSWER_S).close()
    except NoClickHouse as error:
        cause = error.cause.replace("LEADSTREAM_CLICKHOUSE_URL", "--clickhouse")
        if error.exit_code == ExitCode.UNAVAILABLE:
            raise Unavailable(cause, "Without --clickhouse, `leadstream up` brings its own.") from error
        raise NoClickHouse(cause, error.exit_code) from error
