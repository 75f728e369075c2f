"""``leadstream up --demo``: the two commands of the README, as a newcomer runs them."""

import os
import re
import sys
from pathlib import Path
from stat import S_ISLNK
from urllib.parse import urlsplit

import httpx
import pytest

from processors.attribution.policy import Policy
from processors.audit.model.arrivals import TopicRecord, read_all
from processors.audit.model.reference import ReferenceModel
from processors.clickhouse.connection import connect
from processors.demo import generate
from processors.files import OTHERS, found_in
from processors.settings import Settings
from processors.stack.demo_calls import VISITORS
from processors.worker.run import policy_of
from schemas.events import Click
from tests.integration.ups import Up, bare
from tests.look_alikes import set_traps

pytestmark = pytest.mark.integration

EVENTS = 5_000
SEED = 7
SETTLED = "everything has reached ClickHouse"
STAGES = ("clicks", "leads", "sales")


class Run(Up):
    """One run of the demo."""

    def __init__(self, data: Path, env: dict[str, str]) -> None:
        demo = ("--demo-events", str(EVENTS), "--demo-seed", str(SEED))
        super().__init__(data.parent, "--demo", "--data", data.name, *demo, env=env)

    def shown(self, label: str) -> str:
        """What stands behind a label of the demo's workspace."""
        (line,) = [line for line in self.lines if line.startswith(f"  {label} ")]
        return re.split(r"[\s,]+", line.removeprefix(f"  {label}").strip())[0]

    def views(self) -> list[str]:
        """What was printed once everything had arrived, apart from the live line."""
        lines = self.lines
        start = next(index for index, line in enumerate(lines) if SETTLED in line)
        shown = [line for line in lines[start:] if line]
        end = max(index for index, line in enumerate(shown) if re.match(r"\d\d \w\w\w \d\d:", line))
        return shown[: end + 1]

    def funnels(self) -> dict[str, dict[str, int]]:
        """Workspace → stage → count, as printed."""
        found: dict[str, dict[str, int]] = {}
        workspace = ""
        for line in self.views():
            if match := re.match(r"(\w+): funnel", line):
                workspace = match[1]
                found[workspace] = {}
            elif workspace and (match := re.match(r"(clicks|leads|sales)\s+([\d,]+)", line)):
                found[workspace].setdefault(match[1], int(match[2].replace(",", "")))
        return found


def expected_funnels(now_ms: int, policy: Policy) -> dict[str, dict[str, int]]:
    events = read_all(
        (TopicRecord(event.topic, event.value, now_ms) for event in generate(EVENTS, SEED, now_ms)), now_ms
    ).events
    outcome = ReferenceModel(policy).compute(events)
    found = {workspace: dict.fromkeys(STAGES, 0) for workspace in ("acme", "globex")}
    clicks = {
        (one.event.workspace_id, one.event.click_id)
        for one in events
        if isinstance(one.event, Click) and not one.event.bot
    }
    for workspace, _ in clicks:
        found[workspace]["clicks"] += 1
    for lead in outcome.leads.values():
        found[lead.workspace_id]["leads"] += 1
    for sale in outcome.sales.values():
        found[sale.workspace_id]["sales"] += 1
    return found


def processes_of(data: Path) -> list[str]:
    """Command lines that mention the data directory, or run in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            here = (entry / "cwd").readlink()
        except OSError:
            continue  # gone, or not ours
        if str(data) in command or here.is_relative_to(data):
            found.append(command)
    return found


def open_to_others(directory: Path) -> list[str]:
    """What group or others have any right to."""
    everything = [(directory, directory.lstat()), *found_in(directory)]
    return [str(path) for path, found in everything if found.st_mode & OTHERS and not S_ISLNK(found.st_mode)]


def check_the_gateway(run: Run) -> None:
    """What the demo shows of it works, as it stands there."""
    base, key, link = run.address("gateway"), run.shown("secret key"), run.shown("short link")
    with httpx.Client(base_url=base) as client:
        (found,) = client.get("/links", headers={"Authorization": f"Bearer {key}"}).raise_for_status().json()
        assert urlsplit(link).path == f"/{found['key']}"
        assert client.get("/docs").status_code == 200
        # A resolver need not know names below localhost; browsers do.
        answer = client.get(urlsplit(link).path, headers={"Host": urlsplit(link).netloc})
    assert (answer.status_code, urlsplit(answer.headers["Location"]).path) == (302, "/docs")


def test_the_demo_shows_the_models_leads_and_a_second_run_doubles_nothing(tmp_path: Path) -> None:
    executed = set_traps(tmp_path)
    data = tmp_path / "data"
    (data / "logs").mkdir(parents=True)
    data.chmod(0o755)
    env = bare(os.environ)
    # As on a machine without Java: only the interpreter's own directory is on the path.
    env.pop("JAVA_HOME", None)
    env["PATH"] = str(Path(sys.executable).parent)

    with Run(data, env) as first:
        first.wait_for(SETTLED, 300)
        first.wait_for("globex: newest events", 120)
        client = connect(first.address("clickhouse"))
        assert client.command("SELECT count() > 0 FROM leads") == 1
        visitors = "SELECT count(), countIf(link_id LIKE 'link_%') FROM clicks WHERE workspace_id = 'demo'"
        assert client.query(visitors).result_rows == [(VISITORS, VISITORS)]
        assert client.command("SELECT count() > 0 FROM leads WHERE workspace_id = 'demo'") == 1
        client.close()
        check_the_gateway(first)
        assert open_to_others(data) == []
        password = urlsplit(first.address("clickhouse")).password
        commands = processes_of(tmp_path)
        assert len(commands) >= 5
        assert password
        assert not [one for one in commands if password in one]
        assert first.interrupt() == 0, first.said
    assert processes_of(data) == []
    assert first.funnels() == expected_funnels(
        int((data / "demo-anchor").read_text()), policy_of(Settings.model_construct())
    )

    with Run(data, env) as second:
        second.wait_for(SETTLED, 300)
        second.wait_for("globex: newest events", 120)
        assert second.interrupt() == 0
    assert processes_of(data) == []
    assert second.views() == first.views()
    assert second.shown("secret key") == first.shown("secret key")
    assert second.address("clickhouse") == first.address("clickhouse")
    assert open_to_others(data) == []
    assert not executed.exists(), executed.read_text()
