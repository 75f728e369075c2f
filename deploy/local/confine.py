"""Have the kernel keep this process inside a few directories and on one port (Linux: Landlock).

For a server whose own rules about files have gaps. Elsewhere than on Linux, and on kernels without it,
nothing is done, and only the server's own rules hold.
"""

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION: Final = 1
_BENEATH, _PORT = 1, 2
_PR_SET_NO_NEW_PRIVS: Final = 38

# Rights in the order of their bits; each version of the interface knows those of the ones before.
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = (1 << bit for bit in range(4))
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_TRUNCATE = 1 << 14
_KNOWN_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_BIND, _CONNECT = 1, 2

_READ: Final = _EXECUTE | _READ_FILE | _READ_DIR
_ON_FILES: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("ports", ctypes.c_uint64))


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("directory", ctypes.c_int32))


class _PortRule(ctypes.Structure):
    _fields_ = (("rights", ctypes.c_uint64), ("port", ctypes.c_uint64))


def confine(*, readable: Iterable[Path], writable: Iterable[Path], port: int) -> bool:
    """Allow this thread, and all that it starts from now on, to reach nothing else; for good.

    It may listen on ``port`` and connect nowhere. What is open already stays open; paths that do not exist
    are passed over. False: this system cannot do it. Raises ``OSError`` when it can and refuses.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION)
    if version < 1:
        return False
    known = (1 << _KNOWN_RIGHTS[min(version, max(_KNOWN_RIGHTS))]) - 1
    ports = _BIND | _CONNECT if version >= 4 else 0
    handled = _Ruleset(known, ports)
    size = ctypes.sizeof(handled) if ports else ctypes.sizeof(ctypes.c_uint64)
    rules = _checked(libc.syscall(_CREATE, ctypes.byref(handled), ctypes.c_size_t(size), 0))
    try:
        everything = known & ~(_EXECUTE | _MAKE_CHAR | _MAKE_BLOCK)
        for paths, rights in ((readable, _READ), (writable, everything)):
            for path in paths:
                _allow_path(libc, rules, path, rights & known)
        if ports:
            rule = _PortRule(_BIND, port)
            _checked(libc.syscall(_ADD, rules, _PORT, ctypes.byref(rule), 0))
        _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(libc.syscall(_RESTRICT, rules, 0))
    finally:
        os.close(rules)
    return True


def _allow_path(libc: ctypes.CDLL, rules: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rule = _PathRule(rights if path.is_dir() else rights & _ON_FILES, place)
        _checked(libc.syscall(_ADD, rules, _BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(place)


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result
