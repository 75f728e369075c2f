"""Views that are saved and shared, over HTTP: as browsers do it, and as those who would like to do it try."""

import logging
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import pytest

from processors.errors import Unavailable
from processors.gateway.answers import ApiError, Code, TryAgain
from processors.gateway.asking import NO_ANSWER, Ask
from processors.gateway.dashboard.keeping import SHARED_AT
from processors.gateway.dashboard.pages import POLICY
from processors.gateway.dashboard.signing_in import SIGN_IN
from processors.gateway.dashboard.views import CUSTOMER, KEPT, SHARED, VIEWS
from processors.registry.keys import new_token
from processors.registry.view_changes import issue_link
from schemas.registry import Limits, encode_workspace
from schemas.times import DAY_MS
from schemas.views import SavedView, WorkspaceViews
from tests.gateway.dashboard.serving import OTHER, SECRET, Dashboard

NOW: Final = 1_800_000_000_000
BASE: Final = "http://localhost:8787"
FORMS: Final = ("save", "rename", "forget", "share", "revoke")


class Store:
    """ClickHouse to which nothing has ever happened, and which knows what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, object]] = []
        self.sql: list[str] = []
        self.fails: dict[str, Exception] = {}

    async def ask(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Any]:
        self.asked.append(parameters)
        self.sql.append(sql)
        for part, error in self.fails.items():
            if part in sql:
                raise error
        if "groupUniqArray" in sql:
            return [((0, [], []), [], [])]
        if "sales > 0" in sql:
            return [(5, 4, 3, 2, 1, 1)]
        return [("late", "", 0, "0")] if "'late'" in sql else []


@asynccontextmanager
async def stranger(there: Dashboard, base: str = BASE) -> AsyncIterator[httpx.AsyncClient]:
    """Each has an address of his own."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=there.app), base_url=base, headers={"x-from": "192.0.2.9"}
    ) as client:
        yield client


@asynccontextmanager
async def signed_in(there: Dashboard, key: str = SECRET.text) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=there.app),
        base_url=BASE,
        headers={"Origin": BASE, "x-from": f"192.0.2.{1 + (key != SECRET.text)}"},
    ) as client:
        assert (await client.post(SIGN_IN, data={"key": key})).status_code == 303
        yield client


def dashboard(ask: Ask | None = None) -> Dashboard:
    return Dashboard(ask or Store().ask, now_ms=NOW)


def views(there: Dashboard, workspace_id: str = "acme") -> WorkspaceViews:
    return there.registry.contents.views(workspace_id)


async def shared(client: httpx.AsyncClient, address: str = "/?country=DE", **fields: Any) -> str:
    """The path of a link."""
    answer = await client.post(f"{KEPT}/share", data={"address": address, **fields})
    assert answer.status_code == 200, answer.text
    [link] = re.findall(rf'value="{BASE}({SHARED_AT}/leadstream_share_[0-9A-Za-z]+)"', answer.text)
    return str(link)


async def test_a_link_shows_the_view_to_whoever_has_it() -> None:
    store = Store()
    there = dashboard(store.ask)
    async with signed_in(there) as client, stranger(there) as other:
        link = await shared(client, "/?country=DE&interval=7d&tab=sales", name="For Lantern")
        store.asked.clear()
        answer = await other.get(link)
        assert answer.status_code == 200
        assert "For Lantern" in answer.text
        assert "until</span> 14 Feb 2027" in answer.text
        assert 'id="tab-sales" aria-controls="panel" aria-selected="true"' in answer.text
        assert {one["workspace"] for one in store.asked} == {"acme"}
        assert all(one["filter_0"] == ["DE"] for one in store.asked if "filter_0" in one)
        assert any("filter_0" in one for one in store.asked)


