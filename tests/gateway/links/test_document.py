"""A link as the API shows it."""

import json

from msgspec.json import encode

from processors.gateway.links.counters import Counters
from processors.gateway.links.document import document
from schemas.links import Link

KEYS = frozenset(
    (
        *("id", "domain", "key", "url", "shortLink", "qrCode", "externalId", "tenantId", "programId"),
        *("partnerId", "trackConversion", "archived", "rewrite", "doIndex", "publicStats", "expiresAt"),
        *("expiredUrl", "disabledAt", "ios", "android", "geo", "title", "description", "image", "video"),
        *("comments", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "userId"),
        *("workspaceId", "projectId", "clicks", "lastClicked", "leads", "conversions", "sales"),
        *("saleAmount", "createdAt", "updatedAt", "proxy", "password", "tags", "tagId", "folderId"),
        *("webhookIds", "testVariants", "testStartedAt", "testCompletedAt", "identifier"),
        "linkRetentionCleanupDisabledAt",
    )
)
_LINK = Link(
    id="link_01JDTT0000AAAAAAAAAAAAAAAA",
    workspace_id="acme",
    domain="go.example",
    key="Shop",
    url="https://example.com/?utm_source=news+letter&x=1",
    created_at=1_764_000_000_000,
    updated_at=1_764_000_000_001,
    user_id="key_1",
    track_conversion=True,
    expires_at=1_902_589_200_000,
    geo={"DE": "https://example.de"},
)


def test_it_has_exactly_the_keys_that_strict_readers_know() -> None:
    assert json.loads(encode(document(_LINK, "https://api.example"))).keys() == KEYS
    assert len(KEYS) == 53


def test_what_it_says() -> None:
    counters = Counters(7, 1_764_000_000_002, 5, 2, 3, 4_200)
    shown = json.loads(encode(document(_LINK, "https://api.example", counters)))
    assert {name: value for name, value in shown.items() if value not in (None, [], False, 0)} == {
        "id": "link_01JDTT0000AAAAAAAAAAAAAAAA",
        "domain": "go.example",
        "key": "Shop",
        "url": "https://example.com/?utm_source=news+letter&x=1",
        "shortLink": "https://go.example/Shop",
        "qrCode": "https://api.example/qr?url=https://go.example/Shop?qr=1",
        "trackConversion": True,
        "expiresAt": "2030-04-16T17:00:00.000Z",
        "geo": {"DE": "https://example.de"},
        "utm_source": "news letter",
        "userId": "key_1",
        "workspaceId": "acme",
        "projectId": "acme",
        "clicks": 7,
        "lastClicked": "2025-11-24T16:00:00.002Z",
        "leads": 5,
        "conversions": 2,
        "sales": 3,
        "saleAmount": 4200,
        "createdAt": "2025-11-24T16:00:00.000Z",
        "updatedAt": "2025-11-24T16:00:00.001Z",
    }


def test_without_numbers_they_are_zero() -> None:
    shown = document(_LINK, "https://api.example")
    assert (shown.clicks, shown.leads, shown.sales, shown.last_clicked) == (0, 0, 0, None)
