"""How much a contestant does with a second, and with a second of CPU."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.broker import Broker
from bench.contestants import Contestant
from bench.site import Site
from bench.verdict import Verdict, judge
from bench.watch import Sample, Watch
from bench.workloads import LEADS, Workload

OUTPUT: Final = {"cleanup.policy": "delete", "max.message.bytes": str(8 << 20)}
"""Configs of the topic of leads."""


@dataclass(frozen=True)
class Throughput:
    """One run.

    *steady*: from the first sign of progress, offsets committed or leads in the log, to the last lead that a
    reader sees. *total*: from exec. CPU is user and system time of the contestant's processes.
    """

    steady_cpu_us: float
    total_cpu_us: float
    steady_events_per_s: float
    total_events_per_s: float
    first_lead_s: float
    peak_rss_bytes: int
    verdict: Verdict


async def throughput(broker: Broker, site: Site, contestant: Contestant, workload: Workload) -> Throughput:
    """Inputs are loaded already. Raises ``ContestantDied``."""
    launch = contestant.workloads[workload.name](site)
    expected = workload.leads()
    await broker.create({site.names[LEADS]: OUTPUT, **launch.topics})
    async with Watch(broker, site, launch) as watch:
        samples = await watch.until(workload.events, len(expected))
        peak = watch.peak_rss_bytes()
        await watch.stop()
    values = [record.value for record in await broker.records(site.names[LEADS])]
    return _figures(samples, workload.events, peak, judge(expected, workload.found(values)))


def _figures(samples: Sequence[Sample], events: int, peak: int, verdict: Verdict) -> Throughput:
    last = samples[-1]
    first_lead = next((one for one in samples if one.seen), last)
    first = next((one for one in samples if one.committed or one.written), last)
    # Most contestants commit once a second: before that the share of the leads tells how far they are.
    done = first.committed or events * first.written / max(1, last.written)
    left = max(1, events - done)
    return Throughput(
        steady_cpu_us=(last.cpu_s - first.cpu_s) / left * 1e6,
        total_cpu_us=last.cpu_s / events * 1e6,
        steady_events_per_s=left / max(1e-9, last.at_s - first.at_s),
        total_events_per_s=events / max(1e-9, last.at_s),
        first_lead_s=first_lead.at_s,
        peak_rss_bytes=peak,
        verdict=verdict,
    )
