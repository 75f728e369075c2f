"""Each failure is the class of the SDK that its user expects."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from tests.clients.sdk import Failed, Sdk
from tests.clients.system import OTHER_DOMAIN, System, serving
from tests.integration.gateways import DOMAIN, Keys, workspace

pytestmark = pytest.mark.integration

NOBODY = {"eventName": "Sign Up", "customerExternalId": "nobody"}


def test_bad_request(sdk: Sdk) -> None:
    failed = sdk.fails("track.lead", {"clickId": "", **NOBODY})
    assert (failed.name, failed.status) == ("BadRequest", 400)
    assert "nobody" in failed.message or "customer" in failed.message.lower()


def test_unauthorized(sdk: Sdk) -> None:
    failed = sdk.fails("track.lead", {"clickId": "", **NOBODY}, token="dub_" + "x" * 24)
    assert (failed.name, failed.status) == ("Unauthorized", 401)


def test_forbidden(system: System, sdk: Sdk) -> None:
    """Neither a domain of others, nor a key of pages."""
    failed = sdk.fails("links.create", {"url": "https://example.com/", "domain": OTHER_DOMAIN})
    assert (failed.name, failed.status) == ("Forbidden", 403)
    assert failed.message == "Domain does not belong to workspace."
    failed = sdk.fails("links.count", {}, token=system.keys.publishable)
    assert (failed.name, failed.status) == ("Forbidden", 403)


def test_not_found(sdk: Sdk) -> None:
    failed = sdk.fails("track.lead", {"clickId": "A" * 16, **NOBODY, "mode": "deferred"})
    assert (failed.name, failed.status) == ("NotFound", 404)
    failed = sdk.fails("links.get", {"domain": DOMAIN, "key": "nowhere"})
    assert (failed.name, failed.status) == ("NotFound", 404)


def test_conflict(sdk: Sdk) -> None:
    wanted = {"url": "https://example.com/", "domain": DOMAIN, "key": f"taken-{sdk.release}"}
    sdk("links.create", wanted)
    failed = sdk.fails("links.create", wanted)
    assert (failed.name, failed.status) == ("Conflict", 409)


def test_unprocessable(sdk: Sdk) -> None:
    failed = sdk.fails("track.lead", {"clickId": "", **NOBODY, "eventName": " "})
    assert (failed.name, failed.status) == ("UnprocessableEntity", 422)
    assert failed.message == "too_small: eventName: eventName is required"


@pytest.fixture(scope="module")
def slow(system: System) -> Keys:
    """Of a workspace that may make one call in a second."""
    keys = workspace(system.stack, "slow")
    assert system.stack.run("workspace", "set", "slow", "--limit-secret", "1").returncode == 0
    return keys


def test_too_many(slow: Keys, sdk: Sdk) -> None:
    """Which may be in any of many calls, as a second ends where it does."""

    def often() -> None:
        for _ in range(1_000):
            sdk("links.count", {}, token=slow.secret)

    with pytest.raises(Failed) as failed:
        often()
    assert (failed.value.name, failed.value.status) == ("RateLimitExceeded", 429)
    assert int(failed.value.headers["retry-after"]) == 1


def test_unavailable(
    sdks: dict[str, Sdk],
    clickhouse: LocalClickHouse,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Without a broker nothing is accepted, and the retry counts once. The SDKs are told seconds to wait."""
    directory = tmp_path_factory.mktemp("no-broker")
    with (
        LocalKafka(tmp_path / "kafka") as kafka,
        serving(kafka.bootstrap, clickhouse.url, "no-broker", directory) as system,
    ):
        link = system.post("/links", {"url": "https://example.com/", "trackConversion": True}).json()
        click = system.click(link["key"])
        for sdk in sdks.values():
            sdk.base_url, sdk.token = system.url, system.keys.secret

        def lead(sdk: Sdk) -> dict[str, str]:
            return {"clickId": click, "eventName": "Sign Up", "customerExternalId": sdk.release}

        def refused(sdk: Sdk) -> Failed:
            with pytest.raises(Failed) as failed:
                sdk.once("track.lead", lead(sdk))
            return failed.value

        kafka.kill()
        with ThreadPoolExecutor(len(sdks)) as pool:
            for failed in pool.map(refused, sdks.values()):
                assert (failed.name, failed.status) == ("SDKError", 503), failed
                assert 0 < int(failed.headers["retry-after"]) < 10
        kafka.start()
        for sdk in sdks.values():
            assert sdk("track.lead", lead(sdk))["click"] == {"id": click}
        system.work()
        for sdk in sdks.values():
            assert len(system.leads(sdk.release)) == 1
