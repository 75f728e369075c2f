"""What is missing is fetched: a partition from its beginning when it starts, and again behind every gap."""

import asyncio
import logging
from collections.abc import Set

from aiokafka.structs import TopicPartition

from processors.engine.errors import Superseded
from processors.engine.group import ASK_AGAIN, Group
from processors.engine.intake import Intake
from processors.engine.stats import Stats

log = logging.getLogger(__name__)

_RETRY_S = 0.5


async def fetch_missing(group: Group, intake: Intake, stats: Stats) -> None:
    """For as long as the process lives. What fails is tried again: nothing else may come to remind us."""
    while True:
        missing = await intake.missing()
        if not group.flowing:
            continue  # forgotten in a moment, with all that is expected
        try:
            await _fetch(missing, group, intake, stats)
        except (Superseded, *ASK_AGAIN) as exc:
            if not group.stopping:
                stats.retry(type(exc).__name__)
                log.warning("not fetched from where it has to be", extra={"error": repr(exc)})
            intake.still_missing(missing)
            await asyncio.sleep(_RETRY_S)


async def _fetch(tps: Set[TopicPartition], group: Group, intake: Intake, stats: Stats) -> None:
    """From the expected offset, or from the beginning if retention has overtaken us."""
    begins = await group.beginnings(tps)
    offsets: dict[TopicPartition, int] = {}
    for tp in tps:
        wanted = intake.wanted(tp)
        if wanted is None:
            continue
        if begins[tp] > wanted:
            lost = begins[tp] - wanted
            stats.retention_gaps += lost
            log.error(
                "retention removed offsets before they were read",
                extra={"topic": tp.topic, "partition": tp.partition, "offsets": lost},
            )
        offsets[tp] = max(wanted, begins[tp])
    intake.expect(offsets)
    if offsets:
        await group.go_on_at(offsets)