async def test_what_a_shared_page_says_to_browsers() -> None:
    there = dashboard()
    async with signed_in(there) as client, stranger(there) as other:
        for link in (await shared(client), f"{SHARED_AT}/leadstream_share_x"):
            answer = await other.get(link)
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Content-Security-Policy"] == POLICY
            assert "Set-Cookie" not in answer.headers


async def test_it_leads_nowhere_else() -> None:
    """Neither to lists of people, nor to files, nor to other filters; and no form is on it."""
    there = dashboard()
    async with signed_in(there) as client, stranger(there) as other:
        for address, drawn in (
            ("/?country=DE", "basis=events"),
            ("/?country=DE", "basis=cohort"),
            ("/?basis=cohort&payWithin=1m", ""),
            ("/dashboard/partners?utm_campaign=autumn", ""),
        ):
            link = await shared(client, address)
            page = (await other.get(f"{link}?{drawn}")).text
            found = {one.partition("?")[0] for one in re.findall(r'href="(/[^"]*)"', page)}
            assert all(one == link or re.search(r"\.(css|js|woff2)$", one) for one in found), found
            assert "<form" not in page
            assert ("pay within 1 month" in page) is ("payWithin" in address)
            for path in [*(path for path, _ in VIEWS), CUSTOMER, KEPT, "/dashboard/events.csv"]:
                assert (await other.get(path)).status_code == 401


@pytest.mark.parametrize(
    "asked",
    [
        "country=US",
        "country=",
        "partnerId=x&country=-DE",
        "interval=1y&groupBy=linkId",
        "timezone=Asia/Tehran",
    ],
)
async def test_no_address_makes_it_wider(asked: str) -> None:
    store = Store()
    there = dashboard(store.ask)
    async with signed_in(there) as client, stranger(there) as other:
        link = await shared(client, "/?country=DE&start=2026-11-01&end=2026-11-07")
        store.asked.clear()
        await other.get(link)
        plain, store.asked = store.asked, []
        await other.get(f"{link}?{asked}")
        assert sorted(map(str, store.asked)) == sorted(map(str, plain))


async def test_strangers_ask_apart_from_the_workspace() -> None:
    own, theirs = Store(), Store()
    there = Dashboard(own.ask, now_ms=NOW, ask_shared=theirs.ask)
    async with signed_in(there) as client, stranger(there) as other:
        links = [await shared(client, path) for path in SHARED]
        own.asked.clear()
        for link in links:
            theirs.asked.clear()
            assert (await other.get(link)).status_code == 200
            assert theirs.asked
    assert own.asked == []


async def test_days_are_fixed_and_an_interval_moves() -> None:
    store = Store()
    there = dashboard(store.ask)
    async with signed_in(there) as client, stranger(there) as other:
        links = [
            await shared(client, f"/?{one}") for one in ("interval=7d", "start=2027-01-01&end=2027-01-02")
        ]
        spans = []
        for there.now_ms in (NOW, NOW + 3 * DAY_MS):
            for link in links:
                store.asked.clear()
                await other.get(link)
                spans.append(next(one["start"] for one in store.asked if "start" in one))
        assert spans[2] == int(str(spans[0])) + 3 * DAY_MS
        assert spans[3] == spans[1]


