"""A line of a log: one event, with its keys, and without what events say."""

import asyncio
import json
import logging
from collections.abc import Iterator
from io import StringIO
from threading import Thread

import pytest
from aiokafka.errors import KafkaConnectionError

from processors.errors import ExitCode, InternalError, Misconfigured
from processors.observability.lines import where_and_what
from processors.observability.logs import LOGGED, bugs_logged, configure_logs
from processors.settings import Settings
from processors.stacks import stacks

PLANT = "ann@example.com"


@pytest.fixture(params=["json", "console"])
def lines(request: pytest.FixtureRequest) -> Iterator["Lines"]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    configure_logs(Settings(log_format=request.param), process="test")
    [handler] = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    found = Lines(request.param == "json")
    handler.setStream(found.written)
    yield found
    root.handlers[:], root.level = before


class Lines:
    def __init__(self, is_json: bool) -> None:
        self.is_json = is_json
        self.written = StringIO()

    def read(self) -> str:
        """All of them; of JSON each is an event."""
        text = self.written.getvalue()
        if self.is_json:
            assert all("event" in json.loads(line) for line in text.splitlines())
        assert text
        return text


def fail() -> None:
    try:
        dict[str, int]()[PLANT]
    except KeyError as error:
        raise ValueError(f"no such customer: {PLANT}") from error


def test_keys_are_keys(lines: Lines) -> None:
    logging.getLogger("test").warning("records restored", extra={"generation": 3, "records": 17})
    text = lines.read()
    assert "records restored" in text
    if lines.is_json:
        line = json.loads(text)
        assert (line["generation"], line["records"], line["process"]) == (3, 17, "test")
    else:
        assert "generation=3" in text


def test_whatever_is_logged_is_written_and_obeyed_by_no_terminal(lines: Lines) -> None:
    odd = {"half": "\ud800", "many": 2**70, "kind": ValueError, "colored": "\x1b[31m", "two": "a b"}
    logging.getLogger("test").warning("it is\n%s", "odd \x1b[2J", extra=odd)
    text = lines.read()
    assert "\x1b" not in text
    assert len(text.splitlines()) == 1
    assert str(2**70) in text
    if lines.is_json:
        line = json.loads(text)
        assert {key: line[key] for key in odd} == odd | {"kind": str(ValueError)}
    else:
        assert "two='a b'" in text
        assert "half=\\ud800" in text


def test_lines_are_counted_by_their_level(lines: Lines) -> None:
    before = LOGGED.copy()
    logging.getLogger("test").error("it broke")
    # Kafka's client calls a lost connection an error: it is counted as what is written.
    logging.getLogger("aiokafka").error("no connection: %s", KafkaConnectionError())
    logging.getLogger("test").debug("nobody sees it")
    lines.read()
    assert LOGGED - before == {"error": 1, "warning": 1}


def test_lines_of_any_thread_say_whose_they_are(lines: Lines) -> None:
    thread = Thread(target=logging.getLogger("test").warning, args=("from elsewhere",))
    thread.start()
    thread.join()
    assert ('"process": "test"' if lines.is_json else "process=test") in lines.read()


def test_a_traceback_says_where_and_of_which_kind_and_quotes_nothing(lines: Lines) -> None:
    try:
        fail()
    except ValueError:
        logging.getLogger("test").exception("a bug")
    text = lines.read()
    assert PLANT not in text
    for part in ("KeyError", "ValueError", "test_logs.py", "in fail"):
        assert part in text


def test_errors_that_quote_no_event_are_quoted(lines: Lines) -> None:
    try:
        raise Misconfigured("LEADSTREAM_X is wrong") from OSError(28, "No space left on device")
    except Misconfigured:
        logging.getLogger("test").exception("it ends")
    text = lines.read()
    assert "LEADSTREAM_X is wrong" in text
    assert "No space left on device" in text


def test_stacks_are_one_event(lines: Lines) -> None:
    logging.getLogger("test").critical("it hangs", extra={"stack": stacks()})
    text = lines.read()
    assert "test_stacks_are_one_event" in text
    if not lines.is_json:
        assert len(text.splitlines()) > 3, "on a terminal it is read by people"


async def test_a_task_that_failed_unheard_quotes_nothing(lines: Lines) -> None:
    async def failing() -> None:
        fail()

    task = asyncio.create_task(failing())
    await asyncio.wait({task})
    loop, error = asyncio.get_running_loop(), task.exception()
    loop.call_exception_handler({"message": "never retrieved", "exception": error, "future": task})
    text = lines.read()
    assert PLANT not in text
    assert "never retrieved" in text
    assert "ValueError" in text


def test_a_bug_ends_a_service_without_what_it_says(lines: Lines) -> None:
    with pytest.raises(InternalError) as ended, bugs_logged():
        fail()
    assert str(ended.value) == "ValueError"
    assert ended.value.exit_code == ExitCode.INTERNAL
    assert PLANT not in lines.read()


def test_an_error_that_is_meant_for_an_operator_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Misconfigured), bugs_logged():
        raise Misconfigured("so it is")
    assert not caplog.records


def test_a_chain_is_told_from_its_beginning() -> None:
    with pytest.raises(ValueError, match=PLANT) as failed:
        fail()
    told = where_and_what(failed.value).splitlines()
    assert [line for line in told if line in ("KeyError", "ValueError")] == ["KeyError", "ValueError"]
