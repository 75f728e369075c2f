"""States as releases wrote them, which every later release has to read.

``python -m tests.attribution.golden_states`` writes the files that are missing, and never changes one: a
release has stored states like these. A field that is appended, or a new version of the codec, adds a
directory beside the others.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from processors.attribution.bounds import Bounds
from tests.attribution.builders import T0, click, deferred, erasure, lead, policy, purchase
from tests.model.simulate import Network, Record

DIRECTORY: Final = Path(__file__).parent / "golden"
VERSION: Final = "v3"


class Interrupted(NamedTuple):
    """A story that was interrupted by an upgrade: what came before it, and what comes after."""

    before: list[Record]
    after: list[Record]
    bounds: Bounds = Bounds()

    def begin(self) -> Network:
        """With nothing in it yet."""
        return Network(replace(policy(), bounds=self.bounds), T0)


CLICK_FIELDS: Final = (
    *("linkId", "domain", "key", "url", "partnerId", "programId", "tenantId", "linkExternalId"),
    *("continent", "country", "region", "city", "device", "browser", "os", "referer", "refererUrl"),
)

STORIES: Final = {
    # Everything that can wait waits, in both joins.
    "waiting": Interrupted(
        [
            purchase(80, invoiceId="i1", metadata={"seats": 2}),
            lead(70, eventQuantity=2, metadata={"plan": "pro"}, customerName="Ann"),
            deferred("c1", 10, customerEmail="ann@example.com"),
        ],
        [click("c1", 0, country="DE", qr=True)],
    ),
    # A touch, and nothing else.
    "pending": Interrupted([click("c1", 0, linkId="l1"), deferred("c1", 10)], [lead(70)]),
    # A lead and a sale were emitted; an earlier touch changes both.
    "qualified": Interrupted(
        [
            click("c2", 0),
            deferred("c2", 20),
            lead(70, eventId="e1"),
            purchase(80),
            purchase(90, eventId="e2"),
        ],
        [click("c1", 0, partnerId="p1"), deferred("c1", 10)],
    ),
    # The click join knows whom to tell when an earlier click turns up.
    "contested": Interrupted([click("c1", 5), deferred("c1", 10), lead(70)], [click("c1", 0, city="Ulm")]),
    # A bot used the clickId, which was reported once.
    "bot": Interrupted([click("c1", 0, bot=True), deferred("c1", 10)], [click("c1", 5), lead(70)]),
    # A request that makes no touch was reported, and still waits for an event that does.
    "reported": Interrupted([click("c1", 0), lead(110, click_id="c1")], [deferred("c1", 100)]),
    # Whatever can be known of a click and of a customer, and a click that makes no touch.
    "everything": Interrupted(
        [
            click("c1", 0, **{name: f"its {name}" for name in CLICK_FIELDS}, trigger="qr", qr=True),
            click("c2", 0, trackConversion=False),
            deferred("c1", 10, customerName="Ann", customerEmail="ann@example.com", customerAvatar="a.png"),
            deferred("c2", 20),
        ],
        [lead(70), purchase(80)],
    ),
    # More sales than are remembered in full, and more than are remembered at all.
    "old sales": Interrupted(
        [
            click("c1", 0),
            lead(10, click_id="c1"),
            *(purchase(at, invoiceId=f"i{at}") for at in (20, 30, 40, 50)),
        ],
        [purchase(20, invoiceId="i20"), purchase(30, invoiceId="i30"), purchase(60, invoiceId="i60")],
        Bounds(purchases=1, revisions=1, old_sales=1),
    ),
    # Nothing of this customer may ever come back.
    "erased": Interrupted([click("c1", 0), deferred("c1", 10), erasure()], [lead(70)]),
}


def restored(name: str, version: str) -> Network:
    """The network as it stood when the story was interrupted."""
    system = STORIES[name].begin()
    tables = {"click": system.clicks, "customer": system.customers}
    for line in (DIRECTORY / version / f"{name}.hex").read_text().splitlines():
        table, key, raw = line.split()
        tables[table][key.encode()] = bytes.fromhex(raw)
    return system


def lines(system: Network) -> Iterator[str]:
    """Every stored state: table, key, value in hex."""
    for table, states in (("click", system.clicks), ("customer", system.customers)):
        for key, raw in sorted(states.items()):
            yield f"{table} {key.decode()} {raw.hex()}\n"


def main() -> None:
    """Write the files that are missing."""
    for name, story in STORIES.items():
        path = DIRECTORY / VERSION / f"{name}.hex"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            system = story.begin()
            system.run(story.before)
            path.write_text("".join(lines(system)))


if __name__ == "__main__":
    main()