async def test_it_ends_by_itself_or_when_it_is_revoked() -> None:
    there = dashboard()
    async with signed_in(there) as client, stranger(there) as other:
        short, long = await shared(client, days=7), await shared(client, days=90)
        there.now_ms = NOW + 7 * DAY_MS
        answer = await other.get(short)
        assert answer.status_code == 410
        assert "This link was open until 22 Jan 2027" in answer.text
        assert (await other.get(long)).status_code == 200
        assert (await client.get(KEPT)).status_code == 401, "sessions end as well"
        await client.post(SIGN_IN, data={"key": SECRET.text})
        page = await client.get(KEPT)
        assert "Expired, made with leadstream_sk_" in page.text
        [opens] = [one for one in views(there).shared if one.opens(there.now_ms)]
        assert (await client.post(f"{KEPT}/revoke", data={"id": opens.id})).status_code == 303
        answer = await other.get(long)
        assert answer.status_code == 404
        assert "was revoked" in answer.text


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("leadstream_share_no", "not whole"),
        (SECRET.text, "was revoked"),
        ("%3Cscript%3E", "was revoked"),
        (new_token(lambda count: b"g" * count), "was revoked"),
    ],
)
async def test_tokens_that_open_nothing(token: str, said: str) -> None:
    there = dashboard()
    async with signed_in(there) as client, stranger(there) as other:
        await shared(client)
        answer = await other.get(f"{SHARED_AT}/{token}")
        assert answer.status_code == 404
        assert said in answer.text
        assert token not in answer.text
        # A token is no key, and lets nobody in.
        assert (
            await other.get("/analytics", headers={"Authorization": f"Bearer {token}"})
        ).status_code == 404


async def test_nobody_tries_many_tokens() -> None:
    async with stranger(dashboard()) as other:
        link = f"{SHARED_AT}/{new_token(lambda count: b'g' * count)}"
        answers = [await other.get(link) for _ in range(Limits().visitor + 1)]
        assert [one.status_code for one in answers] == [404] * Limits().visitor + [429]
        assert answers[-1].headers["Retry-After"] == "1"
        assert "This link is not open" in answers[-1].text


async def test_a_link_that_was_made_a_moment_ago_elsewhere() -> None:
    there, elsewhere = dashboard(), dashboard()
    async with signed_in(elsewhere) as client, stranger(there) as other:
        link = await shared(client)
        there.registry.behind.append(views(elsewhere))
        assert (await other.get(link)).status_code == 200


async def test_stores_that_are_away() -> None:
    store = Store()
    there = dashboard(store.ask)
    async with signed_in(there) as client, stranger(there) as other:
        link = await shared(client)
        store.fails = {"edges:Array": TryAgain(NO_ANSWER)}
        assert "ClickHouse did not answer within 5 s" in (await other.get(link)).text
        store.fails = {"edges:Array": ApiError(Code.UNPROCESSABLE_ENTITY, "too much")}
        page = (await other.get(link)).text
        assert "<b>Too much for one question</b>" in page
        assert "choose a shorter period" not in page
        there.registry.fails = Unavailable("no broker")
        # What is known opens without Kafka; of what is not nothing is said.
        assert (await other.get(link)).status_code == 200
        answer = await other.get(f"{SHARED_AT}/{new_token(lambda count: b'g' * count)}")
        assert answer.status_code == 503
        assert "cannot be told now" in answer.text
        answer = await client.post(f"{KEPT}/save", data={"name": "Mine", "address": "/"})
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert "It may have been done or not" in answer.text


@pytest.mark.parametrize(
    ("form", "fields", "said"),
    [
        ("share", {"address": "/dashboard/events"}, "Only Overview and Partners are shared"),
        ("share", {"address": "/?externalId=u1"}, "Not shared with strangers: External id of the link"),
        ("share", {"address": "/dashboard/partners?url=x&tenantId=t"}, "Tenant, Destination"),
        ("share", {"address": "/?metadata.plan=pro"}, "Not shared with strangers: metadata.plan"),
        ("share", {"address": "/", "days": "365"}, "A link opens for 7, 30, 90 days"),
        ("share", {"address": "https://evil.test/"}, "no address of a view"),
        ("save", {"address": "/"}, "Give the view a name"),
        ("save", {"address": "/", "name": "x" * 61}, "at most 60 characters"),
        ("save", {"address": "//evil.test/", "name": "x"}, "no address of a view"),
        ("save", {"address": "/dashboard/customers?search=ann", "name": "x"}, "about a person"),
        ("rename", {"id": "view_none", "name": "x"}, "not there any more"),
    ],
)
async def test_what_is_not_kept_is_told(form: str, fields: dict[str, str], said: str) -> None:
    there = dashboard()
    async with signed_in(there) as client:
        answer = await client.post(f"{KEPT}/{form}", data=fields)
        assert answer.status_code in (409, 422)
        assert 'role="alert"' in answer.text
        assert said in answer.text
        assert views(there) == WorkspaceViews(workspace_id="acme")


