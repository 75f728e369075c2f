"""A workspace of which much is known: rows of ClickHouse as the sink writes them, made up from a seed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from schemas.ids import customer_id
from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS

PARTNERS: Final = (
    "second-draft-club",
    "lantern-letter",
    "night-train-radio",
    "margin-notes",
    "quiet-keyboard",
    "copper-kettle-show",
    "harbour-and-hum",
    "tin-roof-studio",
)
_CLICKS: Final = (24, 20, 17, 13, 11, 7, 5, 3)
_QUALIFY: Final = (0.56, 0.51, 0.36, 0.6, 0.45, 0.5, 0.4, 0.55)
COUNTRIES: Final = ("US", "DE", "IN", "CA", "FR", "PL", "ES", "GB")
CAMPAIGNS: Final = ("autumn-2026", "newsletter", "")
DEVICES: Final = (
    ("Desktop", "Chrome", "Windows"),
    ("Mobile", "Safari", "iOS"),
    ("Mobile", "Chrome", "Android"),
)
_FIRST: Final = ("Ivory", "Amber", "Azure", "Coral", "Slate", "Teal", "Umber", "Violet", "Olive", "Pearl")
_LAST: Final = ("Lynx", "Heron", "Falcon", "Marten", "Otter", "Plover", "Finch", "Badger", "Crane", "Vole")
QUALIFICATIONS: Final = ("First meeting", "2,000 words", "Team invited")
_WEEKDAYS: Final = (1.06, 1.12, 1.10, 1.05, 0.92, 0.66, 0.70)
_SIGNS_UP: Final = 0.13
_BUYS: Final = 0.34
_REASONS: Final = {
    "click_not_found": 14,
    "no_deferred_lead": 6,
    "outside_attribution_window": 2,
    "click_conflict": 1,
}


@dataclass
class World:
    """Rows by table, each as columns and values."""

    workspace_id: str
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: str, **row: Any) -> None:
        self.tables.setdefault(table, []).append({"workspace_id": self.workspace_id, **row})

    def insert(self, client: Client) -> None:
        """All of it."""
        for table, rows in self.tables.items():
            columns = [*rows[0]]
            client.insert(table, [[row[name] for name in columns] for row in rows], columns)


def version(emitted_ms: int) -> int:
    """Of a record that a broker took at that time."""
    return emitted_ms << 22


def touch(random: Random, at_ms: int, number: int) -> dict[str, Any]:
    """What a click says."""
    [which] = random.choices(range(len(PARTNERS)), _CLICKS)
    partner = PARTNERS[which]
    device, browser, system = random.choices(DEVICES, (5, 3, 2))[0]
    [campaign] = random.choices(CAMPAIGNS, (5, 3, 2))
    return {
        "click_id": f"click-{number:08}",
        "link_id": f"link_{partner}",
        "partner_id": partner,
        "domain": "go.acme.com",
        "key": partner,
        "url": f"https://acme.com/?utm_campaign={campaign}" if campaign else "https://acme.com/",
        "country": random.choices(COUNTRIES, range(len(COUNTRIES), 0, -1))[0],
        "device": device,
        "browser": browser,
        "os": system,
    }


def made(workspace_id: str, now_ms: int, *, per_day: int = 40, days: int = 80, seed: int = 7) -> World:
    """``per_day``: clicks."""
    random, world = Random(seed), World(workspace_id)
    people = _people()
    for number, at_ms in enumerate(_moments(random, now_ms, per_day, days)):
        click = touch(random, at_ms, number)
        world.add("clicks_raw", timestamp=at_ms, version=number, content_hash=0, **click)
        if random.random() < _SIGNS_UP:
            _customer(world, random, now_ms, at_ms, click, next(people))
    for reason, count in _REASONS.items():
        for number in range(count):
            at_ms = now_ms - random.randrange(25 * DAY_MS)
            world.add(
                "unmatched_raw",
                unmatched_id=f"{reason}-{number}",
                reason=reason,
                detail=f"nothing came of click-{number}",
                customer_id=customer_id(world.workspace_id, f"nobody-{number}"),
                customer_external_id=f"nobody-{number}",
                click_id=f"lost-{number}",
                event_name="Sign up",
                timestamp=at_ms,
                event="{}",
                source_topic="deferred-leads",
                version=1,
                position=f"0:{number}",
                reported_at=at_ms + DAY_MS,
            )
    return world


def _moments(random: Random, now_ms: int, per_day: int, days: int) -> Iterator[int]:
    first = now_ms // DAY_MS - days + 1
    for day in range(first, now_ms // DAY_MS + 1):
        growth = 0.75 + 0.4 * (day - first) / days
        count = round(per_day * growth * _WEEKDAYS[(day + 3) % 7] * random.uniform(0.88, 1.12))
        for at_ms in sorted(day * DAY_MS + _time_of_day(random) for _ in range(count)):
            if at_ms < now_ms:
                yield at_ms


def _time_of_day(random: Random) -> int:
    return int(min(23.99, max(0.0, random.gauss(14, 4.5))) * HOUR_MS)


def _people() -> Iterator[tuple[str, str]]:
    number = 0
    while True:
        number += 1
        name = f"{_FIRST[number * 7 % 10]} {_LAST[number * 3 % 10]}"
        yield f"u{number}", name


def _customer(
    world: World, random: Random, now_ms: int, at_ms: int, click: dict[str, Any], person: tuple[str, str]
) -> None:
    signed_ms = at_ms + int(random.lognormvariate(2.6, 1.4) * MINUTE_MS)
    if signed_ms >= now_ms:
        return
    external_id, name = person
    about = {
        **click,
        "customer_id": customer_id(world.workspace_id, external_id),
        "customer_external_id": external_id,
        "customer_name": name,
        "customer_email": f"{external_id}@example.com",
        "customer_first_seen_at": signed_ms,
        "click_timestamp": at_ms,
        "attribution_model": "first-click",
    }
    led_ms = signed_ms + int(random.lognormvariate(1.2, 0.9) * DAY_MS)
    qualifies = random.random() < _QUALIFY[PARTNERS.index(click["partner_id"])] * 1.1 and led_ms < now_ms
    paid = _qualified(world, random, now_ms, (signed_ms, led_ms), about) if qualifies else 0
    world.add(
        "customers_raw",
        status="qualified" if qualifies else "pending",
        deferred_at=signed_ms,
        qualified_at=led_ms if qualifies else None,
        leads=int(qualifies),
        sales=paid,
        touches=touches(click, at_ms, signed_ms),
        version=1,
        is_deleted=0,
        **about,
    )


def touches(click: dict[str, Any], at_ms: int, signed_ms: int) -> list[tuple[object, ...]]:
    """As the sink writes them: of every third customer two, the other one later and of the next partner."""
    own = (click["click_id"], at_ms, signed_ms, click["link_id"], click["partner_id"], "")
    if int(click["click_id"].removeprefix("click-")) % 3:
        return [own]
    other = PARTNERS[(PARTNERS.index(click["partner_id"]) + 1) % len(PARTNERS)]
    return [own, (f"{click['click_id']}-2", at_ms, signed_ms + HOUR_MS, f"link_{other}", other, "")]


def _qualified(
    world: World, random: Random, now_ms: int, moments: tuple[int, int], about: dict[str, Any]
) -> int:
    """How often he has paid."""
    signed_ms, led_ms = moments
    external_id = about["customer_external_id"]
    corrected = random.random() < 0.03
    for revision in range(1, 3 if corrected else 2):
        late = min(now_ms, led_ms + 2 * DAY_MS) if revision > 1 else led_ms + 1000
        world.add(
            "leads_raw",
            lead_id=f"lead-{external_id}",
            revision=revision,
            timestamp=led_ms,
            deferred_at=signed_ms,
            event_name=random.choices(QUALIFICATIONS, (5, 3, 2))[0],
            quantity=1,
            event_id=f"event-{external_id}",
            metadata="",
            version=version(late) + revision,
            **about,
        )
    paid, at_ms = 0, led_ms
    while random.random() < (_BUYS if not paid else 0.6):
        at_ms += int((random.lognormvariate(1.7, 0.7) if not paid else 30) * DAY_MS)
        if at_ms >= now_ms:
            break
        paid += 1
        world.add(
            "sales_raw",
            sale_id=f"sale-{external_id}-{paid}",
            lead_id=f"lead-{external_id}",
            revision=1,
            timestamp=at_ms,
            deferred_at=signed_ms,
            event_name="Purchase" if paid == 1 else "Renewal",
            lead_event_name="First meeting",
            quantity=1,
            amount=random.choices((4900, 9900, 1900), (6, 2, 2))[0],
            currency="usd",
            invoice_id=f"in-{external_id}-{paid}",
            payment_processor="stripe",
            event_id=f"paid-{external_id}-{paid}",
            metadata="",
            version=paid,
            **about,
        )
    return paid
