"""Where a gateway is and whom it believes: what is written wrongly ends it at once."""

import pytest
from pydantic import ValidationError

from processors.settings import Settings


@pytest.mark.parametrize(
    ("text", "proxies"),
    [("", ()), ("10.0.0.0/8", ("10.0.0.0/8",)), (" 192.0.2.7, fd00::/8 ,", ("192.0.2.7", "fd00::/8"))],
)
def test_proxies(text: str, proxies: tuple[str, ...]) -> None:
    assert Settings(trusted_proxies=text).proxies == proxies


@pytest.mark.parametrize("text", ["proxy", "10.0.0.0/33", "10.0.0.1;10.0.0.2", "*"])
def test_what_is_no_proxy(text: str) -> None:
    with pytest.raises(ValidationError, match="neither address nor network"):
        Settings(trusted_proxies=text)


@pytest.mark.parametrize(
    "url", ["https://api.example.com", "http://127.0.0.1:8787/", "https://x.test/leads/"]
)
def test_public_urls_end_without_a_slash(url: str) -> None:
    assert Settings(gateway_public_url=url).gateway_public_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "api.example.com",
        "ftp://x.test",
        "https://",
        "https://x.test?a=1",
        "https://u:p@x.test",
        "https://x y",
    ],
)
def test_what_is_no_public_url(url: str) -> None:
    with pytest.raises(ValidationError, match="no address"):
        Settings(gateway_public_url=url)


def test_memory_has_a_unit() -> None:
    assert Settings.model_validate({"gateway_memory": "64MiB"}).gateway_memory == 64 * 1024 * 1024
    with pytest.raises(ValidationError):
        Settings.model_validate({"gateway_memory": "64 apples"})
