"""A workspace becomes what a file says of it, and no file that is wrong changes anything."""

import json
from itertools import count
from typing import Any

import pytest

from processors.errors import CheckFailed
from processors.registry.changes import DomainTaken, rotate
from processors.registry.import_file import FORMAT, MOST_FINDINGS, ImportRefused, read_import
from processors.registry.importing import KeyOfOther, link_change, workspace_change
from processors.registry.keys import hash_of, issue
from processors.registry.link_changes import DomainNotOfWorkspace, KeyTaken, LinkExists
from processors.registry.registries import Change, Made, Registries, each
from schemas.links import Link
from schemas.registry import ApiKey, Domain, KeyRole, Limits, Workspace
from tests.registry.links import NOW, registries, workspace

LATER = NOW + 1_000
NUMBERS = count()
SECRET = "dub_0123456789abcdefghijkl"  # noqa: S105 - made up
FILE: dict[str, Any] = {
    "workspaceId": "initech",
    "keys": [
        {"secret": SECRET, "id": "key_old", "createdAt": "2026-01-31T12:00:00Z"},
        {"secret": "dub_pk_0123456789abcdef", "role": "publishable", "expiresAt": NOW},
    ],
    "domains": [
        {"slug": "old.link", "expiredUrl": "https://initech.com/late"},
        {"slug": "Go.Initech.com", "primary": True},
    ],
    "hostnames": ["initech.com", "*.Initech.com"],
    "limits": {"secret": 5},
    "trackConversion": True,
    "links": [
        {"key": "promo", "url": "https://initech.com/", "id": "link_given", "createdAt": NOW - 7},
        {"key": "Mixed/Case", "url": "https://initech.com/2", "domain": "old.link", "trackConversion": False},
        {
            "key": "partner",
            "url": "https://initech.com/3",
            "partnerId": "pn_1",
            "geo": {"DE": "https://i.de/"},
        },
    ],
}


def changes(file: dict[str, Any], now_ms: int = NOW) -> Change[list[Any]]:
    wanted = read_import(json.dumps(file, indent=1).encode(), now_ms)
    links = [link_change(one, lambda _: next(NUMBERS)) for one in wanted.links]
    return each([workspace_change(wanted, "salt"), *links])


def done(held: Registries, file: dict[str, Any], now_ms: int = NOW) -> Made[list[Any]]:
    """Raises what went wrong first."""
    made = changes(file, now_ms)(held.draft())
    for error in made.result:
        if isinstance(error, Exception):
            raise error
    held.apply(made)
    return made


@pytest.fixture
def held() -> Registries:
    held = registries()
    done(held, FILE)
    return held


def test_everything_that_it_says(held: Registries) -> None:
    found = held.workspaces.workspace("initech")
    assert found is not None
    assert found.domains == (
        Domain(slug="go.initech.com"),
        Domain(slug="old.link", expired_url="https://initech.com/late"),
    )
    assert (found.hostnames, found.limits) == (("initech.com", "*.initech.com"), Limits(secret=5))
    assert (found.track_conversion, found.visitor_salt) == (True, "salt")
    holder = held.workspaces.holder(SECRET, NOW)
    assert holder is not None
    assert holder.key == ApiKey(
        id="key_old",
        role=KeyRole.SECRET,
        hash=hash_of(SECRET),
        prefix="dub_01",
        created_at=1_769_860_800_000,
    )
    assert held.workspaces.holder("dub_pk_0123456789abcdef", NOW) is None, "it has expired"
    assert [one.id for one in found.keys] == ["key_old", "key_" + hash_of("dub_pk_0123456789abcdef")[:24]]
    given = held.links.get("link_given")
    assert given is not None
    assert (given.domain, given.created_at, given.track_conversion) == ("go.initech.com", NOW - 7, True)
    other = held.links.at("old.link", "mixed/case")
    assert other is not None
    assert (other.key, other.track_conversion, other.created_at) == ("Mixed/Case", False, NOW)
    partners = held.links.at("go.initech.com", "partner")
    assert partners is not None
    assert (partners.partner_id, partners.geo) == ("pn_1", {"DE": "https://i.de/"})


def test_once_more_it_changes_nothing(held: Registries) -> None:
    made = done(held, FILE, LATER)
    assert not [one for one in made.put if not held.holds(one)]


def test_what_it_does_not_name_stays(held: Registries) -> None:
    key = issue(KeyRole.SECRET, NOW, lambda count: (5).to_bytes(count))
    held.apply(rotate("initech", key.record, overlap_ms=500)(held))
    done(held, {"workspaceId": "initech", "links": [{**FILE["links"][1], "title": "New"}]}, LATER)
    found = held.workspaces.workspace("initech")
    assert found is not None
    assert [one.slug for one in found.domains] == ["go.initech.com", "old.link"]
    assert (found.limits.secret, found.hostnames[0], len(found.keys)) == (5, "initech.com", 2)
    assert len(held.links.of("initech")) == 3
    changed = held.links.at("old.link", "Mixed/Case")
    assert changed is not None
    assert (changed.title, changed.created_at, changed.updated_at) == ("New", NOW, LATER)
    done(held, {"workspaceId": "initech", "keys": FILE["keys"][:1]}, LATER)
    assert held.workspaces.holder(SECRET, LATER) is None, "a key that is about to be rotated away stays so"


