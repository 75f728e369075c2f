"""W2's core on stock Faust: two tables, and a topic of touches in between. Tuned as for W1."""

import sys
from collections.abc import AsyncIterator
from typing import Any

from bench.peers import w2join
from bench.peers.stock_faust.settings import ENV, PARTITIONS, create_app

app = create_app()


def _topic(name: str) -> Any:
    return app.topic(ENV[name], key_type=bytes, value_type=bytes)


def _table(name: str) -> Any:
    return app.Table(
        name,
        partitions=PARTITIONS,
        key_type=bytes,
        value_type=bytes,
        options={"block_cache_size": 32 << 20, "write_buffer_size": 8 << 20},
    )


touches, leads = _topic("BENCH_TOUCHES"), _topic("BENCH_LEADS")
clicks, customers = _table("clicks"), _table("customers")


async def _at_click(event: Any, apply: Any) -> None:
    state, made = apply(clicks.get(event.key), event.value)
    if state is not None:
        clicks[event.key] = state
    for key, touch in made:
        await touches.send(key=key, value=touch)


async def _at_customer(event: Any, apply: Any) -> None:
    state, made = apply(customers.get(event.key), event.value)
    if state is not None:
        customers[event.key] = state
    for lead in made:
        await leads.send(key=event.key, value=lead)


@app.agent(_topic("BENCH_CLICKS"))  # type: ignore[untyped-decorator]
async def on_click(stream: Any) -> AsyncIterator[None]:
    async for event in stream.events():
        await _at_click(event, w2join.on_click)
        yield


@app.agent(_topic("BENCH_DEFERRED_LEADS"))  # type: ignore[untyped-decorator]
async def on_signed_up(stream: Any) -> AsyncIterator[None]:
    async for event in stream.events():
        await _at_click(event, w2join.on_signed_up)
        yield


@app.agent(touches)  # type: ignore[untyped-decorator]
async def on_touch(stream: Any) -> AsyncIterator[None]:
    async for event in stream.events():
        await _at_customer(event, w2join.on_touch)
        yield


@app.agent(_topic("BENCH_QUALIFICATIONS"))  # type: ignore[untyped-decorator]
async def on_qualified(stream: Any) -> AsyncIterator[None]:
    async for event in stream.events():
        await _at_customer(event, w2join.on_qualified)
        yield


if __name__ == "__main__":
    sys.argv[1:] = ["--loop", "uvloop", "worker", "--loglevel", "warn", "--without-web"]
    app.main()
