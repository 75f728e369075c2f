"""The events of the questions are what they are said to be, and every question has an answer."""

import pytest

from bench.analytics.measure import scatter, took
from bench.analytics.questions import QUESTIONS
from bench.analytics.traffic import LARGEST, Traffic, fill, zipf
from deploy.local.clickhouse import LocalClickHouse
from tests.clickhouse.database import fresh_database


def test_the_largest_workspace_has_its_share() -> None:
    shares = zipf()
    assert sum(shares) == pytest.approx(1)
    assert shares[0] == pytest.approx(0.3)
    assert list(shares) == sorted(shares, reverse=True)


@pytest.mark.integration
def test_every_question_is_answered(clickhouse: LocalClickHouse) -> None:
    traffic = Traffic(20_000)
    with fresh_database(clickhouse.url) as database:
        fill(database.client, traffic)
        counts = {
            view: database.rows(f"SELECT count() FROM {view}")[0][0] for view in ("clicks", "leads", "sales")
        }
        assert counts == {"clicks": traffic.clicks, "leads": traffic.leads, "sales": traffic.sales}
        largest = database.client.command(f"SELECT count() FROM clicks WHERE workspace_id = '{LARGEST}'")
        assert 0.27 < int(str(largest)) / traffic.clicks < 0.33
        answers = [database.rows(one.sql) for one in QUESTIONS]
        assert sum(map(bool, answers)) >= len(QUESTIONS) - 3, (
            "what led to nothing, and revisions, are not made"
        )
        scatter(database.client, 3)
        assert [database.rows(one.sql) for one in QUESTIONS[:1]] == answers[:1]
        found = took(database.client, clickhouse.pid, QUESTIONS[0], 2)
        assert found.rows_read > 0
        assert 0 < found.p50_ms <= found.p95_ms
