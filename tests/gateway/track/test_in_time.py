"""Whatever is slow: calls are answered before clients give up."""

import asyncio

import pytest

from tests.gateway.track.world import LEAD, SALE, World


@pytest.mark.parametrize(("path", "body"), [("/track/lead", LEAD), ("/track/sale", SALE)])
def test_a_call_that_waits_for_too_much_may_be_made_again(
    path: str, body: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each thing that it waits for may be in time, and all of them together are not."""
    monkeypatch.setattr("processors.gateway.track.routes.PATIENCE_S", 0.05, raising=False)

    async def run() -> None:
        world = World()
        world.click("c1")

        async def slow(*_: object, **__: object) -> None:
            await asyncio.sleep(10)

        monkeypatch.setattr(world.publishers[0], "publish", slow)
        async with asyncio.timeout(5):
            answered = await world.post(path, body={**body, "clickId": "c1"})
        assert answered.status == 503

    asyncio.run(run())
