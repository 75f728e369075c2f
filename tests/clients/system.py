"""All of Leadstream, for clients to call; and what has become of their calls."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from processors.clickhouse.connection import connect
from schemas.topics import Topic
from tests.integration.gateways import BROWSER, DOMAIN, WORKSPACE, Gateway, Keys, gateways, visit, workspace
from tests.integration.stack import Stack, wait_for

OTHER_WORKSPACE: Final = "other"
OTHER_DOMAIN: Final = "other.localhost"
_PATIENCE_S: Final = 60.0


@dataclass
class System:
    """Gateways, a worker and a sink; two workspaces, each with a domain. See :func:`running`."""

    stack: Stack
    gateways: list[Gateway]
    keys: Keys
    other: Keys
    _visitors: int = field(default=0, init=False)

    @property
    def url(self) -> str:
        """Of the API, as an SDK is told it."""
        return self.gateways[0].url

    def work(self) -> None:
        """A worker and a sink begin."""
        self.stack.worker("worker")
        self.stack.sink()

    def click(self, key: str, *, domain: str = DOMAIN) -> str:
        """Of a new visitor who follows the short link: the click id that the page is given."""
        self._visitors += 1
        answer = visit(self.gateways[0], key, domain=domain, agent=f"{BROWSER} visitor/{self._visitors}")
        assert answer.status_code == 302, answer.text
        return str(httpx.URL(answer.headers["Location"]).params["dub_id"])

    def post(
        self, path: str, body: Any, keys: Keys | None = None, *, idempotency_key: str | None = None
    ) -> httpx.Response:
        """With the secret key, as a server without an SDK does it; again when it is told to come back."""
        headers = (keys or self.keys).header()
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        answers: list[httpx.Response] = []

        def answered() -> bool:
            answers.append(httpx.post(f"{self.url}{path}", json=body, headers=headers, timeout=10))
            return answers[-1].status_code != 503

        wait_for(answered, _PATIENCE_S, lambda: answers[-1].text, pause=0)
        return answers[-1]

    def lead(self, customer: str, click_id: str = "", **fields: Any) -> httpx.Response:
        """Without a click: the qualified step."""
        body = {"clickId": click_id, "eventName": "Sign Up", "customerExternalId": customer, **fields}
        return self.post("/track/lead", body)

    def leads(self, customer: str, workspace_id: str = WORKSPACE) -> list[dict[str, Any]]:
        """What a reward consumer has read of a customer, once all that was sent has been worked on."""
        self.stack.wait_until_processed()
        found = [json.loads(one.value() or b"") for one in self.stack.read(Topic.LEADS)]
        whose = (workspace_id, customer)
        return [one for one in found if (one["workspaceId"], one["customer"]["externalId"]) == whose]

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """Of ClickHouse, as it is now."""
        with closing(connect(self.stack.settings.clickhouse_url.get_secret_value())) as client:
            return [tuple(row) for row in client.query(sql, parameters=values).result_rows]

    def lead_rows(self, customer: str, columns: str) -> list[tuple[Any, ...]]:
        """Of a customer of the first workspace."""
        sql = f"SELECT {columns} FROM leads WHERE workspace_id = %(w)s AND customer_external_id = %(c)s"
        return self.rows(f"{sql} ORDER BY event_name", w=WORKSPACE, c=customer)

    def funnel(self, workspace_id: str = WORKSPACE) -> dict[str, int]:
        """How many clicks, leads, sales there have ever been."""
        window = "workspace = %(w)s, start = '2020-01-01', end = '2100-01-01', timezone = 'UTC'"
        return dict(self.rows(f"SELECT step, count FROM funnel({window})", w=workspace_id))


@contextmanager
def running(
    bootstrap: str, clickhouse_url: str, name: str, directory: Path, count: int = 1, **env: str
) -> Iterator[System]:
    """Everything is there and answers. ``count``: of gateways."""
    with serving(bootstrap, clickhouse_url, name, directory, count, **env) as system:
        system.work()
        yield system


@contextmanager
def serving(
    bootstrap: str, clickhouse_url: str, name: str, directory: Path, count: int = 1, **env: str
) -> Iterator[System]:
    """The same, but that nobody works on what is accepted until :meth:`System.work`."""
    with Stack(bootstrap, clickhouse_url, name, directory, **env) as stack:
        stack.create()
        keys, other = workspace(stack, WORKSPACE, DOMAIN), workspace(stack, OTHER_WORKSPACE, OTHER_DOMAIN)
        yield System(stack, gateways(stack, count), keys, other)
