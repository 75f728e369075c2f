"""A proxy in the environment is for other machines than this one."""

import socket
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import pytest

from deploy.local.ports import free_port
from processors.clickhouse.connection import NoClickHouse, connect
from processors.proxies import is_loopback, reach_directly

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("given", "after"),
    [
        ({}, "127.0.0.1,localhost,::1"),
        ({"no_proxy": "a.example"}, "a.example,127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "a.example, localhost"}, "a.example,localhost,127.0.0.1,::1"),
        ({"no_proxy": "*", "NO_PROXY": "*"}, "*"),
    ],
)
@pytest.mark.parametrize("proxy", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
def test_loopback_is_added_to_what_is_exempt(proxy: str, given: dict[str, str], after: str) -> None:
    environ = {proxy: PROXY, **given}
    reach_directly(environ=environ)
    reach_directly(environ=environ)
    assert (environ["no_proxy"], environ["NO_PROXY"]) == (after, after)


def test_each_spelling_keeps_its_own() -> None:
    """Programs differ in which of the two they read."""
    environ = {"http_proxy": PROXY, "no_proxy": "a", "NO_PROXY": "b"}
    reach_directly(environ=environ)
    assert environ["no_proxy"] == "a,127.0.0.1,localhost,::1"
    assert environ["NO_PROXY"] == "b,127.0.0.1,localhost,::1"


def test_without_a_proxy_nothing_is_touched() -> None:
    environ = {"NO_PROXY": "a.example"}
    reach_directly(environ=environ)
    assert environ == {"NO_PROXY": "a.example"}


@pytest.mark.parametrize(
    ("host", "here"),
    [
        *[(one, True) for one in ("127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST", "go.localhost")],
        *[(one, False) for one in ("10.0.0.1", "db", "localhost.example.com", "127.example", "")],
    ],
)
def test_what_is_this_machine(host: str, here: bool) -> None:
    assert is_loopback(host) is here


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> str:
    """Behind which nothing is."""
    address = f"http://127.0.0.1:{free_port()}"
    for name in ("http_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, address)
    # Given, so that it is put back to it; and given in the one spelling, so that both are needed.
    monkeypatch.setenv("NO_PROXY", "a.example")
    monkeypatch.setenv("no_proxy", "")
    return address


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.3", "[::1]"])
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.usefixtures("proxy")
def test_clickhouse_on_this_machine_is_asked_itself(scheme: str, host: str) -> None:
    with pytest.raises(NoClickHouse) as failure:
        connect(f"{scheme}://{host}:{free_port()}/x")
    assert "proxy" not in str(failure.value)


@pytest.mark.usefixtures("proxy")
def test_clickhouse_elsewhere_is_asked_as_the_library_does_it() -> None:
    with pytest.raises(NoClickHouse, match="the proxy that the environment names: connection refused"):
        connect("http://192.0.2.1:8123/x")


@pytest.mark.usefixtures("proxy")
def test_other_libraries_hear_of_it_too() -> None:
    reach_directly()
    proxies = getproxies_environment()
    for host in ("127.0.0.1", "localhost", "::1"):
        assert proxy_bypass_environment(host, proxies)
    assert not proxy_bypass_environment("192.0.2.1", proxies)
    assert not proxy_bypass_environment(socket.gethostname() + ".example", proxies)
