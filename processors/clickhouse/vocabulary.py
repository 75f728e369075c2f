"""What can be named in a query: the views, their columns, the parameters of those that take some."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from clickhouse_connect.driver.client import Client

from processors.clickhouse.migrations import ANALYTICS, VIEWS, views
from processors.clickhouse.queries import rows

KEYWORDS: Final[Sequence[str]] = re.findall(
    r"\w+",
    """
    SELECT FROM WHERE PREWHERE GROUP BY HAVING ORDER LIMIT OFFSET WITH AS AND OR NOT IN LIKE ILIKE BETWEEN
    IS NULL DISTINCT CASE WHEN THEN ELSE END JOIN LEFT INNER FULL ANY ALL ON USING ARRAY UNION EXCEPT
    INTERSECT ASC DESC INTERVAL FORMAT SETTINGS FINAL EXPLAIN DESCRIBE SHOW TABLES OVER PARTITION QUALIFY
    """,
)
FUNCTIONS: Final[Sequence[str]] = re.findall(
    r"\w+",
    """
    count sum avg min max uniq uniqExact quantile countIf sumIf argMin argMax any groupArray arrayJoin
    toDate toDateTime toStartOfHour toStartOfDay toStartOfWeek toStartOfMonth dateDiff now today toInt128
    toString round JSONExtractString JSONExtractInt mapKeys mapValues
    """,
)
_PARAMETER: Final = re.compile(r"\{(\w+):\w+\}")
_ALWAYS: Final = {"granularity": "'day'", "timezone": "'UTC'"}


@dataclass(frozen=True)
class Vocabulary:
    """``columns``: by view, in their order; none of views whose columns are not known."""

    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def columns_for(self, sql: str) -> list[str]:
        """Of the views that ``sql`` names; of all of them, if it names none."""
        named = [one for one in self.columns if re.search(rf"\b{one}\b", sql)]
        return [*dict.fromkeys(name for one in named or self.columns for name in self.columns[one])]


def read_vocabulary(client: Client) -> Vocabulary:
    """Of the database of ``client``. Raises ``ClickHouseError``."""
    sql = """
        SELECT table, name FROM system.columns
        WHERE database = currentDatabase() AND table IN {tables:Array(String)} ORDER BY table, position
    """
    columns: dict[str, list[str]] = {}
    for row in rows(client, sql, {"tables": [*VIEWS, *ANALYTICS]}):
        columns.setdefault(row["table"], []).append(row["name"])
    return Vocabulary(columns)


def called(view: str) -> str:
    """How a view that takes parameters is called, with all of them, in the order of the documentation."""
    sql = next(one.text for one in views() if one.name == view)
    order = ("workspace", "program", "partner", "month", "start", "end", "granularity", "timezone")
    names = sorted(set(_PARAMETER.findall(sql)), key=order.index)
    return f"{view}({', '.join(f'{name} = ' + _ALWAYS.get(name, repr('')) for name in names)})"
