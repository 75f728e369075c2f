"""One value for every ClickHouse URL: what it says, what is shown of it, what is made of it."""

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from processors.clickhouse.connection import NoClickHouse, connect
from processors.clickhouse.url import ClickHouseUrl, masked
from processors.settings import Settings

PLANTED = "s3cr3t"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://default:@h:1/db", "http://default:@h:1/db"),
        ("http://h:1/db", "http://h:1/db"),
        ("http://u:p@h:1/db", "http://u:***@h:1/db"),
        ("http://u:p@p:p@h/db", "http://u:***@h/db"),
        ("https://:p@h/db", "https://:***@h/db"),
        ("https://u@h", "https://u@h"),
        ("http://u:p%2Fq@[::1]:8123/db", "http://u:***@[::1]:8123/db"),
        ("chdb:///some/path", "chdb:///some/path"),
    ],
)
def test_all_but_the_password_is_shown(url: str, shown: str) -> None:
    found = ClickHouseUrl.parse(url)
    assert str(found) == shown
    assert masked(url) == shown
    assert ClickHouseUrl.parse(found.secret()) == found


WRONG = [
    f"http://me:{PLANTED}/x@db:8123/leadstream",
    f"http://me:x/{PLANTED}@db:8123/leadstream",
    f"http://me:a?{PLANTED}@db:8123/leadstream",
    f"http://me:a#{PLANTED}@db:8123/leadstream",
    f"me:{PLANTED}@db:8123/leadstream",
    f"//me:{PLANTED}@db:8123/leadstream",
    f"http:me:{PLANTED}@db:8123/leadstream",
    f"http://db:8123/leadstream?password={PLANTED}",
    f"http://db:8123/leadstream?user=me&password={PLANTED}",
    f"http://db:8123/leadstream#{PLANTED}",
    f"http://db:8123/{PLANTED}/leadstream",
    f"http://db:{PLANTED}/leadstream",
    f"http://me:{PLANTED}@db:99999/leadstream",
    f"http://me:{PLANTED}@db:0/leadstream",
    f"http://me:{PLANTED}@/leadstream",
    f"http://me:{PLANTED}@[::1/leadstream",
    f"http://me:{PLANTED}@db:8123/lead`stream",
    f"http://me:{PLANTED}\n@db:8123/leadstream",
    f"http://me:{PLANTED}@db :8123/leadstream",
    f"clickhouse://me:{PLANTED}@db:9000/leadstream",
    f"chdb://me:{PLANTED}@db/path",
    f"chdb:relative/{PLANTED}",
    f"chdb:///path?password={PLANTED}",
    f"tcp://{PLANTED}",
    PLANTED,
    "",
]


@pytest.mark.parametrize("url", WRONG)
def test_what_is_none_is_refused_and_nothing_of_it_is_shown(url: str) -> None:
    assert masked(url) == "***"
    with pytest.raises(ValueError, match="not a ClickHouse URL") as refused:
        ClickHouseUrl.parse(url)
    with pytest.raises(NoClickHouse, match="not a ClickHouse URL") as failed:
        connect(url)
    assert failed.value.exit_code == 78
    with pytest.raises(ValidationError) as invalid:
        Settings(clickhouse_url=url)  # type: ignore[arg-type]
    for error in (refused.value, failed.value, invalid.value):
        assert PLANTED not in "".join(traceback.format_exception(error))


def test_no_representation_has_the_password() -> None:
    url = ClickHouseUrl.parse(f"http://me:{PLANTED}@db:8123/leadstream")
    settings = Settings(clickhouse_url=url.secret())  # type: ignore[arg-type]
    for text in (repr(url), str(url), f"{url}", repr(settings), str(settings), settings.model_dump_json()):
        assert PLANTED not in text


def test_parts_are_as_they_were_before_they_were_quoted() -> None:
    url = ClickHouseUrl.parse("https://m%40e:a%2Fb%3Ac%25@db/x")
    assert (url.user, url.password, url.host, url.port, url.database) == ("m@e", "a/b:c%", "db", None, "x")


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("http://h", "leadstream"),
        ("http://h/", "leadstream"),
        ("http://h/a", "a"),
        ("chdb:///p", "leadstream"),
    ],
)
def test_its_database(url: str, database: str) -> None:
    assert ClickHouseUrl.parse(url).database == database


def test_another_database() -> None:
    url = ClickHouseUrl.parse("http://u:p%2Fq@h:1/a")
    assert url.naming("b").secret() == "http://u:p%2Fq@h:1/b"
    with pytest.raises(ValueError, match="no name of a database"):
        url.naming("b`; DROP")
    with pytest.raises(ValueError, match="one database"):
        ClickHouseUrl.parse("chdb:///p").naming("b")


@given(user=st.text(min_size=1), password=st.text(min_size=1))
def test_any_user_and_any_password_survive_the_way_there_and_back(user: str, password: str) -> None:
    try:
        url = ClickHouseUrl("http", host="h", user=user, password=password, name="d")
        again = ClickHouseUrl.parse(url.secret())
    except UnicodeEncodeError:
        return  # half a character has no bytes
    assert again == url
    assert str(url).endswith(":***@h/d")
