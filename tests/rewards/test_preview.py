"""``leadstream rewards``: a policy, tried out on the leads and sales of a real Kafka."""

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from deploy.local.kafka import LocalKafka
from processors.cli.loading import load_settings
from processors.cli.main import cli
from processors.kafka.connecting import connection_of
from processors.settings import Settings
from schemas.topics import Topic, customer_key
from tests.rewards.builders import WORKSPACE, Document, lead, sale

POLICY = """
programId: pg
versions:
  - effectiveFrom: 2000-01-01T00:00:00Z
    currency: usd
    holdingPeriod: 30d
    lead: {amount: 2500}
    sale: {percent: 20, months: 12}
    partners: {banned: {excluded: true}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


def test_check(file: Path) -> None:
    result = CliRunner().invoke(cli, ["rewards", "check", str(file)])
    assert (result.exit_code, result.stdout) == (0, "pg: 1 version\n")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"programId: pg", "Object missing required field `versions`"),
        (POLICY.replace("amount: 2500", "amount: 25.00").encode(), "versions[0].lead.amount: Expected `int`"),
        (b"\xff", "is not UTF-8"),
        (b"#" * 2_000_000, "policy.yaml: more than 1,048,576 bytes are no policy"),
        (b"a: [", "line 1, column 5"),
        (b"? [a, b]\n: c\n", "line 1, column 3: a name is a text"),
        (b'versions: !!bool "x"', "line 1, column 11: tags are not read"),
    ],
    ids=["missing", "type", "bytes", "large", "syntax", "name", "tag"],
)
def test_what_is_no_policy(file: Path, content: bytes, told: str) -> None:
    file.write_bytes(content)
    result = CliRunner().invoke(cli, ["rewards", "check", str(file)])
    assert result.exit_code == 1
    assert told in result.stderr
    assert "Traceback" not in result.output


def of(customer: str, document: Document) -> Document:
    """The same of another customer."""
    others: Document = {
        name: f"{document[name]}{customer}" for name in ("leadId", "saleId") if name in document
    }
    return {**document, **others, "customer": {"externalId": customer, "email": None}}


async def write(settings: Settings, documents: Iterable[Document], *, junk: bool) -> None:
    """As workers do; ``junk``: and a record that is neither."""
    async with connection_of(settings).producer(client_id="test") as producer:
        for one in documents:
            topic = Topic.SALES if "saleId" in one else Topic.LEADS
            key = customer_key(one["workspaceId"], one["customer"]["externalId"])
            await producer.send_and_wait(settings.topic(topic), orjson.dumps(one), key=key)
        if junk:
            await producer.send_and_wait(settings.topic(Topic.SALES), b"{}", key=b"w1:junk")


@pytest.mark.integration
def test_preview(tmp_path: Path, kafka: LocalKafka, monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setenv("LEADSTREAM_KAFKA_BOOTSTRAP", kafka.bootstrap)
    monkeypatch.setenv("LEADSTREAM_TOPIC_PREFIX", f"{tmp_path.name}.")
    monkeypatch.setenv("LEADSTREAM_PARTITIONS", "3")
    monkeypatch.setenv("LEADSTREAM_DATA_DIR", str(tmp_path))
    runner = CliRunner()
    assert runner.invoke(cli, ["topics", "create"]).exit_code == 0
    documents = [
        of("ann", lead(1)),
        of("ann", lead(2, "Demo")),
        of("ann", sale(3)),
        of("ann", sale(4, "i2", currency="eur")),
        of("bob", lead(1)),
        of("bob", lead(1, revision=2, partner="other")),
        of("cid", lead(1, partner="banned")),
        of("dan", lead(1, program="another")),
        {**of("eve", lead(1)), "workspaceId": "w2"},
    ]
    asyncio.run(write(load_settings(), [*documents, *documents], junk=True))

    result = runner.invoke(cli, ["rewards", "preview", str(file), WORKSPACE, "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    owed = {(one["partnerId"], one["currency"]): (one["leads"], one["sales"]) for one in found["rewards"]}
    assert owed == {("pn", "usd"): (1, 1), ("pn", "eur"): (0, 1), ("other", "usd"): (1, 0)}
    sums = {(one["partnerId"], one["currency"]): sum(one["amounts"].values()) for one in found["rewards"]}
    assert sums == {("pn", "usd"): 4_500, ("pn", "eur"): 2_000, ("other", "usd"): 2_500}
    assert found["refusals"] == {"already_rewarded": 1, "excluded": 1}
    assert found["customers"] == 4
    assert "neither a lead nor a sale: 1 records" in result.stderr

    result = runner.invoke(cli, ["rewards", "preview", str(file), WORKSPACE])
    assert result.stdout.splitlines()[0] == "partner\tcurrency\tleads\tsales\tpending\tpayable\theld"
    assert len(result.stdout.splitlines()) == 4
    assert "earned nothing, excluded: 1" in result.stderr

    result = runner.invoke(cli, ["rewards", "preview", str(file), WORKSPACE, "--customer", "ann"])
    lines = result.stdout.splitlines()
    assert [line.split(": ", 1)[1] for line in lines] == [
        "2500 of 2500 usd, payable; version 2000-01-01T00:00:00.000Z, base",
        "earns nothing, already_rewarded; would be 2500 usd; version 2000-01-01T00:00:00.000Z, base",
        "2000 of 2000 usd, payable; version 2000-01-01T00:00:00.000Z, base",
        "2000 of 2000 eur, payable; version 2000-01-01T00:00:00.000Z, base",
    ]
    result = runner.invoke(cli, ["rewards", "preview", str(file), WORKSPACE, "--customer", "bob", "--json"])
    (one,) = map(json.loads, result.stdout.splitlines())
    assert (one["partnerId"], one["sourceRevision"], one["amount"], one["condition"]) == (
        "other",
        2,
        2_500,
        None,
    )
    assert runner.invoke(cli, ["workspace", "create", WORKSPACE]).exit_code == 0
    result = runner.invoke(cli, ["rewards", "preview", str(file), WORKSPACE, "--customer", "nobody"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "customer nobody of workspace w1 has no lead and no sale" in result.stderr
    result = runner.invoke(cli, ["rewards", "preview", str(file), WORKSPACE, "--customer", "dan"])
    assert "waits for a policy of program another" in result.stdout
