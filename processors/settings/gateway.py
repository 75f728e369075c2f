"""Where the gateway listens, what it is called, whom it believes."""

from ipaddress import ip_network
from typing import Final
from urllib.parse import urlsplit

from pydantic import ByteSize, Field, field_validator

from processors.settings.part import Part, ReadableFile

GATEWAY_PORT: Final = 8787


class GatewaySettings(Part):
    """Of every gateway."""

    gateway_host: str = Field(
        default="127.0.0.1", min_length=1, description="Address that the gateway listens on; 0.0.0.0 for all."
    )
    gateway_port: int = Field(
        default=GATEWAY_PORT, ge=0, le=65_535, description="HTTP port of the gateway; 0 = any free one."
    )
    gateway_public_url: str | None = Field(
        default=None,
        description="How clients reach the gateways: https://api.example.com, with its path if any.",
    )
    gateway_memory: ByteSize = Field(
        default=ByteSize(256 * 1024 * 1024),
        ge=1024 * 1024,
        description="How much a gateway remembers of clicks and customers of the last minutes, as 256MiB.",
    )
    trusted_proxies: str = Field(
        default="",
        description="Proxies before the gateway, whose X-Forwarded-For counts: addresses or networks, with"
        " commas between.",
    )
    geoip_db: ReadableFile | None = Field(
        default=None, description="Where addresses are, an .mmdb file; none: countries, from the one shipped."
    )

    @field_validator("gateway_public_url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.query
            or parts.fragment
            or parts.username is not None
            or not url.isascii()
            or not url.isprintable()
            or " " in url
        ):
            raise ValueError("no address: write https://api.example.com")
        return url.rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        for one in text.split(","):
            if one.strip():
                try:
                    ip_network(one.strip(), strict=False)
                except ValueError:
                    raise ValueError("neither address nor network: write 10.0.0.0/8, 192.0.2.7") from None
        return text

    @property
    def proxies(self) -> tuple[str, ...]:
        """Addresses and networks of ``trusted_proxies``."""
        return tuple(one.strip() for one in self.trusted_proxies.split(",") if one.strip())
