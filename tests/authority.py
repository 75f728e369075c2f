"""Certificates for servers and clients on loopback, made anew for each session."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

KEY_PASSWORD = "open sesame"  # noqa: S105 - of keys that live as long as a test


@dataclass(frozen=True)
class Identity:
    """PEM files: a certificate, its key, the same key with a password, and both in one as Kafka takes it."""

    cert: Path
    key: Path
    locked_key: Path
    both: Path


class Authority:
    """Issues certificates; ``file`` is its own."""

    def __init__(self, directory: Path) -> None:
        self._ca = trustme.CA()
        self._directory = directory
        self.file = directory / "ca.pem"
        directory.mkdir(parents=True, exist_ok=True)
        self._ca.cert_pem.write_to_path(self.file)

    @classmethod
    def stranger(cls, directory: Path) -> Self:
        """One that nobody has heard of."""
        return cls(directory)

    def issue(self, name: str, *hosts: str) -> Identity:
        """For these hosts; without any, for a client of this common name."""
        issued = self._ca.issue_cert(*(hosts or (f"{name}@leadstream.test",)), common_name=name)
        chain = b"".join(one.bytes() for one in issued.cert_chain_pems)
        key = load_pem_private_key(issued.private_key_pem.bytes(), None)
        plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        locked = BestAvailableEncryption(KEY_PASSWORD.encode())
        paths = [self._directory / f"{name}.{kind}.pem" for kind in ("cert", "key", "locked", "both")]
        contents = (
            chain,
            plain,
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked),
            plain + chain,
        )
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        return Identity(*paths)
