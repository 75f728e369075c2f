"""What ``leadstream workspace`` refuses before it asks anybody."""

import pytest
from click.testing import CliRunner

from processors.cli.main import cli


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["create", "a b"], "workspaceId"),
        (["create", "undefined"], "workspaceId"),
        (["create", "acme", "--domain", "https://go.acme.com"], "no name of a host"),
        (["set", "acme", "--primary"], "say with --domain"),
        (["set", "acme", "--not-found-url", "https://acme.com"], "say with --domain"),
        (["set", "acme", "--domain", "acme.com", "--expired-url", "acme.com"], "no URL of a page"),
        (["set", "acme", "--hostname", "a.com", "--any-hostname"], "contradict each other"),
        (["set", "acme", "--limit-visitor", "0"], "limit-visitor"),
        (["rotate-key", "acme", "--role", "root"], "'root' is not one of"),
        (["rotate-key", "acme", "--overlap", "7"], "without its unit"),
        (["rotate-key", "acme", "--overlap", "366d"], "longer than 365d"),
    ],
)
def test_wrong_usage(runner: CliRunner, arguments: list[str], told: str) -> None:
    result = runner.invoke(cli, ["workspace", *arguments])
    assert result.exit_code == 2
    assert told in " ".join(result.output.split())
