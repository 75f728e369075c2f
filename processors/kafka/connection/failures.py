"""Why Kafka could not be used: causes told apart, each with what to do about it.

NoBroker            69    nobody answered in time: may pass
KafkaRefused        78    a broker said no, and will say so again
├── TlsRefused            one of the two sides does not accept the other's certificate, or speaks no TLS
├── WrongMechanism        the broker does not offer this SASL mechanism
├── LoginRefused          unknown user or wrong password
├── NotAuthorised         the user lacks a right, named with what it is for
└── NoSuchTopic
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from aiokafka import errors

from processors.errors import Misconfigured, Unavailable


class NoBroker(Unavailable):
    """No broker answers; ``str()`` says where."""

    where = "kafka_bootstrap"

    def __init__(self, cause: str) -> None:
        super().__init__(
            cause, "Start Kafka there, or set LEADSTREAM_KAFKA_BOOTSTRAP; `leadstream up` brings its own."
        )


class KafkaRefused(Misconfigured):
    """A broker refused; ``str()`` says what and why."""


class TlsRefused(KafkaRefused):
    """TLS could not be agreed upon."""


class WrongMechanism(KafkaRefused):
    """The broker does not offer the SASL mechanism."""


class LoginRefused(KafkaRefused):
    """The broker does not know the user, or the password is another one."""


class NotAuthorised(KafkaRefused):
    """The user may not do this."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"Kafka: this user is not authorised for {what}",
            "`leadstream acls` prints the rights that each role needs; have an administrator give them.",
        )


class NoSuchTopic(KafkaRefused):
    """The topic is not there, or this user may not see it."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"topic {name} does not exist: run `leadstream topics create`",
            "Where brokers hold ACLs it may also be that this user may not see it: `leadstream acls`.",
        )


_RIGHTS: Final[Mapping[type[errors.KafkaError], str]] = {
    errors.TopicAuthorizationFailedError: "topic",
    errors.GroupAuthorizationFailedError: "consumer group",
    errors.TransactionalIdAuthorizationFailed: "transactional id",
    errors.ClusterAuthorizationFailedError: "the cluster",
}
_TIMEOUTS: Final[Mapping[type[errors.KafkaError], tuple[str, str]]] = {
    errors.InvalidSessionTimeoutError: (
        "LEADSTREAM_SESSION_TIMEOUT",
        "group.min.session.timeout.ms to group.max.session.timeout.ms",
    ),
    errors.InvalidTransactionTimeout: (
        "LEADSTREAM_TRANSACTION_TIMEOUT",
        "transaction.max.timeout.ms at most",
    ),
}
"""The setting, and what brokers take."""
_FINAL: Final = (
    *("alert bad certificate", "alert certificate", "alert unknown ca", "alert handshake failure"),
    *("alert protocol version", "wrong version number", "unsupported protocol", "no protocols available"),
)
"""What one side of TLS says of the other, as OpenSSL words it."""
_PASSING: Final = (OSError, EOFError, TimeoutError, errors.KafkaTimeoutError)


def told(error: BaseException, bootstrap: str) -> NoBroker | KafkaRefused:
    """What an operator is told of an error of a client that asked the brokers at ``bootstrap``.

    Errors that pass are tried again by the clients until their time is up: of one that comes here all the
    same nothing is known but that no broker answered.
    """
    if isinstance(error, NoBroker | KafkaRefused):
        return error
    if refusal := refusal_of(error, bootstrap):
        return refusal
    if isinstance(error, errors.UnknownTopicOrPartitionError) and error.args:
        return NoSuchTopic(_named(error))
    if isinstance(error, _PASSING) or getattr(error, "retriable", False):
        return NoBroker(f"no Kafka broker answers at {bootstrap} ({reason(error)})")
    return KafkaRefused(f"Kafka at {bootstrap} refused: {reason(error)}")


@contextmanager
def telling(bootstrap: str) -> Iterator[None]:
    """What clients of the brokers at ``bootstrap`` raise inside is raised as what an operator is told."""
    try:
        yield
    except (errors.KafkaError, OSError) as error:
        raise told(error, bootstrap) from error


def refusal_of(error: BaseException, where: str) -> KafkaRefused | None:
    """What no retry will mend, of login, right, certificate or timeout; None of everything else."""
    for cause in _causes(error):
        if isinstance(cause, KafkaRefused):
            return cause
        if isinstance(cause, ssl.SSLError) and _is_final(cause):
            return _tls(cause, where)
        if isinstance(cause, errors.UnsupportedSaslMechanismError):
            return WrongMechanism(
                f"Kafka at {where} does not offer the mechanism of LEADSTREAM_KAFKA_SASL_MECHANISM",
                "Set it to one of the listener's sasl.enabled.mechanisms.",
            )
        if isinstance(cause, errors.IllegalSaslStateError):
            return KafkaRefused(
                f"Kafka at {where} expects no login on this listener",
                "Does LEADSTREAM_KAFKA_SECURITY_PROTOCOL fit it?",
            )
        if isinstance(cause, errors.SaslAuthenticationFailed):
            return LoginRefused(
                f"Kafka at {where} refuses the user or the password",
                "Check LEADSTREAM_KAFKA_USERNAME and LEADSTREAM_KAFKA_PASSWORD (or …_PASSWORD_FILE), and that"
                " the user has credentials for this mechanism.",
            )
        if isinstance(cause, tuple(_TIMEOUTS)):
            setting, taken = _TIMEOUTS[type(cause)]
            return KafkaRefused(f"Kafka at {where} does not take {setting}", f"The brokers take {taken}.")
        if isinstance(cause, tuple(_RIGHTS)):
            return NotAuthorised(f"{_RIGHTS[type(cause)]} {_named(cause)}".rstrip())
    return None


def unless_refused(error: BaseException) -> None:
    """Go on, unless no retry will mend it: then this raises the error itself."""
    if refusal_of(error, ""):
        raise error


def reason(error: BaseException) -> str:
    """In a few words, without the address."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    for cause in _causes(error):
        if isinstance(cause, EOFError | ConnectionError):
            closed = not isinstance(cause, ConnectionRefusedError)
            hung_up = "it hangs up: does LEADSTREAM_KAFKA_SECURITY_PROTOCOL fit this listener?"
            return hung_up if closed else "connection refused"
        if isinstance(cause, OSError):
            return cause.strerror or _first_line(cause)
    return _first_line(error)


