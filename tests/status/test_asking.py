"""What processes say of themselves, what `up` has noted of them, what their logs end with."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from processors.errors import Unavailable
from processors.settings import Settings
from processors.status.figures import Fault, Figures, Process
from processors.status.logs import last_fault
from processors.status.pages import process_at
from processors.status.places import places_of
from processors.status.reading import merged, watching
from processors.status.roster import Noted
from tests.conftest import eventually
from tests.settings.test_running import living

PAGE = """\
# TYPE leadstream_start_time_seconds gauge
leadstream_start_time_seconds 1000.5
# TYPE leadstream_log_lines counter
leadstream_log_lines_total{level="info"} 100
leadstream_log_lines_total{level="error"} 2
leadstream_log_lines_total{level="critical"} 1
# TYPE leadstream_worker_held gauge
leadstream_worker_held{table="clicks"} 7
# TYPE leadstream_worker_stopped_partitions gauge
leadstream_worker_stopped_partitions 0
"""


class Answering(HTTPServer):
    pages: dict[str, tuple[int, str]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/metrics"


class _Handler(BaseHTTPRequestHandler):
    server: Answering

    def do_GET(self) -> None:
        status, text = self.server.pages.get(self.path, (404, ""))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[Answering]:
    with Answering(("127.0.0.1", 0), _Handler) as one:
        one.pages = {"/metrics": (200, PAGE), "/readyz": (200, "ok\n")}
        thread = Thread(target=one.serve_forever, args=[0.01])
        thread.start()
        yield one
        one.shutdown()
        thread.join()


def test_a_process_says_how_it_is(server: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    found = process_at("worker-1", server.url)
    assert found == Process("worker-1", "running", 1_000_500, errors=3, waits={"clicks": 7})
    assert process_at("w", server.url.removesuffix("/metrics")).state == "running"


def test_a_process_that_is_not_ready_says_why(server: Answering) -> None:
    server.pages["/readyz"] = (503, "the tables of 3 of 8 partitions are restored\n")
    assert process_at("w", server.url).state == "not ready: the tables of 3 of 8 partitions are restored"


@pytest.mark.parametrize("page", ["", "<html>", "up 1\n"])
def test_what_is_none_of_ours_is_said_to_be_none(server: Answering, page: str) -> None:
    server.pages["/metrics"] = (200, page)
    assert not process_at("w", server.url).well


def test_who_does_not_answer_is_named_with_the_reason(server: Answering) -> None:
    assert process_at("w", "http://127.0.0.1:1/metrics").state == ("does not answer: Connection refused")
    assert "is no http address" in process_at("w", "127.0.0.1:9100").state
    assert "does not answer as a process" in process_at("w", f"{server.url}/x").state


def test_a_note_and_what_the_process_says_come_together() -> None:
    noted = Noted("sink", "sink.log", os.getpid(), 5_000, 2, "was killed by SIGKILL", 4_000)
    said = Process("sink", "not ready: no partitions", 6_000, errors=4)
    assert merged(noted, said) == Process(
        "sink", "not ready: no partitions", 5_000, 2, "was killed by SIGKILL", errors=4
    )
    assert merged(noted, None).state == "running"


def test_what_is_noted_as_running_and_is_gone_does_not_run() -> None:
    gone = os.posix_spawnp("true", ["true"], os.environ)
    os.waitpid(gone, 0)
    eventually(lambda: not Noted("sink", "", gone).alive)
    assert merged(Noted("sink", "", gone), None).state == "does not run"
    assert merged(Noted("sink", "", None, ended="ended with exit code 70"), None).state == (
        "does not run: ended with exit code 70"
    )


def test_who_watches_an_up_is_told_of_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown: list[Figures] = []
    with ExitStack() as stack:
        up = stack.enter_context(living(tmp_path / ".leadstream"))
        places = places_of(Settings(kafka_bootstrap=up.kafka))

        def show(figures: Figures) -> None:
            shown.append(figures)
            stack.close()

        with pytest.raises(Unavailable, match=r"the `leadstream up` in .*\.leadstream has ended"):
            asyncio.run(watching(places, 0.0, show))
    assert [one.where for one in shown] == [f"leadstream up in {up.data}"]


CONSOLE = (
    "2026-11-28T22:00:00.000000Z [error    ] retention removed offsets      [processors.engine] offsets=3\n"
    "2026-11-28T22:01:00.000000Z [critical ] a bug ends this process        [processors.x] process=sink\n"
    "2026-11-28T22:02:00.000000Z [warning  ] ClickHouse does not answer     [x] text=[error]\n"
)


def test_the_last_error_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "sink.log"
    assert last_fault("sink", log) is None
    log.write_text(CONSOLE)
    assert last_fault("sink", log) == Fault("2026-11-28T22:01:00.000000Z", "sink", "a bug ends this process")
    lines = [
        {"event": "it broke", "level": "error", "timestamp": "2026-11-28T22:03:00Z"},
        {"event": "fine", "level": "info", "timestamp": "2026-11-28T22:04:00Z"},
    ]
    log.write_text("".join(f"{json.dumps(one)}\n" for one in lines) + "{half a li")
    assert last_fault("sink", log) == Fault("2026-11-28T22:03:00Z", "sink", "it broke")
