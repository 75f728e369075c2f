"""W1 on stock Faust."""

import sys
from collections.abc import AsyncIterator
from typing import Any

from bench.peers import w1join
from bench.peers.stock_faust.settings import ENV, PARTITIONS, create_app

app = create_app()
deferred = app.topic(ENV["BENCH_DEFERRED"], key_type=bytes, value_type=bytes)
qualified = app.topic(ENV["BENCH_QUALIFIED"], key_type=bytes, value_type=bytes)
leads = app.topic(ENV["BENCH_LEADS"], key_type=bytes, value_type=bytes)
customers = app.Table(
    "customers",
    partitions=PARTITIONS,
    key_type=bytes,
    value_type=bytes,
    options={"block_cache_size": 32 << 20, "write_buffer_size": 8 << 20},
)


async def _apply(event: Any, is_deferred: bool) -> None:
    state, lead = w1join.apply(customers.get(event.key), is_deferred, event.value)
    if state is not None:
        customers[event.key] = state
    if lead is not None:
        await leads.send(key=event.key, value=lead)


@app.agent(deferred)  # type: ignore[untyped-decorator]
async def on_deferred(stream: Any) -> AsyncIterator[None]:
    async for event in stream.events():
        await _apply(event, True)
        yield


@app.agent(qualified)  # type: ignore[untyped-decorator]
async def on_qualified(stream: Any) -> AsyncIterator[None]:
    async for event in stream.events():
        await _apply(event, False)
        yield


if __name__ == "__main__":
    sys.argv[1:] = ["--loop", "uvloop", "worker", "--loglevel", "warn", "--without-web"]
    app.main()
