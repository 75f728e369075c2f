"""A signal ends who serves, and interrupts who works."""

import asyncio
import gc
import os
import signal

import pytest

from processors.kafka.running import run_on_kafka
from processors.signals import Signals
from processors.stack.interrupt import Interrupt


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_while_working(number: signal.Signals) -> None:
    with Interrupt(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_while_serving(number: signal.Signals) -> None:
    async def serve(interrupt: Interrupt) -> None:
        asyncio.get_running_loop().call_later(0.01, os.kill, os.getpid(), number)
        async with asyncio.timeout(10):
            await interrupt.wait()

    with Interrupt() as interrupt:
        asyncio.run(serve(interrupt))
        # On the way down again, impatience counts.
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_which_signal_it_was_is_known_outside(number: signal.Signals, code: int) -> None:
    with Signals() as signals, Interrupt(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
    assert signals.exit_code == code


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interrupt():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_work_that_never_began_does_not_complain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C came before the loop did; a warning would fail this test."""

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    async def work() -> None:
        pass

    monkeypatch.setattr(asyncio, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_on_kafka(work())
    gc.collect()
