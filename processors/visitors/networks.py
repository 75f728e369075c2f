"""Where a visitor is, as the delivery network says that brought the request."""

from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import unquote

from processors.visitors.countries import CONTINENTS
from processors.visitors.places import Place, country_code, label, made


class Network(NamedTuple):
    """The headers by which a delivery network says where it has seen a visitor."""

    country: str
    continent: str = ""
    region: str = ""
    city: str = ""
    latitude: str = ""
    longitude: str = ""


_NETWORKS: Final = (
    Network(
        "cf-ipcountry", "cf-ipcontinent", "cf-region-code", "cf-ipcity", "cf-iplatitude", "cf-iplongitude"
    ),
    Network(
        "cloudfront-viewer-country",
        "",
        "cloudfront-viewer-country-region",
        "cloudfront-viewer-city",
        "cloudfront-viewer-latitude",
        "cloudfront-viewer-longitude",
    ),
    Network(
        "x-vercel-ip-country",
        "x-vercel-ip-continent",
        "x-vercel-ip-country-region",
        "x-vercel-ip-city",
        "x-vercel-ip-latitude",
        "x-vercel-ip-longitude",
    ),
)


def told_by_network(headers: Mapping[str, str]) -> Place | None:
    """What a delivery network says; for requests that come from a trusted proxy. None: it says nothing, or
    that it does not know.

    ``headers``: by their names in lower case.
    """
    for network in _NETWORKS:
        country = country_code(headers.get(network.country))
        if country in CONTINENTS:
            continent, region, city, latitude, longitude = (headers.get(name) for name in network[1:])
            return made(
                country,
                country_code(continent),
                label(unquote(region or "")),
                label(unquote(city or "")),
                latitude,
                longitude,
            )
    return None
