"""This machine is never reached through a proxy.

Libraries take their proxy from variables such as ``HTTP_PROXY``, and send to it also what is for a server on
loopback, which the proxy would look for on a machine of its own. Other hosts are the libraries' business.
"""

import os
from collections.abc import MutableMapping
from ipaddress import ip_address
from typing import Final

_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy")
_EXEMPTED: Final = ("no_proxy", "NO_PROXY")
"""Some libraries read one of them, some the other, some the second where there is no first."""
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


def is_loopback(host: str) -> bool:
    """A name or an address of this very machine, without asking anybody."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def reach_directly(*hosts: str, environ: MutableMapping[str, str] = os.environ) -> None:
    """From now on no library of this process, and none of its children, asks a proxy for ``hosts``.

    Without ``hosts``: for the usual names of loopback. Changes the environment where that has a proxy at all,
    and is to be called before there are threads.
    """
    if not any(environ.get(one) or environ.get(one.upper()) for one in _PROXIES):
        return
    given = {name: environ.get(name) for name in _EXEMPTED}
    for name, text in given.items():
        listed = [one.strip() for one in (text or next(filter(None, given.values()), "")).split(",")]
        if "*" not in listed:
            listed += [one for one in hosts or _LOOPBACK if one not in listed]
            environ[name] = ",".join(filter(None, listed))
