"""The one place where clients of Kafka are made, and whoever they are to the brokers."""

import ssl
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient

from processors.errors import Misconfigured
from processors.kafka.connection.bounded import bound
from processors.kafka.connection.heard import hear

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]

REQUEST_S: Final = 15.0
"""A broker that leaves a request unanswered for so long is asked anew, on another connection."""


@dataclass(frozen=True, kw_only=True)
class KafkaConnection:
    """Where Kafka is, and who we are to it.

    Clients that are made here connect when they are started: to whichever address answers first, each of them
    within 5 s. Starting one raises ``NoBroker`` or ``KafkaRefused``. Options are aiokafka's, and win over
    what is chosen here. Making a client raises ``Misconfigured`` for a file that is no certificate or key.
    """

    #: Addresses, host:port, comma-separated.
    bootstrap: str
    security_protocol: Protocol = "PLAINTEXT"
    sasl_mechanism: Mechanism | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    key_password: str | None = field(default=None, repr=False)

    def consumer(self, **options: Any) -> AIOKafkaConsumer:
        """Within an event loop, as the others."""
        return AIOKafkaConsumer(**self._arguments(options))

    def producer(self, **options: Any) -> AIOKafkaProducer:
        """``request_timeout_ms`` is also how long aiokafka tries to deliver a batch."""
        return AIOKafkaProducer(**self._arguments(options))

    def admin(self, **options: Any) -> AIOKafkaAdminClient:
        """For topics, configurations and groups."""
        return AIOKafkaAdminClient(**self._arguments(options))

    def client(self, **options: Any) -> AIOKafkaClient:
        """For requests of one's own."""
        return AIOKafkaClient(**self._arguments(options))

    def of_faust(self) -> dict[str, Any]:
        """The settings of a Faust app that say the same, for the clients which its driver makes."""
        import faust

        bound()
        settings: dict[str, Any] = {
            "broker": [f"kafka://{address.strip()}" for address in self.bootstrap.split(",")]
        }
        if self.sasl_mechanism:
            settings["broker_credentials"] = faust.SASLCredentials(
                username=self.username,
                password=self.password,
                mechanism=self.sasl_mechanism,
                ssl_context=self._tls,
            )
        elif self._tls:
            settings["broker_credentials"] = faust.SSLCredentials(self._tls)
        return settings

    def _arguments(self, options: dict[str, Any]) -> dict[str, Any]:
        bound()
        hear()
        sasl = {
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password,
        }
        return {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.security_protocol,
            "ssl_context": self._tls,
            "request_timeout_ms": int(REQUEST_S * 1000),
            **(sasl if self.sasl_mechanism else {}),
            **options,
        }

    @cached_property
    def _tls(self) -> ssl.SSLContext | None:
        if self.security_protocol not in ("SSL", "SASL_SSL"):
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ValueError) as error:
            raise _unusable(f"LEADSTREAM_KAFKA_CA_FILE {self.ca_file}", error) from None
        if self.cert_file:
            pair = (
                f"LEADSTREAM_KAFKA_CERT_FILE {self.cert_file} with LEADSTREAM_KAFKA_KEY_FILE {self.key_file}"
            )
            try:
                # Without a password OpenSSL would ask for it on the terminal.
                context.load_cert_chain(self.cert_file, self.key_file, self.key_password or "")
            except (OSError, ValueError) as error:
                raise _unusable(pair, error) from None
        return context


def _unusable(what: str, error: Exception) -> Misconfigured:
    why = getattr(error, "reason", None) or str(error)
    return Misconfigured(
        f"{what}: {why.replace('_', ' ').lower()}",
        "They have to be PEM, the key that of the first certificate; the password of an encrypted key is"
        " LEADSTREAM_KAFKA_KEY_PASSWORD.",
    )
