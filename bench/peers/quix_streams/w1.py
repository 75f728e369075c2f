"""W1 on quixstreams: ``python -m bench.peers.quix_streams.w1 GUARANTEE COMMIT_S POLL_S``, RocksDB state."""

import os
import sys
from typing import Any, Literal, cast

from quixstreams import Application, State

from bench.peers import w1join

ENV = os.environ
Event = tuple[bool, bytes]


def join(event: Event, state: State) -> list[bytes]:
    after, lead = w1join.apply(state.get_bytes("state"), *event)
    if after is not None:
        state.set_bytes("state", after)
    return [] if lead is None else [lead]


def main(guarantee: str, commit_s: float, poll_s: float) -> None:
    app = Application(
        broker_address=ENV["BENCH_BOOTSTRAP"],
        consumer_group=ENV["BENCH_APP"],
        processing_guarantee=cast(Literal["exactly-once", "at-least-once"], guarantee),
        auto_offset_reset="earliest",
        commit_interval=commit_s,
        consumer_poll_timeout=poll_s,
        state_dir=ENV["BENCH_STATE"],
        producer_extra_config={"linger.ms": 20, "compression.type": "lz4"},
        loglevel="WARNING",
    )

    def topic(name: str) -> Any:
        raw = {"key_deserializer": "bytes", "key_serializer": "bytes"}
        return app.topic(ENV[name], value_deserializer="bytes", value_serializer="bytes", **raw)

    deferred = app.dataframe(topic("BENCH_DEFERRED")).apply(lambda value: (True, value))
    qualified = app.dataframe(topic("BENCH_QUALIFIED")).apply(lambda value: (False, value))
    both = deferred.concat(qualified)
    both.apply(join, stateful=True, expand=True).to_topic(topic("BENCH_LEADS"))
    app.run()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
