# ruff: noqa: SLF001 - overrides of aiokafka's connecting; the names are listed in engine/kafka/private.py
"""Connecting in bounded time.

aiokafka asks one address after the other and gives each as long as a request may take, so that a single
silent one holds up a start for most of a minute; on closing a TLS connection it waits for the other side's
good-bye, for which uvloop allows 30 s; and its admin client fails at the first broker that cannot be reached,
or while the cluster names none. :func:`bound` changes all that, for every client of this process.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.conn import AIOKafkaConnection, CloseReason, create_conn
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.util import create_task

from processors.kafka.connection.failures import KafkaRefused, NoBroker, reason, refusal_of

CONNECT_S: Final = 5.0
"""For name, TCP, TLS and SASL of one address together."""

_connect_as_aiokafka_does = AIOKafkaConnection.connect
_close_as_aiokafka_does = AIOKafkaConnection.close


def bound() -> None:
    """For every client of this process that is still to connect. Idempotent."""
    AIOKafkaConnection.connect = _connect
    AIOKafkaConnection.close = _close
    AIOKafkaClient.bootstrap = _bootstrap
    AIOKafkaAdminClient._send_request = _send_request


async def _connect(connection: Any) -> Any:
    async with asyncio.timeout(CONNECT_S):
        return await _connect_as_aiokafka_does(connection)


def _close(connection: Any, reason: CloseReason | None = None, exc: BaseException | None = None) -> Any:
    """Whatever was worth an answer has been answered, and Kafka does not care for the good-bye."""
    writer = connection._writer
    if writer is not None and writer.get_extra_info("ssl_object") is not None:
        writer.transport.abort()
    return _close_as_aiokafka_does(connection, reason=reason, exc=exc)


async def _send_request(admin: Any, request: Any, node_id: int | None = None) -> Any:
    """Once a broker can be reached, ``node_id`` or any: raises ``TimeoutError`` after a request's time.

    One that has just started, or that stood still, is named by nobody until its cluster lets it in again;
    one that has just gone is named for some seconds more.
    """
    client = admin._client
    async with asyncio.timeout(client._request_timeout_ms / 1000):
        while True:
            node = client.get_random_node() if node_id is None else node_id
            if node is not None and await client.ready(node):
                break
            await client.force_metadata_update()
            await asyncio.sleep(client._retry_backoff)
    return await client.send(node, request)


async def _bootstrap(client: Any) -> None:
    """Learn the cluster from whichever address answers first. Raises ``NoBroker`` or ``KafkaRefused``."""
    connection, metadata = await _first(client)
    client.cluster.update_metadata(metadata)
    if client.cluster.brokers():
        connection.close()
    else:
        # As aiokafka does: a cluster without topics may name no broker. It is asked again on this one.
        client._conns["bootstrap", ConnectionGroup.DEFAULT] = connection
    if client._sync_task is None:
        client._sync_task = create_task(client._md_synchronizer())


async def _first(client: Any) -> tuple[AIOKafkaConnection, Any]:
    """Every address is asked at the same time. The connection that answered, and what it said."""
    failed: dict[str, Exception] = {}
    tries = [asyncio.ensure_future(_ask(client, host, port, failed)) for host, port, _family in client.hosts]
    first = None
    try:
        for answer in asyncio.as_completed(tries):
            if first := await answer:
                return first
        raise _told(failed)
    finally:
        for one in tries:
            one.cancel()
        for late in await asyncio.gather(*tries, return_exceptions=True):
            if isinstance(late, tuple) and late is not first:
                late[0].close()


async def _ask(
    client: Any, host: str, port: int, failed: dict[str, Exception]
) -> tuple[AIOKafkaConnection, Any] | None:
    """None: it ``failed``, by its address."""
    try:
        async with asyncio.timeout(CONNECT_S):
            connection = await create_conn(host, port, **_arguments(client))
            try:
                return connection, await connection.send(MetadataRequest([]))
            except BaseException:
                connection.close()
                raise
    except (OSError, EOFError, KafkaError) as error:
        failed[f"{host}:{port}"] = error
        return None


def _arguments(client: Any) -> dict[str, Any]:
    return {
        "client_id": client._client_id,
        "request_timeout_ms": client._request_timeout_ms,
        "security_protocol": client._security_protocol,
        "ssl_context": client._ssl_context,
        "max_idle_ms": client._connections_max_idle_ms,
        "sasl_mechanism": client._sasl_mechanism,
        "sasl_plain_username": client._sasl_plain_username,
        "sasl_plain_password": client._sasl_plain_password,
    }


def _told(failed: Mapping[str, Exception]) -> NoBroker | KafkaRefused:
    """A refusal rather than silence: it is what somebody has to mend."""
    for address, error in failed.items():
        if refusal := refusal_of(error, address):
            return refusal
    tried = ", ".join(f"{address} ({reason(error)})" for address, error in failed.items())
    return NoBroker(f"no Kafka broker answers at {tried}")
