"""What is asked: every view of a time, and what a dashboard groups by."""

from dataclasses import dataclass
from typing import Final

from bench.analytics.traffic import LARGEST, SMALLER
from processors.clickhouse.migrations import ANALYTICS

BEGIN, END = "2026-08-03", "2026-11-01"
_OF_REWARDS: Final = ("partner_earnings", "reward_statement")
"""The traffic earns none."""
_WITHIN: Final = f"workspace_id = '{LARGEST}' AND timestamp >= '{BEGIN}' AND timestamp < '{END}'"


@dataclass(frozen=True)
class Question:
    """``sql``, as it is sent."""

    name: str
    sql: str


def _view(name: str) -> Question:
    granularity = ", granularity = 'day'" if name == "timeseries" else ""
    window = f"workspace = '{LARGEST}', start = '{BEGIN}', end = '{END}', timezone = 'Europe/Berlin'"
    return Question(name, f"SELECT * FROM {name}({window}{granularity})")  # noqa: S608 - names of our own


def _of(view: str, what: str) -> str:
    return f"SELECT {what} FROM {view} WHERE {_WITHIN}"  # noqa: S608 - names of our own


def _grouped(view: str, column: str) -> Question:
    return Question(
        f"{view} by {column}",
        f"{_of(view, f'{column}, count() AS n')} GROUP BY {column} ORDER BY n DESC LIMIT 100",
    )


GROUPED: Final = (
    *(
        _grouped("clicks", one)
        for one in ("link_id", "partner_id", "country", "device", "browser", "referer")
    ),
    _grouped("leads", "link_id"),
    _grouped("sales", "link_id"),
)
"""As many as a page shows at once."""
QUESTIONS: Final = (
    Question("count of clicks", _of("clicks", "count()")),
    *GROUPED,
    Question("newest 100 clicks", f"{_of('clicks', '*')} ORDER BY timestamp DESC LIMIT 100"),
    Question("newest 100 leads", f"{_of('leads', '*')} ORDER BY timestamp DESC LIMIT 100"),
    *(_view(one) for one in ANALYTICS if one not in _OF_REWARDS),
)
HEAVIEST: Final = next(one for one in QUESTIONS if one.name == "timeseries")
SMALL: Final = Question(
    "newest 100 leads",
    f"SELECT * FROM leads WHERE workspace_id = '{SMALLER}' ORDER BY timestamp DESC LIMIT 100",  # noqa: S608
)
