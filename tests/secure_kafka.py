"""A Kafka that lets in nobody it does not know, and lets them do what they may: TLS, SCRAM and ACLs."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from deploy.local.kafka import LocalKafka
from deploy.local.ports import HOST, free_port
from tests.authority import Authority

PASSWORD = "correct horse"  # noqa: S105 - of users that live as long as a test


class SecureKafka:
    """``kafka.bootstrap`` is an administrator's, in the clear; the other listeners ask who is there.

    ``sasl``: SASL_SSL with SCRAM-SHA-512. ``mutual``: SSL, with a certificate of the client's.
    """

    def __init__(self, directory: Path) -> None:
        self.authority = Authority(directory / "tls")
        server = self.authority.issue("kafka", HOST, "localhost")
        plain, sasl, mutual, controller = (free_port() for _ in range(4))
        self.sasl, self.mutual = f"{HOST}:{sasl}", f"{HOST}:{mutual}"
        listeners = f"PLAINTEXT://{HOST}:{plain},SASL_SSL://{self.sasl},SSL://{self.mutual}"
        module = "org.apache.kafka.common.security.scram.ScramLoginModule"
        self.kafka = LocalKafka(
            directory / "kafka",
            plain,
            settings={
                "listeners": f"{listeners},CONTROLLER://{HOST}:{controller}",
                "advertised.listeners": listeners,
                "controller.quorum.voters": f"1@{HOST}:{controller}",
                "listener.security.protocol.map": (
                    "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL"
                ),
                "sasl.enabled.mechanisms": "SCRAM-SHA-512",
                "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": f"{module} required;",
                "listener.name.ssl.ssl.client.auth": "required",
                "ssl.principal.mapping.rules": "RULE:^CN=([^,]+),.*$/$1/,DEFAULT",
                "ssl.keystore.type": "PEM",
                "ssl.keystore.location": str(server.both),
                "ssl.truststore.type": "PEM",
                "ssl.truststore.location": str(self.authority.file),
                "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "super.users": "User:ANONYMOUS",
            },
        )

    @property
    def admin(self) -> AdminClient:
        """May do everything."""
        return AdminClient({"bootstrap.servers": self.kafka.bootstrap})

    def add_user(self, name: str) -> None:
        """With :data:`PASSWORD`, and no rights."""
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        upsertion = UserScramCredentialUpsertion(name, info, PASSWORD.encode())
        admin = self.admin  # as long as there are answers to come
        for future in admin.alter_user_scram_credentials([upsertion]).values():
            future.result(30)

    def environment(self, user: str) -> dict[str, str]:
        """How a process connects as this user."""
        return {
            "LEADSTREAM_KAFKA_BOOTSTRAP": self.sasl,
            "LEADSTREAM_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "LEADSTREAM_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "LEADSTREAM_KAFKA_USERNAME": user,
            "LEADSTREAM_KAFKA_PASSWORD": PASSWORD,
            "LEADSTREAM_KAFKA_CA_FILE": str(self.authority.file),
        }

    def grant(self, principal: str, rights: Iterable[tuple[str, str, bool, str]]) -> None:
        """Resource type, name, is it a prefix, operation: as ``processors.kafka.acls`` has them."""
        bindings = [
            AclBinding(
                ResourceType[_constant(kind)],
                name,
                ResourcePatternType.PREFIXED if prefixed else ResourcePatternType.LITERAL,
                principal,
                "*",
                AclOperation[_constant(operation)],
                AclPermissionType.ALLOW,
            )
            for kind, name, prefixed, operation in rights
        ]
        admin = self.admin
        for future in admin.create_acls(bindings).values():
            future.result(30)


def _constant(name: str) -> str:
    """``transactional-id`` and ``DescribeConfigs`` as constants are written."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|-", "_", name).upper()


@contextmanager
def secure_kafka(directory: Path) -> Iterator[SecureKafka]:
    """Up on entry, down on exit."""
    made = SecureKafka(directory)
    with made.kafka:
        yield made
