"""The whole path among servers that ask who is there, each role with its rights and no others."""

import json
import shlex
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.local.clickhouse import LocalClickHouse
from processors.clickhouse.connection import connect
from processors.stack.acls import lines, rights_of
from tests.integration.stack import Stack, wait_for
from tests.secure_kafka import SecureKafka, secure_kafka
from tests.tls_proxy import HOST, tls_proxy

pytestmark = pytest.mark.integration

ROLES = ("worker", "rewards", "sink", "gateway", "sender", "operator")
WORKSPACE = {
    "workspaceId": "w",
    "domains": [{"slug": "w.link"}],
    "links": [{"key": "k", "url": "https://w.com"}],
}
POLICY = {
    "programId": "p",
    "versions": [
        {
            "effectiveFrom": "2026-01-01T00:00:00Z",
            "currency": "usd",
            "holdingPeriod": "30d",
            "lead": {"amount": 2_500, "cap": {"amount": 2_000, "per": "month"}},
        }
    ],
}
EVENTS = [
    {"type": "click", "workspaceId": "w", "clickId": "c1", "timestamp": "2026-01-01T10:00:00Z"}
    | {"programId": "p", "partnerId": "pn"},
    {
        "type": "lead",
        "workspaceId": "w",
        "clickId": "c1",
        "customerExternalId": "u1",
        "eventName": "Sign up",
        "mode": "deferred",
        "timestamp": "2026-01-01T10:01:00Z",
    },
    {
        "type": "lead",
        "workspaceId": "w",
        "customerExternalId": "u1",
        "eventName": "Sign up",
        "timestamp": "2026-01-01T10:02:00Z",
    },
]


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    with secure_kafka(tmp_path_factory.mktemp("secure")) as made:
        for role in ROLES:
            made.add_user(f"leadstream-{role}")
        yield made


@pytest.fixture
def stack(secure: SecureKafka, clickhouse: LocalClickHouse, tmp_path: Path) -> Iterator[Stack]:
    """Its own clients are an administrator's, its processes nobody's until they are told who they are."""
    url = urlsplit(clickhouse.url)
    server = secure.authority.issue("clickhouse", HOST)
    own = secure.authority.issue("leadstream")
    with tls_proxy(url.port or 0, server, secure.authority) as port:
        env = {
            "LEADSTREAM_PARTITIONS": "2",
            "LEADSTREAM_CLICKHOUSE_URL": f"https://{HOST}:{port}/secure",
            "LEADSTREAM_CLICKHOUSE_USERNAME": url.username or "",
            "LEADSTREAM_CLICKHOUSE_PASSWORD_FILE": str(_written(tmp_path / "password", url.password or "")),
            "LEADSTREAM_CLICKHOUSE_CA_FILE": str(secure.authority.file),
            "LEADSTREAM_CLICKHOUSE_CERT_FILE": str(own.cert),
            "LEADSTREAM_CLICKHOUSE_KEY_FILE": str(own.key),
        }
        with Stack(secure.kafka.bootstrap, clickhouse.url, "secure", tmp_path, **env) as made:
            for role, rights in rights_of(made.settings).items():
                secure.grant(f"User:leadstream-{role}", rights)
            yield made


def _written(path: Path, text: str) -> Path:
    path.write_text(f"{text}\n")
    return path


def _run(stack: Stack, who: Mapping[str, str], *command: str, stdin: bytes | None = None) -> str:
    done = stack.run(*command, stdin=stdin, env=who)
    assert done.returncode == 0, (command, done.stderr.decode())
    return done.stdout.decode()


def test_each_role_works_with_its_rights(
    secure: SecureKafka, stack: Stack, clickhouse: LocalClickHouse
) -> None:
    who = {role: secure.environment(f"leadstream-{role}") for role in ROLES}
    operator = who["operator"]
    assert "created secure.clicks" in _run(stack, operator, "topics", "create")
    _run(stack, operator, "migrate")
    policy = _written(stack.directory / "policy.json", json.dumps(POLICY))
    _run(stack, operator, "rewards", "policy", "set", str(policy), "w")
    worker, sink = stack.worker("w-1", **who["worker"]), stack.sink(**who["sink"])
    ledger = stack.service("rewards run", "rewards-1")
    ledger.start(**who["rewards"])
    events = "\n".join(map(json.dumps, EVENTS)).encode()
    _run(stack, who["sender"], "send", "-", stdin=events)
    stack.wait_until_processed()
    client = connect(f"{clickhouse.url.rsplit('/', 1)[0]}/secure")
    assert client.query("SELECT customer_external_id FROM leads").result_rows == [("u1",)]
    assert "as leadstream-operator" in _run(stack, operator, "doctor")
    owed = "SELECT sum(amount) FROM rewards"
    wait_for(lambda: client.query(owed).result_rows == [(2_000,)], 60, ledger.life)
    _run(stack, operator, "audit")
    _run(stack, operator, "audit", "--rewards")
    _run(stack, operator, "workspace", "create", "w")
    assert "leadstream_sk_" in _run(stack, operator, "workspace", "list")
    # With the registries a gateway does what this command does.
    _run(stack, who["gateway"], "workspace", "import", "-", stdin=json.dumps(WORKSPACE).encode())
    _run(stack, operator, "trace", "w", "u1")
    _run(stack, operator, "unmatched", "list")
    _run(stack, operator, "dlq", "list")
    _run(stack, operator, "erase", "w", "u1", "--yes")
    _run(stack, operator, "replay", "clickhouse")
    assert worker.stop() == 0
    assert sink.stop() == 0
    assert ledger.stop() == 0