async def test_a_name_for_an_address() -> None:
    there = dashboard()
    async with signed_in(there) as client:
        page = (await client.get("/dashboard/partners?country=-DE&interval=90d")).text
        [of] = re.findall(r'href="(/dashboard/views\?of=[^"]*)"', page)
        page = (await client.get(of)).text
        [address] = re.findall(r'name="address" value="([^"]*)"', page)[:1]
        answer = await client.post(
            f"{KEPT}/save", data={"name": "<b>Not</b> Germany", "address": address.replace("&amp;", "&")}
        )
        back = "/dashboard/partners?interval=90d&country=-DE"
        assert (answer.status_code, answer.headers["Location"]) == (303, back)
        written = back.replace("&", "&amp;")
        for path, _ in VIEWS:
            page = (await client.get(path)).text
            assert f'<a href="{written}"><bdi>&lt;b&gt;Not&lt;/b&gt; Germany</bdi></a>' in page
        assert f'<a href="{written}" aria-current="true">' in (await client.get(back)).text
        one = views(there).saved[0]
        await client.post(f"{KEPT}/rename", data={"id": one.id, "name": "Elsewhere"})
        page = (await client.get(KEPT)).text
        assert "Elsewhere" in page
        assert "Partners, 90d, by Partner, Country is not DE" in page
        await client.post(f"{KEPT}/forget", data={"id": one.id})
        assert "No view has a name yet" in (await client.get("/")).text


async def test_a_search_for_a_person_is_not_offered() -> None:
    async with signed_in(dashboard()) as client:
        page = (await client.get("/dashboard/customers?search=ann")).text
        assert "A search for a person is not kept" in page
        assert f"{KEPT}?of=" not in page


@pytest.mark.parametrize("form", FORMS)
async def test_forms_of_strangers_and_of_other_pages(form: str) -> None:
    there = dashboard()
    fields = {"address": "/", "name": "x", "id": "x"}
    async with signed_in(there) as client, stranger(there) as other:
        answer = await other.post(f"{KEPT}/{form}", data=fields, headers={"Origin": BASE})
        assert answer.status_code == 401
        for headers in ({"Origin": "https://evil.test"}, {"Origin": BASE, "Sec-Fetch-Site": "same-site"}):
            answer = await client.post(f"{KEPT}/{form}", data=fields, headers=headers)
            assert answer.status_code == 403
        assert views(there) == WorkspaceViews(workspace_id="acme")


async def test_workspaces_do_not_meet() -> None:
    """Neither sees, changes nor takes away what the other keeps; a link is of the workspace that made it."""
    store = Store()
    there = dashboard(store.ask)
    async with signed_in(there) as client, signed_in(there, OTHER.text) as evil:
        await client.post(f"{KEPT}/save", data={"name": "Planted", "address": "/?country=DE"})
        link = await shared(client, name="Planted link")
        before = views(there)
        ids = [before.saved[0].id, before.shared[0].id]
        for form in FORMS:
            for one in ids:
                answer = await evil.post(f"{KEPT}/{form}", data={"id": one, "name": "x", "address": "/"})
                assert "Planted" not in answer.text
        for path in [*(path for path, _ in VIEWS), KEPT]:
            page = (await evil.get(path)).text
            assert "Planted" not in page
            assert not any(one in page for one in ids)
        assert views(there) == before
        store.asked.clear()
        # Also with a session of another workspace.
        assert "Planted link" in (await evil.get(link)).text
        assert {one["workspace"] for one in store.asked} == {"acme"}
        theirs = await shared(evil)
        store.asked.clear()
        await client.get(theirs)
        assert {one["workspace"] for one in store.asked} == {"globex"}


