"""Do records end workers, or become dead letters? As the workers have noted it themselves."""

from collections.abc import Mapping

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from processors.clock import epoch_ms
from processors.engine.trouble import Trouble, trouble_of
from processors.kafka.connection import KafkaRefused, NoBroker, told
from processors.kafka.groups import group_metadata
from processors.kafka.running import run_on_kafka
from processors.settings import Settings
from processors.stack.check import Check

_NAME = "bad records"


def check_troubles(settings: Settings) -> Check:
    """Reads what is committed with the offsets of the workers' group."""
    try:
        metadata = run_on_kafka(group_metadata(settings, settings.worker_group))
    except (KafkaError, NoBroker, KafkaRefused) as error:
        failure = told(error, settings.kafka_bootstrap)
        return Check(_NAME, False, failure.cause, failure.remedy or "Run `leadstream doctor` again.")
    return troubles_told({tp: trouble_of(text) for tp, text in metadata.items()}, epoch_ms())


def troubles_told(troubles: Mapping[TopicPartition, Trouble], now_ms: int) -> Check:
    """Rejected records are no failure: when there are too many the workers stop by themselves."""
    fatal = [(tp, failure) for tp, one in sorted(troubles.items()) for failure in one.failures]
    if fatal:
        tp, failure = fatal[0]
        what = (
            f"the state due at {failure.offset} ms beside" if failure.due else f"offset {failure.offset} of"
        )
        found = f"{what} {tp.topic}, partition {tp.partition}, ended a worker {failure.deaths}×: "
        more = f"; and {len(fatal) - 1} more" if fatal[1:] else ""
        remedy = "It is passed over at the third time, ten in an hour. Deploy a release that can process it."
        return Check(_NAME, False, f"{found}{failure.cause}{more}", remedy)
    if passed := sum(one.quarantined(now_ms) for one in troubles.values()):
        remedy = "`leadstream dlq list --reason processing_failed`, and a release that can process them."
        return Check(
            _NAME, False, f"{passed} ended workers and were passed over within the last hour", remedy
        )
    windows = [(one.window, tp) for tp, one in troubles.items() if one.window.rejected]
    if not windows:
        return Check(_NAME, True, "none of late")
    window, tp = max(windows, key=lambda one: one[0].rejected)
    found = f"{window.rejected} of the last {len(window.last)} of {tp.topic}, partition {tp.partition}"
    named = window.origins().most_common(1)
    origin = f", most of {named[0][0]}" if named else ""
    return Check(_NAME, True, f"{found}, became dead letters{origin}")
