"""ClickHouse, as a gateway asks it."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from processors.gateway.asking import Stored
from processors.settings import Settings


@asynccontextmanager
async def stored(url: str) -> AsyncIterator[Stored]:
    """``url``: of a database."""
    async with aclosing(Stored(Settings.model_validate({"clickhouse_url": url}))) as found:
        yield found