async def test_views_of_a_newer_release() -> None:
    """All else is shown, and nothing is written over them; a link that would be wider opens nothing."""
    there = dashboard()
    async with signed_in(there) as client, stranger(there) as other:
        link = await shared(client)
        newer = encode_workspace(views(there)).replace(b"country=DE", b"planet=Mars&country=DE")
        assert there.registry.contents.apply(b"acme:views:use", newer)
        answer = await other.get(link)
        assert answer.status_code == 410
        assert "This release cannot show" in answer.text
        assert not there.registry.contents.apply(b"acme:views:use", b'{"workspaceId":"acme","saved":1}')
        assert (await other.get(link)).status_code == 404
        assert (await client.get("/")).status_code == 200
        for answer in (
            await client.get(KEPT),
            await client.post(f"{KEPT}/save", data={"name": "x", "address": "/"}),
        ):
            assert answer.status_code == 409
            assert "written by a newer release" in answer.text


async def test_no_log_has_a_token(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever fails."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "httpx")
    store = Store()
    there = dashboard(store.ask)
    async with signed_in(there) as client, stranger(there) as other:
        link = await shared(client)
        store.fails = {"edges:Array": RuntimeError("broken")}
        assert (await other.get(link)).status_code == 500
        there.registry.fails = Unavailable("no broker")
        await client.post(f"{KEPT}/share", data={"address": "/"})
    assert "a request failed" in caplog.text
    token = link.rpartition("/")[2]
    assert token not in caplog.text
    assert views(there).shared[0].hash not in caplog.text


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "metadata=plan",
        "metadata.plan=pro",
        "metadata.plan=-pro",
        "filter=metadata.plan&value=pro",
        "query=metadata%5B'plan'%5D:'pro'",
        "groupBy=metadata",
        "groupBy=metadata.plan",
        "by=metadata&key=plan&unit=metadata&tab=metadata",
    ],
)
async def test_no_address_of_a_link_reaches_metadata(asked: str) -> None:
    """Also of a view that was broken down by it when it was shared: no question names it."""
    store = Store()
    there = dashboard(store.ask)
    async with signed_in(there) as client, stranger(there) as other:
        for path in ("/?country=DE&metadata=plan", "/dashboard/partners?metadata=plan"):
            link = await shared(client, path)
            store.asked.clear()
            store.sql.clear()
            page = await other.get(f"{link}?{asked}")
            assert page.status_code == 200
            assert store.sql
            for said in (*store.sql, *map(str, store.asked), page.text):
                assert "metadata" not in said
                assert "plan" not in said


async def test_no_file_or_stream_goes_with_a_link() -> None:
    there = dashboard()
    async with signed_in(there) as client, stranger(there) as other:
        link = await shared(client, "/dashboard/partners")
        for more in (".csv", "/events.csv", "/series.csv", "/groups.csv", "/live", "/events/live", "/events"):
            assert (await other.get(link + more)).status_code == 404, more
        token = link.rpartition("/")[2]
        for path in ("/dashboard/live", "/dashboard/events/live", "/dashboard/groups.csv", "/dashboard/held"):
            answer = await other.get(path, params={"token": token, "metadata": "plan"})
            assert answer.status_code == 401, path


async def test_a_link_whose_record_is_by_metadata_opens_nothing() -> None:
    """As no form makes it, and another release may have."""
    there = dashboard()
    async with stranger(there) as other:
        of = SavedView(id="view_1", name="", path="/", query="metadata.plan=pro")
        made = issue_link(of, DAY_MS, SECRET.record.prefix, NOW, lambda count: b"m" * count)
        there.registry.put(WorkspaceViews(workspace_id="acme", shared=(made.view,)))
        answer = await other.get(f"{SHARED_AT}/{made.token}")
        assert answer.status_code == 410
        assert "This release cannot show what the link is about" in answer.text
