"""``leadstream worker``, ``sink`` and ``gateway``: the processes of production."""

import asyncio
import os

import click

from processors.cli.loading import load_settings
from processors.files import OTHERS
from processors.garbage import collect_rarely
from processors.observability.logs import bugs_logged, configure_logs


@click.command()
def worker() -> None:
    """Run one worker until SIGTERM or Ctrl-C: it joins clicks, deferred leads and qualifications into leads.

    Run any number of them, each with a LEADSTREAM_DATA_DIR of its own and a LEADSTREAM_INSTANCE_ID that stays
    the same over restarts. State, offsets and results move in one transaction: a worker may be killed at any
    moment.

    \b
    Reads   clicks, deferred-leads, qualifications, purchases, erasures
    Writes  leads, sales, customers, unmatched, dead-letters; LEADSTREAM_DATA_DIR; for itself touches,
            click-erasures and the changelogs
    Example
      LEADSTREAM_KAFKA_BOOTSTRAP=kafka:9092 LEADSTREAM_INSTANCE_ID=worker-1 \\
      LEADSTREAM_DATA_DIR=/var/lib/leadstream/1 leadstream worker

    Exit codes: 0 stopped when asked, 65 stopped by too many dead letters, 69 no broker, 70 start it again,
    73 the data directory is in use, 78 the topics are wrong.
    """
    settings = load_settings()
    os.umask(OTHERS)
    configure_logs(settings, process=settings.instance_id or "worker")
    with bugs_logged():
        collect_rarely()  # what is imported makes no garbage either
        from processors.worker import run_worker

        run_worker(settings)


@click.command()
def sink() -> None:
    """Run one sink until SIGTERM or Ctrl-C: it copies results into ClickHouse.

    Offsets are committed after ClickHouse has acknowledged the rows, and rows collapse by id: nothing is lost
    and nothing appears twice, however often a sink is killed or its topics are read again. Give each sink a
    LEADSTREAM_INSTANCE_ID of its own that stays the same over restarts: it goes on at once after a crash.

    \b
    Reads   clicks, leads, sales, customers, unmatched, dead-letters, rewards, reward-refusals
    Writes  the tables at LEADSTREAM_CLICKHOUSE_URL
    Example
      LEADSTREAM_KAFKA_BOOTSTRAP=kafka:9092 LEADSTREAM_INSTANCE_ID=sink-1 \\
      LEADSTREAM_CLICKHOUSE_URL=http://user:password@clickhouse:8123/leadstream leadstream sink

    Exit codes: 0 stopped when asked, 69 no broker or no ClickHouse, 70 start it again,
    78 run `leadstream migrate`.
    """
    settings = load_settings()
    configure_logs(settings, process=settings.instance_id or "sink")
    with bugs_logged():
        collect_rarely()
        from processors.sink import run_sink

        asyncio.run(run_sink(settings))


@click.command()
def gateway() -> None:
    """Run one gateway until SIGTERM or Ctrl-C: it answers SDKs and browsers, and serves short links.

    A call that is answered with 200 is in Kafka; one that could not be written is answered with 503, and may
    be sent again. What a gateway holds it has from Kafka and ClickHouse: run any number of them behind any
    load balancer, start and stop them at will.

    \b
    Reads   workspaces, links, clicks, deferred-leads, qualifications, purchases, customers, leads; ClickHouse
    Writes  clicks, deferred-leads, qualifications, purchases, erasures; links, workspaces
    Example
      LEADSTREAM_KAFKA_BOOTSTRAP=kafka:9092 LEADSTREAM_GATEWAY_HOST=0.0.0.0 LEADSTREAM_GATEWAY_PORT=8787 \\
      LEADSTREAM_CLICKHOUSE_URL=http://user:password@clickhouse:8123/leadstream \\
      LEADSTREAM_GATEWAY_PUBLIC_URL=https://api.example.com leadstream gateway

    `leadstream workspace create ID --domain go.example.com` makes the keys that let callers in; a host name
    that is no such domain is the API's, which /docs describes.

    Exit codes: 0 stopped when asked, 69 no broker, 70 start it again, 78 the port is taken, or the topics are
    wrong.
    """
    settings = load_settings()
    configure_logs(settings, process=settings.instance_id or "gateway")
    with bugs_logged():
        collect_rarely()
        import uvloop

        from processors.gateway.run import run_gateway

        uvloop.run(run_gateway(settings))
