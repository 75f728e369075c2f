"""Every metric that a process shows: its name, kind, unit, labels and meaning, once.

``/metrics`` (:mod:`.exposition`) and ``docs/metrics.md`` are made from it; what a process knows under these
names, it says itself (``worker.observing``, ``sink.observing``,
``gateway.observing``). Labels have few values, which come from the
deployment and not from events: never a workspace, a customer or a click.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal


@dataclass(frozen=True)
class Metric:
    """``name``: as Prometheus knows it, of a histogram without the endings of its three parts."""

    name: str
    kind: Literal["counter", "gauge", "histogram", "info"]
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()


SETTINGS: Final = (
    "attribution_model",
    "attribution_window",
    "qualification_window",
    "hold",
    "topic_prefix",
    "application_id",
    "sink_group",
    "partitions",
    "retention",
    "state",
    "session_timeout",
    "dead_letter_limit",
    "sink_batch_rows",
    "sink_flush_interval",
)
"""Those that are shown: what decides results and pace. No addresses, users or paths."""

PROCESS: Final = (
    Metric("leadstream_build_info", "info", "", "The release, and what it runs on.", ("version", "python")),
    Metric("leadstream_settings_info", "info", "", "Settings that decide results and pace.", SETTINGS),
    Metric(
        "leadstream_start_time_seconds", "gauge", "epoch seconds", "When the process began to be observed."
    ),
    Metric(
        "leadstream_loop_silence_seconds",
        "gauge",
        "seconds",
        "Since when a loop of the process has not turned: healthy below 30.",
        ("loop",),
    ),
    Metric("leadstream_log_lines_total", "counter", "lines", "Lines logged, by level.", ("level",)),
)

WORKER: Final = (
    Metric(
        "leadstream_worker_events_total",
        "counter",
        "records",
        "Records of a source topic by what became of them: applied, forwarded to their right place, rejected"
        " (a dead letter), quarantined (a dead letter because it had ended a worker twice).",
        ("topic", "outcome"),
    ),
    Metric(
        "leadstream_worker_results_total",
        "counter",
        "records",
        "Records written, by topic; changelogs are not counted.",
        ("topic",),
    ),
    Metric(
        "leadstream_worker_unmatched_total",
        "counter",
        "records",
        "Events reported to have led to nothing.",
        ("reason",),
    ),
    Metric(
        "leadstream_worker_dead_letters_total",
        "counter",
        "records",
        "Records that could not be used.",
        ("reason",),
    ),
    Metric(
        "leadstream_worker_misspelt_fields_total",
        "counter",
        "names",
        "Names that are no field and close to one that is missing, by that field. A sample: of each batch the"
        " first record of every partition. More than 0: producers say something that nobody hears.",
        ("topic", "field"),
    ),
    Metric(
        "leadstream_worker_event_to_result_seconds",
        "histogram",
        "seconds",
        "From the time of an event's record until all that it led to was committed. Each event counts with"
        " the age of the first one fetched with it: the oldest, where times are in order.",
        ("topic",),
    ),
    Metric(
        "leadstream_worker_batch_seconds",
        "histogram",
        "seconds",
        "One batch, from its records to the local state; also those that were dropped.",
    ),
    Metric(
        "leadstream_worker_transaction_seconds",
        "histogram",
        "seconds",
        "The part of a batch that Kafka and the local state take.",
    ),
    Metric("leadstream_worker_batches_total", "counter", "transactions", "Transactions committed."),
    Metric(
        "leadstream_worker_superseded_total",
        "counter",
        "batches",
        "Batches dropped because of a rebalance; their records are processed by the next owner.",
    ),
    Metric(
        "leadstream_worker_retries_total",
        "counter",
        "attempts",
        "What was tried again by itself, by the kind of error.",
        ("cause",),
    ),
    Metric(
        "leadstream_worker_refetched_total",
        "counter",
        "fetches",
        "Fetches made again because records were missing in front of them.",
    ),
    Metric(
        "leadstream_worker_lag_records",
        "gauge",
        "offsets",
        "Not yet processed at the last fetch, markers of transactions included. None of a partition that was"
        " not fetched from yet.",
        ("topic", "partition"),
    ),
    Metric(
        "leadstream_worker_lag_seconds",
        "gauge",
        "seconds",
        "0 without a lag; else since the last processed record, or since the last look that found no lag.",
        ("topic", "partition"),
    ),
    Metric(
        "leadstream_worker_watermark_age_seconds",
        "gauge",
        "seconds",
        "How far time, by which states are given up, is behind the clock. While nothing is due it is looked"
        " at rarely: up to a hundredth of the clicks' retention. None before it is needed.",
    ),
    Metric(
        "leadstream_worker_held",
        "gauge",
        "states",
        "States for which something waits, by table; counted in rounds, 500 a second.",
        ("table",),
    ),
    Metric(
        "leadstream_worker_states",
        "gauge",
        "states",
        "States that are known, by table: about so many. What is written again counts as often for a while.",
        ("table",),
    ),
    Metric(
        "leadstream_worker_pending", "gauge", "records", "Records fetched and not yet taken into a batch."
    ),
    Metric("leadstream_worker_partitions", "gauge", "partitions", "Partitions owned."),
    Metric(
        "leadstream_worker_partitions_restored",
        "gauge",
        "partitions",
        "Of those owned: whose tables are there, so that their events are processed.",
    ),
    Metric(
        "leadstream_worker_stopped_partitions",
        "gauge",
        "partitions",
        "Partitions that stand still because of too many dead letters: somebody has to act.",
    ),
    Metric(
        "leadstream_worker_quarantined_total",
        "counter",
        "records",
        "Records and expiries that were passed over because they had ended the worker twice.",
    ),
    Metric(
        "leadstream_worker_expired_total",
        "counter",
        "states",
        "States whose hold was over, or whose time had come.",
    ),
    Metric("leadstream_worker_swept_total", "counter", "states", "States dropped because of their age."),
    Metric("leadstream_worker_state_writes_total", "counter", "records", "Changelog records written."),
    Metric(
        "leadstream_worker_rebalance_seconds",
        "histogram",
        "seconds",
        "From the first sign of a rebalance to the new assignment; batches stand still meanwhile.",
    ),
    Metric(
        "leadstream_worker_restore_seconds",
        "histogram",
        "seconds",
        "Reading changelogs until all partitions that were owned had started.",
    ),
    Metric("leadstream_worker_restored_total", "counter", "records", "Changelog records read back."),
    Metric(
        "leadstream_worker_retention_gaps_total",
        "counter",
        "offsets",
        "Offsets that retention removed before they were read: events are lost.",
    ),
)

SINK: Final = (
    Metric(
        "leadstream_sink_records_total",
        "counter",
        "records",
        "Records stored, or found to be no result.",
        ("topic",),
    ),
    Metric(
        "leadstream_sink_rows_total",
        "counter",
        "rows",
        "Rows that ClickHouse has acknowledged.",
        ("table",),
    ),
    Metric(
        "leadstream_sink_dead_letters_total",
        "counter",
        "records",
        "Records that no table takes.",
        ("reason",),
    ),
    Metric("leadstream_sink_batches_total", "counter", "batches", "Batches stored."),
    Metric(
        "leadstream_sink_insert_seconds",
        "histogram",
        "seconds",
        "Rows of one batch into one table, until acknowledged, waiting included.",
        ("table",),
    ),
    Metric(
        "leadstream_sink_result_to_row_seconds",
        "histogram",
        "seconds",
        "From the time of a record (of a lead: when it was committed) until its row was acknowledged. Each"
        " row counts with the age of the first one fetched with it: the oldest, where times are in order.",
        ("table",),
    ),
    Metric(
        "leadstream_sink_retries_total",
        "counter",
        "attempts",
        "What was tried again by itself, by the kind of error.",
        ("cause",),
    ),
    Metric(
        "leadstream_sink_waiting",
        "gauge",
        "",
        "1 while ClickHouse takes no rows and is tried again.",
    ),
    Metric(
        "leadstream_sink_lag_records",
        "gauge",
        "offsets",
        "Not yet stored at the last fetch, markers of transactions included. None before the first batch.",
        ("topic", "partition"),
    ),
    Metric(
        "leadstream_sink_lag_seconds",
        "gauge",
        "seconds",
        "0 without a lag; else since the last stored record, or since the last look that found no lag.",
        ("topic", "partition"),
    ),
    Metric("leadstream_sink_partitions", "gauge", "partitions", "Partitions owned."),
    Metric(
        "leadstream_sink_rebalances_total",
        "counter",
        "rebalances",
        "Assignments of partitions since the process began.",
    ),
)

GATEWAY: Final = (
    Metric(
        "leadstream_gateway_requests_total",
        "counter",
        "requests",
        "Requests by route and status; status 0: the client went away before its request was there. Short"
        " domains are the route `short links`, paths that there are not `none`.",
        ("route", "status"),
    ),
    Metric(
        "leadstream_gateway_request_seconds",
        "histogram",
        "seconds",
        "From the arrival of the headers until the answer was handed to the system.",
        ("route",),
    ),
    Metric("leadstream_gateway_requests_under_way", "gauge", "requests", "Requests not answered yet."),
    Metric(
        "leadstream_gateway_misspelt_fields_total",
        "counter",
        "names",
        "Names in bodies that are no field and close to one that is missing, by that field. Their callers"
        " were told by the header `X-Leadstream-Warning`.",
        ("route", "field"),
    ),
    Metric(
        "leadstream_gateway_events_total",
        "counter",
        "events",
        "Events by what became of them: acknowledged by Kafka; late (their callers were told to try again,"
        " they may be written all the same); dropped (clicks of redirects that no broker took in time).",
        ("outcome",),
    ),
    Metric("leadstream_gateway_events_waiting", "gauge", "events", "Events without Kafka's acknowledgement."),
    Metric(
        "leadstream_gateway_producers_total",
        "counter",
        "producers",
        "Producers since the process began. More than one: a broker has refused a batch.",
    ),
    Metric(
        "leadstream_gateway_memory_bytes",
        "gauge",
        "bytes",
        "What is remembered of the last minutes, estimated; LEADSTREAM_GATEWAY_MEMORY at most.",
    ),
    Metric(
        "leadstream_gateway_lookups_total",
        "counter",
        "queries",
        "Queries for older clicks and customers, each of any number of calls.",
    ),
    Metric(
        "leadstream_gateway_lookup_failures_total",
        "counter",
        "queries",
        "Those that ClickHouse did not answer in time; their callers were told to try again.",
    ),
    Metric(
        "leadstream_gateway_streams",
        "gauge",
        "streams",
        "Streams of events that are open now; they are no requests under way.",
    ),
    Metric(
        "leadstream_gateway_stream_bytes",
        "gauge",
        "bytes",
        "What is kept for them of the last minutes, estimated; nothing while nobody watches.",
    ),
    Metric(
        "leadstream_gateway_streams_dropped_total",
        "counter",
        "streams",
        "Those that were ended because their clients did not take what came in time.",
    ),
)

_OF_WORKERS_ALONE: Final = ("unmatched_total", "misspelt_fields_total")

REWARDS: Final = (
    *(
        replace(one, name=one.name.replace("_worker_", "_rewards_"))
        for one in WORKER
        if not one.name.endswith(_OF_WORKERS_ALONE)
    ),
    Metric(
        "leadstream_rewards_refusals_total",
        "counter",
        "records",
        "What earned nothing, by reason; without one: what was said before no longer holds.",
        ("reason",),
    ),
    Metric("leadstream_rewards_policies", "gauge", "programs", "Programs with a policy."),
    Metric(
        "leadstream_rewards_policies_age_seconds",
        "gauge",
        "seconds",
        "Since all policies were known: below 60 while brokers answer; above 300 nothing is decided.",
    ),
)

ALL: Final = {
    "Every process": PROCESS,
    "Worker": WORKER,
    "Rewards": REWARDS,
    "Sink": SINK,
    "Gateway": GATEWAY,
}
