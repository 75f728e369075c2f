"""What ``leadstream up`` says to people when it is ready."""

import os
import subprocess
from pathlib import Path

from processors.clickhouse.url import ClickHouseUrl
from processors.files import open_private
from processors.stack.running import Plan
from processors.stack.up import asking

# Instead of curl: its arguments, and what it is told in a way that no other user sees.
_CURL = '#!/bin/sh\nprintf "%s\\n" "$@" > arguments\ncat > told\n'


def pasted(line: str, directory: Path) -> tuple[list[str], str]:
    """The arguments and the standard input of curl."""
    program = directory / "curl"
    program.write_text(_CURL)
    program.chmod(0o700)
    path = f"{directory}:{os.environ['PATH']}"
    subprocess.run(["sh", "-c", line], cwd=directory, env={"PATH": path}, input=b"", check=True)
    return (directory / "arguments").read_text().splitlines(), (directory / "told").read_text()


def test_the_query_that_is_shown_puts_no_password_on_a_command_line(tmp_path: Path) -> None:
    data = tmp_path / "a place of mine"
    (data / "clickhouse").mkdir(parents=True)
    with open_private(data / "clickhouse" / "password", "w") as file:
        file.write("s3cret")
    url = ClickHouseUrl.parse("http://leadstream:s3cret@127.0.0.1:8123/leadstream")
    line = asking(Plan(data, None, None, 1), url)
    assert "s3cret" not in line
    arguments, told = pasted(line, tmp_path)
    assert told == "user = leadstream:s3cret\n"
    assert arguments[:3] == ["-K", "-", "http://127.0.0.1:8123/?database=leadstream"]


def test_of_another_server_curl_asks_for_the_password(tmp_path: Path) -> None:
    url = ClickHouseUrl.parse("https://me:s3cret@db:8443/x")
    line = asking(Plan(tmp_path, None, url, 1), url)
    assert "s3cret" not in line
    arguments, _ = pasted(line, tmp_path)
    assert arguments[:3] == ["-u", "me", "https://db:8443/?database=x"]
