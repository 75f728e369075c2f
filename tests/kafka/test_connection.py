"""Connecting to brokers that are silent, away, or say no."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop
from aiokafka import errors

from processors.errors import Misconfigured
from processors.kafka.connection import KafkaConnection, KafkaRefused, NoBroker, bounded, clients, told
from processors.kafka.connection.failures import LoginRefused, NoSuchTopic, NotAuthorised, TlsRefused
from tests.authority import KEY_PASSWORD, Authority
from tests.kafka.broker import HOST, broker, mute

LONG_S = 1_000.0
PATIENCE_S = 20.0
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


async def bootstrap(connection: KafkaConnection) -> None:
    client = connection.client()
    try:
        await client.bootstrap()
    finally:
        await client.close()


async def test_a_silent_address_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it may be silent, and whichever is asked first: they are asked at the same time."""
    monkeypatch.setattr(bounded, "CONNECT_S", LONG_S)
    with mute() as silent, broker() as good:
        for addresses in (f"{silent},{good}", f"{good},{silent}", f"{silent},{HOST}:1,{good},{silent}"):
            await asyncio.wait_for(bootstrap(KafkaConnection(bootstrap=addresses)), PATIENCE_S)


async def test_silence_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """In spite of a request timeout that is longer, and each address is named with what it did."""
    monkeypatch.setattr(bounded, "CONNECT_S", 0.2)
    with mute() as silent:
        connection = KafkaConnection(bootstrap=f"{silent},{HOST}:1")
        with pytest.raises(NoBroker) as failed:
            await asyncio.wait_for(bootstrap(connection), PATIENCE_S)
    assert f"{silent} (no answer in time)" in str(failed.value)
    assert f"{HOST}:1 (connection refused)" in str(failed.value)
    assert failed.value.exit_code == 69


async def asked(address: str, times: int = 1) -> None:
    """For its topics."""
    admin = KafkaConnection(bootstrap=address).admin()
    try:
        await admin.start()
        for _ in range(times):
            await asyncio.wait_for(admin.describe_topics(), PATIENCE_S)
    finally:
        await admin.close()


async def test_a_broker_that_its_cluster_does_not_name_yet_is_waited_for() -> None:
    """As for a moment after it has started, or stood still."""
    with broker(unnamed=3) as address:
        await asked(address)


async def test_questions_pass_by_a_broker_that_is_away() -> None:
    """Its cluster names it until it has heard of that."""
    with broker(gone=3) as address:
        await asked(address, times=3)


async def test_a_cluster_that_names_no_broker_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "REQUEST_S", 0.3)
    with broker(unnamed=1_000) as address, pytest.raises(TimeoutError):
        await asked(address)


@pytest.mark.parametrize("new_loop", LOOPS)
def test_closing_waits_for_no_good_bye(
    tmp_path: Path, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """Of TLS, where the other side may never send it: uvloop would wait for 30 s, asyncio for as long."""
    authority = Authority(tmp_path)
    server = authority.issue("kafka", HOST)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(server.cert, server.key)

    async def connect_and_close(address: str) -> None:
        connection = KafkaConnection(bootstrap=address, security_protocol="SSL", ca_file=authority.file)
        client = connection.client()
        await client.bootstrap()
        assert await client.ready(1)
        await asyncio.wait_for(client.close(), PATIENCE_S)

    with broker(context) as address, asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(connect_and_close(address))


async def test_a_certificate_of_a_stranger_is_refused(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs")
    server = stranger.issue("kafka", HOST)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(server.cert, server.key)
    with broker(context) as address:
        connection = KafkaConnection(
            bootstrap=f"{HOST}:1,{address}", security_protocol="SSL", ca_file=authority.file
        )
        with pytest.raises(TlsRefused, match="is not accepted: ") as failed:
            await bootstrap(connection)
    assert address in str(failed.value)
    assert "LEADSTREAM_KAFKA_CA_FILE" in failed.value.remedy


def test_a_key_with_a_password(tmp_path: Path) -> None:
    own = Authority(tmp_path).issue("me")
    for password, fits in ((KEY_PASSWORD, True), ("wrong", False), (None, False)):
        connection = KafkaConnection(
            bootstrap="nowhere:1",
            security_protocol="SSL",
            cert_file=own.cert,
            key_file=own.locked_key,
            key_password=password,
        )
        if fits:
            assert "broker_credentials" in connection.of_faust()
        else:
            with pytest.raises(Misconfigured, match=r"_KAFKA_CERT_FILE .* with LEADSTREAM_KAFKA_KEY_FILE"):
                connection.of_faust()


def test_what_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none")
    connection = KafkaConnection(bootstrap="x:1", security_protocol="SSL", ca_file=tmp_path / "ca.pem")
    with pytest.raises(Misconfigured, match="LEADSTREAM_KAFKA_CA_FILE"):
        connection.of_faust()


def test_faust_is_told_the_same() -> None:
    connection = KafkaConnection(
        bootstrap="a:1, b:2",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-256",
        username="me",
        password="s3cret",  # noqa: S106 - of nobody
    )
    settings = connection.of_faust()
    assert settings["broker"] == ["kafka://a:1", "kafka://b:2"]
    credentials = settings["broker_credentials"]
    assert (credentials.protocol.value, credentials.mechanism.value) == ("SASL_PLAINTEXT", "SCRAM-SHA-256")
    assert (credentials.username, credentials.password) == ("me", "s3cret")
    assert "s3cret" not in repr(connection) + repr(credentials)


@pytest.mark.parametrize(
    ("error", "kind", "code", "text"),
    [
        (errors.KafkaConnectionError("x"), NoBroker, 69, "no Kafka broker answers at b:1"),
        (errors.KafkaTimeoutError("x"), NoBroker, 69, "no Kafka broker answers at b:1"),
        (OSError(113, "No route to host"), NoBroker, 69, "No route to host"),
        (errors.SaslAuthenticationFailed("no"), LoginRefused, 78, "the user or the password"),
        (errors.TopicAuthorizationFailedError({"b", "a"}), NotAuthorised, 78, "authorised for topic a, b"),
        (errors.GroupAuthorizationFailedError("g"), NotAuthorised, 78, "for consumer group g"),
        (errors.TransactionalIdAuthorizationFailed("t"), NotAuthorised, 78, "for transactional id t"),
        (errors.ClusterAuthorizationFailedError(), NotAuthorised, 78, "for the cluster"),
        (errors.UnknownTopicOrPartitionError("leads"), NoSuchTopic, 78, "topic leads does not exist"),
        (errors.InvalidTopicError("?"), KafkaRefused, 78, "Kafka at b:1 refused: "),
        (errors.InvalidSessionTimeoutError(), KafkaRefused, 78, "LEADSTREAM_SESSION_TIMEOUT"),
        (errors.InvalidTransactionTimeout("w"), KafkaRefused, 78, "LEADSTREAM_TRANSACTION_TIMEOUT"),
    ],
)
def test_causes_are_told_apart(error: Exception, kind: type[Exception], code: int, text: str) -> None:
    failure = told(error, "b:1")
    assert type(failure) is kind
    assert failure.exit_code == code
    assert text in failure.cause


def test_a_cause_is_found_where_it_lies() -> None:
    """aiokafka tells of a broken connection; why it broke is beneath."""
    lost = errors.KafkaConnectionError("closed")
    lost.__cause__ = ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] certificate required")
    assert isinstance(told(lost, "b:1"), TlsRefused)
