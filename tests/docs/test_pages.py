"""Every page, pasted block by block into a shell beside `make run`, does what it says.

In the order of this file: who reads another page has read the README, and sent its events.
"""

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest

from processors.kafka.placement import partition_for
from tests.docs import shapes
from tests.docs.blocks import BLOCKS, README, ROOT, Block, blocks
from tests.docs.site import Reader, Site, made, path_of
from tests.integration.stack import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

PARTITIONS = 8
PRODUCING, CONSUMING, OPERATIONS = "docs/producing.md", "docs/consuming.md", "docs/operations.md"
OTHERS = sorted({block.page for block in BLOCKS if block.is_run} - {README, PRODUCING, CONSUMING})
SENT = {
    "clicks": ("click", "acme:s1"),
    "deferred-leads": ("deferred-lead", "acme:s1"),
    "qualifications": ("qualification", "acme:ann"),
    "purchases": ("purchase", "acme:ann"),
}
"""Sample and key, by topic."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Shared, and used by one page after the other."""
    with made(tmp_path_factory.mktemp("pages")) as site:
        yield site


def read(site: Site, page: str) -> Reader:
    """All of a page that can be run to its end; what it shows as output is held against that."""
    reader = Reader(site, path_of(site))
    for block in blocks(page):
        paste(reader, block)
    return reader


def paste(reader: Reader, block: Block) -> None:
    if block.is_run:
        reader.run(block)
    elif block.before == "sh":
        check_output(reader, block)


def check_output(reader: Reader, block: Block) -> None:
    if block.language == "json":
        real = shapes.documents(reader.printed)
        shown = json.loads(block.text)
        found = [shapes.missing(shown, one) for one in real]
        assert [] in found, f"{block.where}: {found or reader.printed}"
    elif block.language == "text":
        real_lines = shapes.lines(reader.printed)
        assert [line for line in shapes.lines(block.text) if line not in real_lines] == [], reader.printed


def test_the_readme(site: Site) -> None:
    """Also: what it says of the path is what makes ``leadstream`` a command."""
    first, seen, *rest = blocks(README)
    assert first.text.startswith("make run ")
    same = [line for line in shapes.lines(seen.text) if "0" not in line and "…" not in line]
    assert len(same) > 5

    def lacking() -> list[str]:
        real = shapes.lines(site.output)
        return [line for line in same if line not in real]

    wait_for(lambda: lacking() == [], 60, lambda: f"{lacking()}\n{site.output}")

    reader = Reader(site, site.env["PATH"])
    for block in rest:
        paste(reader, block)

    of_hers = "SELECT count() FROM leads WHERE workspace_id = 'acme' AND customer_external_id = 'u1'"
    wait_for(lambda: site.rows(of_hers) == [(1,)], 60, lambda: "its events made no lead")


def test_producing(site: Site) -> None:
    """Every client puts every event under its key, and where Java's client would put it."""
    read(site, PRODUCING)
    clients = sum("qualifications" in block.text for block in blocks(PRODUCING)) + 1  # leadstream send
    assert clients == 6
    for topic, (sample, key) in SENT.items():
        event = json.loads((ROOT / "docs" / "samples" / f"{sample}.json").read_text())
        found = [place for *place, value in records(site, topic) if json.loads(value) == event]
        assert found == [[str(partition_for(key.encode(), PARTITIONS)), key]] * clients, topic

    def of_the_seller() -> list[tuple[object, ...]]:
        where = "WHERE workspace_id = 'seller' AND customer_external_id = 'ann'"
        leads = site.rows(f"SELECT partner_id, event_name FROM leads {where}")
        return leads + site.rows(f"SELECT amount, currency FROM sales {where}")

    expected = [("pn_1", "First Meeting"), (4900, "usd")]
    wait_for(lambda: of_the_seller() == expected, 60, lambda: str(of_the_seller()))


def records(site: Site, topic: str) -> list[list[str]]:
    """Partition, key and value of each that has a value."""
    command = [
        "kcat",
        "-b",
        site.kafka,
        "-C",
        "-t",
        topic,
        "-o",
        "beginning",
        "-e",
        "-q",
        "-f",
        "%p\\t%k\\t%s\\n",
    ]
    run = subprocess.run(command, capture_output=True, timeout=120, check=True)
    rows = [line.split("\t", 2) for line in run.stdout.decode(errors="replace").splitlines()]
    return [row for row in rows if len(row) == 3 and row[2].startswith("{") and row[2].endswith("}")]


def test_consuming(site: Site) -> None:
    """Each client ends with the table that ClickHouse has; whoever waits for a day pays each lead once."""
    reader = Reader(site, path_of(site))
    for block in blocks(CONSUMING):
        if block.for_ever:
            with closing(table(site)) as db:
                db.execute("DELETE FROM leads")
            reader.run_until(block, lambda: stored(site) == expected(site), lambda: differing(site))
        else:
            paste(reader, block)
            if block.language == "sh":
                newest = {one["leadId"]: one["revision"] for one in shapes.documents(reader.printed)}
                assert newest == expected(site)
    assert reader.printed == "", "nothing is old enough"
    with closing(table(site)) as db:
        db.execute("UPDATE leads SET since_ms = 0")
        owed = db.execute("SELECT count(*) FROM leads WHERE partner_id IS NOT NULL").fetchone()[0]
    pay = blocks(CONSUMING)[-1]
    reader.run(pay)
    assert reader.printed.count(" is owed for ld_") == owed > 0
    reader.run(pay)
    assert reader.printed == ""


def table(site: Site) -> sqlite3.Connection:
    return sqlite3.connect(site.tree / "leads.db", isolation_level=None, timeout=30)


def stored(site: Site) -> dict[str, int]:
    with closing(table(site)) as db:
        return dict(db.execute("SELECT lead_id, revision FROM leads"))


def expected(site: Site) -> dict[str, int]:
    return dict(site.rows("SELECT lead_id, revision FROM leads"))


def differing(site: Site) -> list[tuple[str, int]]:
    return sorted(stored(site).items() ^ expected(site).items())[:10]


@pytest.mark.parametrize("page", OTHERS)
def test_every_other_page(site: Site, page: str) -> None:
    if page == OPERATIONS:
        make_a_dead_letter(site)
    read(site, page)


def make_a_dead_letter(site: Site) -> None:
    """So that there is something to look at."""
    command = ["kcat", "-b", site.kafka, "-P", "-t", "purchases", "-k", "acme:u1"]
    subprocess.run(command, input=b"{}", timeout=60, check=True)
    wait_for(lambda: site.rows("SELECT count() FROM dead_letters") == [(1,)], 60, lambda: "no dead letter")
