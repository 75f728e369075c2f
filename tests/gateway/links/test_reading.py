"""What callers may say of a link, and what is refused, by name."""

from typing import Any

import pytest
from msgspec import ValidationError, convert

from processors.gateway.answers import ApiError, Code
from processors.gateway.links.addresses import page
from processors.gateway.links.bodies import LinkUpdate, ManyLinksUpdate, NewLink
from processors.gateway.links.reading import destination, domain_name, fields


def _new(**sent: Any) -> NewLink:
    return convert({"url": "https://example.com", **sent}, NewLink)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ({"title": " Shop ", "comments": ""}, {"title": "Shop", "comments": None}),
        ({"archived": None, "doIndex": True}, {"archived": False, "do_index": True}),
        ({"trackConversion": None}, {}),
        ({"trackConversion": False}, {"track_conversion": False}),
        ({"externalId": "ext_42"}, {"external_id": "42"}),
        ({"ios": "apps.apple.com/app/1"}, {"ios": "https://apps.apple.com/app/1"}),
        ({"expiredUrl": " "}, {"expired_url": None}),
        ({"geo": {"de": "https://example.de"}}, {"geo": {"DE": "https://example.de"}}),
        ({"geo": {}}, {"geo": None}),
        ({"expiresAt": "2030-04-16T17:00:00.000Z"}, {"expires_at": 1_902_589_200_000}),
        ({"expiresAt": "2030-04-16T17:00:00"}, {"expires_at": 1_902_589_200_000}),
        ({"expiresAt": "2030-04-16T19:00:00+02:00"}, {"expires_at": 1_902_589_200_000}),
        ({"expiresAt": "2030-04-16"}, {"expires_at": 1_902_528_000_000}),
        ({"expiresAt": ""}, {"expires_at": None}),
        ({"password": "", "tagIds": [], "tagNames": "", "proxy": False, "testVariants": None}, {}),
        ({"webhookIds": [], "folderId": None, "tagId": " ", "testStartedAt": None}, {}),
    ],
)
def test_fields(sent: dict[str, Any], read: dict[str, Any]) -> None:
    assert fields(_new(**sent)) == read


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"tagIds": ["a", "b"]}, "Invalid tagIds detected: a, b"),
        ({"tagIds": "a,b"}, "Invalid tagIds detected: a, b"),
        ({"tagId": "a"}, "Invalid tagIds detected: a"),
        ({"tagNames": ["red"]}, "Invalid tagNames detected: red"),
        ({"webhookIds": ["w"]}, "Invalid webhookIds detected: w"),
        ({"password": "secret"}, "not_supported: password: links have none here; leave it out"),
        ({"folderId": "f"}, "not_supported: folderId: links have none here; leave it out"),
        ({"testVariants": [{"url": "u"}]}, "not_supported: testVariants: links have none here; leave it out"),
        ({"proxy": True}, "not_supported: proxy: links have no previews of their own here; leave it out"),
        ({"ios": "javascript:alert(1)"}, "invalid_format: ios: expected an http:// or https:// URL"),
        ({"image": "data:image/png;base64,AA"}, "invalid_format: image: expected an http:// or https:// URL"),
        ({"geo": {"DE": "nowhere"}}, "invalid_format: geo.DE: expected an http:// or https:// URL"),
        (
            {"geo": {"Germany": "https://example.de"}},
            "invalid_format: geo: expected countries by two letters (ISO 3166-1 alpha-2)",
        ),
        (
            {"expiresAt": "tomorrow"},
            "invalid_format: expiresAt: expected ISO 8601, as 2030-01-31T12:00:00Z, from 2000 on",
        ),
        (
            {"expiresAt": "0001-01-01T00:00:00+14:00"},
            "invalid_format: expiresAt: expected ISO 8601, as 2030-01-31T12:00:00Z, from 2000 on",
        ),
    ],
)
def test_refused_by_name(sent: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiError) as refused:
        fields(_new(**sent))
    assert (refused.value.code, refused.value.message) == (Code.UNPROCESSABLE_ENTITY, message)


