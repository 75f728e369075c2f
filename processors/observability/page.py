"""``python -m processors.observability.page`` prints ``docs/metrics.md``."""

import sys
from typing import Final

from processors.observability.health import SILENCE_S
from processors.observability.metrics import ALL, Metric

_HEAD: Final = f"""# Metrics

With `LEADSTREAM_METRICS_PORT` set, a worker, a sink, a gateway or `leadstream rewards run` answers over HTTP
on every IPv4 address of the machine, or on that of `LEADSTREAM_METRICS_HOST`, without a password: keep the
port from the outside. Each process needs a port of its own; `leadstream up` gives its children free ones on
127.0.0.1, which are in `running.json` of its data directory. Answers come from threads of their own, also
while the process is busy or waits.

- `/metrics`: the metrics below, in Prometheus' format, or in OpenMetrics for who asks for it.
- `/readyz`: 200 when partitions are assigned and, in a worker and in `rewards run`, their tables are
  restored; in a sink, ClickHouse was seen to have its tables; in a gateway, when it has read the registries
  and listens. Else 503 and why.
- `/healthz`: 503 and why, when a restart would help: a loop of the process has not turned for
  {SILENCE_S:.0f} s. The stack of every thread is then in the log. Else 200, also while Kafka or ClickHouse is
  away.

[operations.md](operations.md#watching-it) says what to alert on. Counters begin at 0 with the process; a
histogram has `_bucket`, `_sum` and `_count`. Labels have few values, none of which comes from an event. What
is not known yet is not there. How many customers are pending, ClickHouse knows:
`SELECT count() FROM customers WHERE status = 'pending'`.
"""  # noqa: S608 - nobody runs it here
_TABLE: Final = "| metric | kind | unit | labels | meaning |\n|---|---|---|---|---|\n"


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind} | {metric.unit} | {labels} | {metric.meaning} |\n"


def page() -> str:
    """``docs/metrics.md``."""
    parts = [_HEAD]
    for title, metrics in ALL.items():
        parts += [f"\n## {title}\n\n", _TABLE, *map(_row, metrics)]
    return "".join(parts)


if __name__ == "__main__":
    sys.stdout.write(page())
