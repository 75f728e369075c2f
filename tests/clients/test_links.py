"""Links and customers as the SDKs make, change, list and read them: each refuses what it does not expect."""

import pytest

from tests.clients.sdk import Sdk
from tests.clients.system import System
from tests.integration.gateways import DOMAIN
from tests.integration.stack import wait_for

pytestmark = pytest.mark.integration

URL = "https://example.com/landing"


def test_one_link_from_its_beginning_to_its_end(sdk: Sdk) -> None:
    external_id = f"ext/{sdk.release} ü"
    made = sdk(
        "links.create",
        {
            "url": URL,
            "domain": DOMAIN,
            "prefix": "sdk",
            "keyLength": 9,
            "externalId": external_id,
            "tenantId": sdk.release,
            "expiresAt": "2100-01-01",
            "geo": {"DE": "https://example.com/de"},
        },
    )
    assert made["key"].startswith("sdk/")
    assert len(made["key"]) == len("sdk/") + 9
    assert (made["trackConversion"], made["geo"]) == (False, {"DE": "https://example.com/de"})
    assert made["shortLink"] == f"https://{DOMAIN}/{made['key']}"
    assert made["qrCode"].startswith(f"{sdk.base_url}/qr?url=")
    for asked in (
        {"linkId": made["id"]},
        {"domain": DOMAIN, "key": made["key"]},
        {"externalId": external_id},
    ):
        assert sdk("links.get", asked)["id"] == made["id"]
    changed = sdk("links.update", made["id"], {"title": "Spring", "expiresAt": None, "trackConversion": True})
    assert (changed["title"], changed["expiresAt"], changed["trackConversion"]) == ("Spring", None, True)
    assert (changed["geo"], changed["tenantId"], changed["key"]) == (
        made["geo"],
        sdk.release,
        made["key"],
    )
    assert sdk("links.delete", made["id"]) == {"id": made["id"]}
    assert sdk.fails("links.get", {"linkId": made["id"]}).status == 404


def test_a_link_that_is_there_or_else_made(sdk: Sdk) -> None:
    wanted = {"url": f"{URL}?upsert={sdk.release}", "domain": DOMAIN}
    made = sdk("links.upsert", wanted)
    assert sdk("links.upsert", wanted | {"title": "Again"})["id"] == made["id"]
    assert sdk("links.get", {"linkId": made["id"]})["title"] == "Again"


def test_many_at_once(sdk: Sdk) -> None:
    """Those that could not be made are told beside those that were."""
    tenant = f"many-{sdk.release}"
    wanted = [
        {"url": f"{URL}/{number}", "domain": DOMAIN, "key": f"{tenant}-{number // 2 * 2}", "tenantId": tenant}
        for number in range(4)
    ]
    made = sdk("links.createMany", wanted)
    links = [one for one in made if "id" in one]
    assert [one["key"] for one in links] == [f"{tenant}-0", f"{tenant}-2"]
    assert len(made) == 4
    ids = [one["id"] for one in links]
    changed = sdk("links.updateMany", {"linkIds": ids, "data": {"comments": "checked"}})
    assert sorted(one["id"] for one in changed) == sorted(ids)
    assert {one["comments"] for one in sdk("links.list", {"tenantId": tenant})} == {"checked"}
    assert sdk("links.count", {"tenantId": tenant}) == 2
    assert sdk("links.deleteMany", {"linkIds": ids}) == {"deletedCount": 2}
    assert sdk("links.count", {"tenantId": tenant}) == 0


def test_lists_come_whole(sdk: Sdk) -> None:
    """Page by page, newest first."""
    tenant = f"pages-{sdk.release}"
    wanted = [{"url": f"{URL}/{number}", "domain": DOMAIN, "tenantId": tenant} for number in range(5)]
    made = [one["id"] for one in sdk("links.createMany", wanted)]
    listed = sdk("links.list", {"tenantId": tenant, "pageSize": 2})
    assert [one["id"] for one in listed] == sorted(made, reverse=True)
    assert sdk("links.list", {"tenantId": tenant, "search": "landing/3"})[0]["url"] == f"{URL}/3"


def test_customers(system: System, sdk: Sdk) -> None:
    """Also one without a name, and one that is only pending."""
    link = sdk("links.create", {"url": URL, "domain": DOMAIN, "trackConversion": True})
    ids = [f"customer-{sdk.release}-{number}" for number in range(2)]
    for customer, mode in zip(ids, ("deferred", "wait"), strict=True):
        lead = {"clickId": system.click(link["key"]), "eventName": "Sign Up", "customerExternalId": customer}
        sdk("track.lead", lead | {"mode": mode})
    system.stack.wait_until_processed()
    [pending] = sdk("customers.list", {"externalId": ids[0], "includeExpandedFields": True})
    assert (pending["externalId"], pending["name"], pending["email"]) == (ids[0], ids[0], None)
    assert (pending["link"]["id"], pending["link"]["key"]) == (link["id"], link["key"])
    # Those before it do not know how to go on to a next page, or fail to: all come with the first one.
    size = {"pageSize": 1} if sdk.release == "node-0.73.5" else {}
    listed = sdk("customers.list", {"search": f"customer-{sdk.release}", **size})
    assert sorted(one["externalId"] for one in listed) == ids
    assert sdk("customers.get", {"id": pending["id"]})["externalId"] == ids[0]
    assert sdk("customers.get", {"id": f"ext_{ids[0]}"})["id"] == pending["id"]

    counted = {"clicks": 2, "leads": 1}
    wait_for(
        lambda: counted.items() <= sdk("links.get", {"linkId": link["id"]}).items(),
        30,
        lambda: f"counters stay at {sdk('links.get', {'linkId': link['id']})}",
    )
    assert sdk("customers.delete", pending["id"]) == {"id": pending["id"]}
    again = {"clickId": "", "eventName": "Sign Up", "customerExternalId": ids[0]}
    assert sdk.fails("track.lead", again).name == "Forbidden"