@pytest.mark.parametrize(
    "sent",
    [
        {"key": "k" * 191},
        {"keyLength": 2},
        {"keyLength": 191},
        {"keyLength": 7.5},
        {"externalId": "e" * 256},
        {"utm_source": "u" * 256},
        {"title": "t" * 4_001},
        {"url": "https://example.com/" + "x" * 32_000},
        {"geo": {f"{number}": "https://example.com" for number in range(301)}},
        {"url": None},
        {"archived": "yes"},
    ],
)
def test_no_field_is_longer_or_other_than_it_may_be(sent: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _new(**sent)


def test_what_sdks_write_as_a_float_is_a_number() -> None:
    assert _new(keyLength=9.0).key_length == 9


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://example.com", "https://example.com"),
        (" HTTP://Example.com/a b?q=%zz#f ", "HTTP://Example.com/a b?q=%zz#f"),
        ("example.com", "https://example.com"),
        ("example.com:8080/x?y=https://z", "https://example.com:8080/x?y=https://z"),
        ("https://localhost:3000/", "https://localhost:3000/"),
        ("https://[::1]:3000/", "https://[::1]:3000/"),
        ("https://münchen.example/straße", "https://münchen.example/straße"),
        ("https://user:pass@example.com/", "https://user:pass@example.com/"),
    ],
)
def test_destinations(text: str, url: str) -> None:
    assert page(text) == url


@pytest.mark.parametrize(
    "text",
    [
        *("", "invalid", "javascript:alert(1)", "ftp://example.com", "mailto:a@example.com", "//example.com"),
        *(
            "https://",
            "https:///path",
            "https://exa mple.com",
            "https://example.com:99999",
            "https://a\\@b.example",
        ),
        *("https://example.com/\r\nSet-Cookie:a=b", "https://example.com/\x00", "https://example.com:0/"),
        *("data:text/html,x", "evil.js:alert(1)", "https://exam<ple.com", "https://a.example/\ud800"),
    ],
)
def test_no_destinations(text: str) -> None:
    with pytest.raises(ApiError, match=r"^Invalid destination URL$"):
        page(text)


def test_utm_fields_are_written_into_the_destination() -> None:
    made = destination(_new(utm_source=" s ", utm_medium="", ref="r", utm_term=None))
    assert made == "https://example.com/?utm_source=s&ref=r"


@pytest.mark.parametrize(
    ("sent", "url"),
    [
        ({}, "https://old.example/?utm_source=s&x=1"),
        ({"utm_source": ""}, "https://old.example/?x=1"),
        ({"utm_source": None}, "https://old.example/?x=1"),
        ({"utm_medium": "m"}, "https://old.example/?utm_source=s&x=1&utm_medium=m"),
        ({"url": "https://new.example/p"}, "https://new.example/p?utm_source=s"),
        ({"url": "https://new.example/p", "utm_source": ""}, "https://new.example/p"),
        ({"url": "https://new.example/?utm_source=n"}, "https://new.example/?utm_source=n"),
    ],
)
def test_utm_fields_and_destination_stay_the_same_when_one_is_changed(sent: dict[str, Any], url: str) -> None:
    assert destination(convert(sent, LinkUpdate), "https://old.example/?utm_source=s&x=1") == url


def test_a_destination_may_not_grow_longer_than_a_click_can_name() -> None:
    url = "https://example.com/" + "x" * 31_980
    with pytest.raises(ApiError, match=r"^too_big: url: at most 32000 characters$"):
        destination(_new(url=url, utm_source="s"))


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        (None, None),
        (" ", None),
        ("GO.Example.COM", "go.example.com"),
        ("a b", "a b"),
        ("gö.de", "xn--g-1ga.de"),
    ],
)
def test_domains(sent: str | None, name: str | None) -> None:
    assert domain_name(sent) == name


def test_what_many_links_are_to_be_like_changes_no_names() -> None:
    sent = {"data": {"key": "k", "domain": "d", "externalId": "e", "title": "t"}, "linkIds": ["l"]}
    assert fields(convert(sent, ManyLinksUpdate).data) == {"title": "t"}
