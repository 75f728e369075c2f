"""What has happened, as rows that a sink writes and as a plain list of what is left of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import orjson

from processors.gateway.analytics.periods import Period
from schemas.ids import customer_id
from tests.clickhouse.database import Database

NAMES: Final = ("DE", "AT", "US", "a,b", "-x", "'); DROP", "")
COLUMNS: Final = {
    "clicks": ("workspace_id", "click_id", "timestamp", "version"),
    "leads": ("workspace_id", "lead_id", "timestamp", "version", "quantity", "event_name", "metadata"),
    "sales": (
        *("workspace_id", "sale_id", "timestamp", "version", "event_name", "metadata"),
        *("amount", "currency"),
    ),
}
IDS: Final = {"clicks": "click_id", "leads": "lead_id", "sales": "sale_id"}
SHARED: Final = (
    *("link_id", "link_external_id", "domain", "key", "partner_id", "country", "device", "continent"),
    *("trigger", "url", "referer"),
)
PERSON: Final = ("customer_id", "customer_external_id", "click_id", "revision")


@dataclass
class History:
    """Rows by their kind; of those with one id the one of the highest version counts."""

    random: Random
    now: datetime
    days: int
    rows: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"clicks": [], "leads": [], "sales": []}
    )
    erased: set[str] = field(default_factory=set)

    def fill(self, most: int) -> None:
        """With replays, revisions, and people who were erased; in two workspaces with the same ids."""
        for workspace in ("acme", "other"):
            for kind, rows in self.rows.items():
                for number in range(self.random.randrange(most)):
                    row = self._row(kind, workspace, number)
                    rows += [row] * self.random.choice((1, 1, 2))
                    if kind != "clicks" and self.random.random() < 0.2:
                        rows.append({**self._row(kind, workspace, number), "version": 2, "revision": 2})
            self.erased.add(customer_id(workspace, f"u{self.random.randrange(9)}"))

    def write(self, database: Database) -> None:
        """In any order."""
        for kind, rows in self.rows.items():
            columns = [*COLUMNS[kind], *SHARED, *(PERSON if kind != "clicks" else ())]
            shuffled = self.random.sample(rows, len(rows))
            values = [[row[name] for name in columns] for row in shuffled]
            if values:
                database.client.insert(f"{kind}_raw", values, columns)
        database.client.insert("erased_raw", [[one, 1] for one in self.erased], ["customer_id", "version"])

    def left(self, kind: str, workspace: str = "acme") -> Sequence[Mapping[str, Any]]:
        """What counts."""
        newest: dict[str, dict[str, Any]] = {}
        for row in self.rows[kind]:
            if row["workspace_id"] == workspace:
                old = newest.get(row[IDS[kind]])
                if old is None or row["version"] >= old["version"]:
                    newest[row[IDS[kind]]] = row
        # A click names nobody.
        return [row for row in newest.values() if kind == "clicks" or row["customer_id"] not in self.erased]

    def _row(self, kind: str, workspace: str, number: int) -> dict[str, Any]:
        pick, person = self.random.choice, f"u{self.random.randrange(9)}"
        link = self.random.randrange(4)
        at = self.now - timedelta(milliseconds=self.random.randrange(self.days * 86_400_000))
        query = pick(("", "?utm_source=a%20b", "?utm_source=x&utm_campaign=y"))
        return {
            "workspace_id": workspace,
            IDS[kind]: f"{kind}{number}",
            "timestamp": at,
            "version": 1,
            "revision": 1,
            "quantity": self.random.randint(1, 3),
            "event_name": pick(("Sign up", "Meeting")),
            "metadata": pick(("", '{"plan":"pro","seats":3}', '{"plan":"free","seats":12}')),
            "amount": self.random.randrange(10_000),
            "currency": pick(("usd", "usd", "eur")),
            "link_id": f"link_{link}" if link else "",
            "link_external_id": ("", "own1", "ext_2", "")[link],
            "domain": "go.example" if link else "",
            "key": pick(("_root", "k")) if link else "",
            "partner_id": pick(("", "p1", "p2")),
            "country": pick(NAMES),
            "device": pick(("Desktop", "Mobile")),
            "continent": pick(("EU", "NA", "")),
            "trigger": pick(("link", "qr")),
            "url": f"https://example.com/{query}",
            "referer": pick(("", "news.example")),
            "customer_id": customer_id(workspace, person),
            "customer_external_id": person,
            "click_id": f"clicks{self.random.randrange(20)}" if kind != "clicks" else f"{kind}{number}",
        }


Test = Callable[[str, Mapping[str, Any]], bool]


def counted(history: History, kind: str, period: Period, test: Test) -> Iterator[Mapping[str, Any]]:
    """Rows of a period."""
    for row in history.left(kind):
        at_ms = int(row["timestamp"].timestamp() * 1000)
        if period.span.start_ms <= at_ms < period.span.end_ms and test(kind, row):
            yield row


def leads_of(rows: Sequence[Mapping[str, Any]]) -> int:
    return sum(row["quantity"] for row in rows)


def has_plan(row: Mapping[str, Any], plan: str) -> bool:
    return bool(row["metadata"]) and orjson.loads(row["metadata"])["plan"] == plan


def seats(row: Mapping[str, Any]) -> int:
    return int(orjson.loads(row["metadata"])["seats"]) if row["metadata"] else -1


def utm(row: Mapping[str, Any], name: str) -> str:
    url: str = row["url"]
    return parse_qs(urlsplit(url).query).get(name, [""])[0]