@pytest.mark.parametrize(
    ("command", "lacking", "told"),
    [
        ("worker", "topic", "not authorised for topic secure.click-erasures, secure.clicks, "),
        ("worker", "group", "not authorised for consumer group secure.leadstream-worker"),
        ("worker", "transactional-id", "not authorised for transactional id secure.leadstream-worker-"),
        ("sink", "topic", "Kafka lacks secure.clicks, "),
        ("sink", "group", "not authorised for consumer group secure.leadstream-sink"),
    ],
)
def test_a_right_that_is_missing_is_named(
    secure: SecureKafka, stack: Stack, command: str, lacking: str, told: str
) -> None:
    """At once, with the way to it: nobody waits for what will not come."""
    assert stack.run("topics", "create", env=secure.environment("leadstream-operator")).returncode == 0
    assert stack.run("migrate").returncode == 0
    user = f"{command}-without-{lacking}"
    secure.add_user(user)
    rights = rights_of(stack.settings)[command]
    secure.grant(f"User:{user}", [one for one in rights if one.kind != lacking])
    done = stack.run(command, env=secure.environment(user))
    assert done.returncode == 78, done.stderr.decode()
    assert told in done.stderr.decode()
    assert "leadstream acls" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_a_sender_reads_nothing(secure: SecureKafka, stack: Stack) -> None:
    assert stack.run("topics", "create", env=secure.environment("leadstream-operator")).returncode == 0
    done = stack.run("dlq", "list", env=secure.environment("leadstream-sender"))
    assert done.returncode == 78
    assert b"topic secure.dead-letters does not exist" in done.stderr
    assert b"leadstream acls" in done.stderr


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"LEADSTREAM_KAFKA_PASSWORD": "mistyped"}, "refuses the user or the password"),
        ({"LEADSTREAM_KAFKA_SASL_MECHANISM": "PLAIN"}, "does not offer the mechanism"),
        ({"LEADSTREAM_KAFKA_CA_FILE": ""}, "is not accepted: "),
    ],
)
@pytest.mark.parametrize("command", ["worker", "sink", "doctor"])
def test_what_is_wrong_with_a_login_is_said_at_once(
    secure: SecureKafka, stack: Stack, tmp_path: Path, command: str, changed: dict[str, str], told: str
) -> None:
    stranger = secure.authority.stranger(tmp_path / "stranger").file
    env = {**secure.environment("leadstream-worker"), **changed}
    env["LEADSTREAM_KAFKA_CA_FILE"] = env["LEADSTREAM_KAFKA_CA_FILE"] or str(stranger)
    done = stack.run(command, env=env)
    assert done.returncode == (1 if command == "doctor" else 78), done.stderr.decode()
    assert told in done.stdout.decode() + done.stderr.decode()
    assert "mistyped" not in done.stdout.decode() + done.stderr.decode()


def test_a_client_that_shows_a_certificate(secure: SecureKafka, stack: Stack) -> None:
    """Its principal is the certificate's name. Without one the broker refuses it, and says why."""
    own = secure.authority.issue("mutual")
    env = {
        "LEADSTREAM_KAFKA_BOOTSTRAP": secure.mutual,
        "LEADSTREAM_KAFKA_SECURITY_PROTOCOL": "SSL",
        "LEADSTREAM_KAFKA_CA_FILE": str(secure.authority.file),
    }
    refused = stack.run("topics", "check", env=env)
    assert refused.returncode == 78
    assert b"does not accept us by TLS" in refused.stderr
    shown = {"LEADSTREAM_KAFKA_CERT_FILE": str(own.cert), "LEADSTREAM_KAFKA_KEY_FILE": str(own.key)}
    secure.grant("User:mutual", rights_of(stack.settings)["operator"])
    assert stack.run("topics", "create", env={**env, **shown}).returncode == 0


def test_what_is_printed_is_what_is_granted(stack: Stack) -> None:
    """Each line is one of the shell's, and together they say all rights once."""
    granted = rights_of(stack.settings)
    told: dict[str, set[tuple[str, str, bool, str]]] = {}
    for line in lines(stack.settings, "User:{role}"):
        words = shlex.split(line, comments=True)
        if not words:
            continue
        options = list(pairwise(words))
        role = dict(options)["--allow-principal"].removeprefix("User:")
        operations = [value for option, value in options if option == "--operation"]
        kinds = ("--topic", "--group", "--transactional-id")
        for option, name in options:
            if option in kinds:
                told.setdefault(role, set()).update(
                    (option.removeprefix("--"), name, "prefixed" in words, one) for one in operations
                )
    assert told == {role: set(rights) for role, rights in granted.items()}