def _is_final(error: ssl.SSLError) -> bool:
    """Not so of a connection that was cut: a broker that restarts does that, too."""
    return isinstance(error, ssl.SSLCertVerificationError) or any(one in _why(error) for one in _FINAL)


def _why(error: ssl.SSLError) -> str:
    told = getattr(error, "verify_message", None) or getattr(error, "reason", None) or _first_line(error)
    return str(told).replace("_", " ").lower()


def _tls(error: ssl.SSLError, where: str) -> TlsRefused:
    if isinstance(error, ssl.SSLCertVerificationError):
        return TlsRefused(
            f"the TLS certificate of Kafka at {where} is not accepted: {_why(error)}",
            "LEADSTREAM_KAFKA_CA_FILE names the authority to trust; LEADSTREAM_KAFKA_BOOTSTRAP has to be a"
            " name that the certificate is for.",
        )
    why = _why(error)
    if "alert" in why:
        return TlsRefused(
            f"Kafka at {where} does not accept us by TLS: {why}",
            "Where it asks for a certificate, LEADSTREAM_KAFKA_CERT_FILE and _KEY_FILE have to be one that it"
            " trusts.",
        )
    return TlsRefused(
        f"Kafka at {where} does not speak TLS with us: {why}",
        "Does LEADSTREAM_KAFKA_SECURITY_PROTOCOL fit this listener?",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that led to it."""
    seen: set[int] = set()
    left: BaseException | None = error
    while left is not None and id(left) not in seen:
        seen.add(id(left))
        yield left
        left = left.__cause__ or left.__context__


def _named(error: BaseException) -> str:
    """aiokafka raises with the name, a set of names, or nothing."""
    names = error.args[0] if error.args else ""
    return ", ".join(sorted(map(str, names))) if isinstance(names, set | frozenset | list) else str(names)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:200] or type(error).__name__