@pytest.mark.parametrize(
    ("file", "error"),
    [
        ({"domains": [{"slug": "acme.link"}]}, DomainTaken),
        ({"keys": [{"secret": SECRET}]}, KeyOfOther),
        ({"links": [{"key": "k", "url": "https://a.com", "domain": "acme.link"}]}, DomainNotOfWorkspace),
        (
            {
                "domains": [{"slug": "n.link"}],
                "links": [{"key": "k", "url": "https://a.com", "id": "link_given"}],
            },
            LinkExists,
        ),
    ],
)
def test_what_others_have_stays_theirs(
    held: Registries, file: dict[str, Any], error: type[CheckFailed]
) -> None:
    with pytest.raises(error):
        done(held, {"workspaceId": "umbrella", **file})


def test_an_address_that_another_link_has(held: Registries) -> None:
    link = {"key": "PROMO", "url": "https://a.com", "domain": "go.initech.com"}
    with pytest.raises(KeyTaken):
        done(held, {"workspaceId": "initech", "links": [{**link, "id": "link_other"}]})
    done(held, {"workspaceId": "initech", "links": [link]})
    changed = held.links.get("link_given")
    assert changed is not None
    assert (changed.key, changed.url, changed.created_at) == ("PROMO", "https://a.com", NOW - 7)


@pytest.mark.parametrize(
    ("file", "finding"),
    [
        ({"workspaceId": "null"}, "workspaceId: 'null' is what client code sends"),
        ({"keys": [{"secret": "short"}]}, "line 4: keys[0]: secret: a key has at least 16 characters"),
        ({"keys": [{"secret": "leadstream_sk_" + "x" * 39}]}, "line 4: keys[0]: secret: begins like a key"),
        ({"keys": [{"secret": SECRET, "role": "x"}]}, "line 4: keys[0]: role: Invalid enum value 'x'"),
        ({"domains": [{"slug": "https://a.com"}]}, "line 4: domains[0]: slug: 'https://a.com' is no name"),
        ({"hostnames": ["a b"]}, "hostnames[0]: 'a b' is no name"),
        ({"limits": {"visitor": 0}}, "limits.visitor: Expected `int` >= 1"),
        ({"links": [{"key": "k"}]}, "line 4: links[0]: url: required"),
        ({"links": [{"key": "a?b"}]}, "line 4: links[0]: key: a key has at most 190"),
        ({"links": [{"key": "k" * 191}]}, "line 4: links[0]: key: a key has at most 190"),
        ({"links": [{"url": "javascript:1"}]}, "line 4: links[0]: url: 'javascript:1' is no URL"),
        ({"links": [{"geo": {"DE": "x"}}]}, "line 4: links[0]: geo.DE: 'x' is no URL"),
        ({"links": [{"id": "ext_1"}]}, "line 4: links[0]: id: begins with ext_"),
        ({"links": [{"externalId": "null"}]}, "line 4: links[0]: externalId: 'null' is what"),
        ({"links": [{"createdAt": 7}]}, "line 4: links[0]: createdAt: 7 is not"),
        ({"links": [{"createdAt": "2026-01-01T00:00:00"}]}, "line 4: links[0]: createdAt: a time without"),
        ({"links": [{"exernalId": "1"}]}, "line 4: links[0]: Object contains unknown field `exernalId`"),
        ({"links": [{"domain": None}]}, "line 4: links[0]: domain: is missing"),
        ({"links": [{}, {}]}, "line 9: links[1]: key: the same as of line 4: links[0]"),
        ({"links": [{"id": "a"}, {"id": "a", "key": "z"}]}, "links[1]: id: the same as of line 4: links[0]"),
        ({"linsk": []}, "Object contains unknown field `linsk`"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(file: dict[str, Any], finding: str) -> None:
    whole = {"workspaceId": "initech", **file}
    if "links" in file:
        least = {"key": "k", "url": "https://a.com/", "domain": "a.com"}
        needed = least if finding.count("required") == 0 else {}
        whole["links"] = [{**needed, **one} for one in file["links"]]
    with pytest.raises(ImportRefused) as caught:
        read_import(json.dumps(whole, indent=1).encode(), NOW)
    (found,) = caught.value.findings
    assert finding in found
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "finding"),
    [
        (b'{"workspaceId":\n\n]', "line 3: JSON is malformed"),
        (b"[]", "Expected `object`"),
        (b'{"workspaceId":"\xff"}', "utf-8"),
    ],
)
def test_what_is_no_file_of_ours(data: bytes, finding: str) -> None:
    with pytest.raises(ImportRefused, match=finding):
        read_import(data, NOW)


def test_not_more_is_said_than_anybody_reads() -> None:
    links = [{"key": "", "url": ""}] * 100
    with pytest.raises(ImportRefused) as caught:
        read_import(json.dumps({"workspaceId": "a", "links": links}).encode(), NOW)
    assert len(caught.value.findings) == MOST_FINDINGS


def test_the_help_names_every_field() -> None:
    for name in [
        *FILE,
        *(one for part in ("keys", "domains", "links") for field in FILE[part] for one in field),
    ]:
        assert name in FORMAT
    left_out = {"workspace_id", "idempotency"}
    for name in Link.__struct_fields__:
        camel = name.split("_")[0] + "".join(map(str.capitalize, name.split("_")[1:]))
        assert camel in FORMAT or name in left_out


def test_a_workspace_of_a_release_without_salt_gets_one() -> None:
    held = registries()
    done(held, {"workspaceId": "acme"})
    assert held.workspaces.workspace("acme") == Workspace(
        workspace_id="acme",
        domains=workspace("acme", "go.acme.com", "acme.link").domains,
        visitor_salt="salt",
    )
