"""A clean copy of the tree in which `make run` runs, and somebody who pastes the blocks of a page there."""

import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from processors.clickhouse.connection import connect
from tests.docs.blocks import README, ROOT, Block, blocks
from tests.docs.java import compiled
from tests.integration.stack import wait_for

_LEFT_OUT: Final = shutil.ignore_patterns(
    ".git", ".venv", "node_modules", ".*_cache", "__pycache__", ".leadstream"
)
_CLIENTS: Final = ROOT / ".venv" / "python-pages" / "bin" / "python"
_MODULES: Final = ROOT / "tests" / "clients" / "sdks" / "node-pages" / "node_modules"
_READY: Final = re.compile(r"^leadstream is ready: kafka=(\S+) clickhouse=(\S+) gateway=(\S+)", re.MULTILINE)
_USUAL_KAFKA: Final = "127.0.0.1:29092"
_USUAL_GATEWAY: Final = "http://127.0.0.1:8787"
_SETTLED: Final = "everything has reached ClickHouse"
_PATIENCE_S: Final = 180.0


@dataclass
class Site:
    """``env``: of a reader's shell. ``kafka``, ``clickhouse``: where they are. ``output``: of `make run`."""

    tree: Path
    env: dict[str, str]
    log: Path
    kafka: str = ""
    clickhouse: str = ""

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Of ClickHouse, as it is now."""
        with closing(connect(self.clickhouse)) as client:
            return [tuple(row) for row in client.query(sql).result_rows]


@contextmanager
def made(directory: Path) -> Iterator[Site]:
    """What there is after the first command of the README, until Ctrl-C."""
    tree = directory / "leadstream"
    shutil.copytree(ROOT, tree, ignore=_LEFT_OUT)
    # What is installed is the same; installing it again would take a minute and a gigabyte.
    (tree / ".venv").symlink_to(ROOT / ".venv")
    (tree / "node_modules").symlink_to(_MODULES)
    # Below a make, another one would keep what it has to say to itself until its end.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LEADSTREAM_", "MAKE"))}
    env.pop("MFLAGS", None)
    site = Site(tree, env, directory / "make-run.log")
    command = blocks(README)[0].text.splitlines()[0]
    with site.log.open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", command], cwd=tree, env=env, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_for(lambda: _settled(site, process), _PATIENCE_S, lambda: site.output)
        site.kafka, site.clickhouse, gateway = _addresses(site.output)
        # Where the usual ports were taken, a reader has to say which ones it is.
        if site.kafka != _USUAL_KAFKA:
            env["LEADSTREAM_KAFKA_BOOTSTRAP"] = site.kafka
            env["LEADSTREAM_CLICKHOUSE_URL"] = site.clickhouse
        if gateway != _USUAL_GATEWAY:
            env["LEADSTREAM_GATEWAY_URL"] = gateway
        yield site
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


def _settled(site: Site, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, site.output
    return _SETTLED in site.output


def _addresses(output: str) -> tuple[str, str, str]:
    ready = _READY.search(output)
    assert ready is not None, output
    return ready[1], ready[2], ready[3]


class Reader:
    """Of one page, in one shell: what a block exports, later ones have. ``printed``: by the last block."""

    def __init__(self, site: Site, path: str) -> None:
        self._site = site
        self._env = {**site.env, "PATH": path, "PYTHONUNBUFFERED": "1"}
        self._state = site.tree.parent / "state.sh"
        self._state.write_text("")
        self.printed = ""

    def run(self, block: Block) -> None:
        """To its end, which has to be a good one."""
        code = block.text if block.language == "sh" else shlex.join(self._command(block))
        script = f". {self._state}\nset -euo pipefail\n{code}\nexport -p > {self._state}\n"
        run = subprocess.run(
            ["bash", "-c", script],
            cwd=self._site.tree,
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
        assert run.returncode == 0, f"{block.where}: {run.stdout[-3000:]}{run.stderr[-3000:]}"
        self.printed = run.stdout

    def run_until(self, block: Block, done: Callable[[], bool], found: Callable[[], object]) -> None:
        """Of a block that has no end. ``found``: what there is instead when it is never done."""
        said = self._site.tree.parent / "reader.log"
        with said.open("wb") as log:
            process = subprocess.Popen(
                self._command(block), cwd=self._site.tree, env=self._env, stdout=log, stderr=log
            )

        def ended() -> bool:
            assert process.poll() is None, f"{block.where}: {said.read_text()[-3000:]}"
            return done()

        try:
            wait_for(ended, 60, lambda: f"{block.where}: {found()}\n{said.read_text()[-3000:]}")
        finally:
            process.kill()
            process.wait()

    def _command(self, block: Block) -> list[str]:
        source = self._site.tree / block.file
        source.write_text(block.text)
        match block.language:
            case "python":
                assert _CLIENTS.exists(), "clients of Kafka are not installed: make .venv/sdks-ready"
                return [str(_CLIENTS), block.file]
            case "js":
                assert _MODULES.exists(), "kafkajs is not installed: make .venv/npm-ready"
                return ["node", block.file]
            case "java":
                return compiled(source, self._site.tree / "classes")
        raise AssertionError(f"nothing runs {block.language}")


def path_of(site: Site) -> str:
    """Where somebody who has done as the README says finds ``leadstream``."""
    return f"{site.tree}/.venv/bin:{site.env['PATH']}"
