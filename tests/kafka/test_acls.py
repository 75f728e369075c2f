"""What each role may do, and what none of them may."""

import pytest

from processors.kafka.acls import GROUP, TOPIC, TRANSACTION, Right, commands
from processors.settings import Settings
from processors.stack.acls import rights_of

SETTINGS = Settings(topic_prefix="p.", output_prefix="o.", application_id="app")
RIGHTS = rights_of(SETTINGS)
EVENTS = {f"p.{name}" for name in ("clicks", "deferred-leads", "qualifications", "purchases", "erasures")}


def names(role: str, operation: str, kind: str = TOPIC) -> set[str]:
    return {one.name for one in RIGHTS[role] if one.kind == kind and one.operation == operation}


def test_a_sender_writes_events_and_does_nothing_else() -> None:
    sent = {Right(TOPIC, name, False, "Write") for name in (*EVENTS, "p.reward-events")}
    assert set(RIGHTS["sender"]) == sent


def test_a_sink_writes_nothing_but_dead_letters() -> None:
    assert names("sink", "Write") == {"o.dead-letters"}
    assert names("sink", "Read") >= {"p.clicks", "o.leads", "o.sales", "o.unmatched", "o.dead-letters"}
    assert names("sink", "Read", GROUP) == {"p.leadstream-sink"}
    assert names("sink", "Write", TRANSACTION) == set()


def test_a_worker_writes_results_and_reads_none() -> None:
    assert names("worker", "Write") - names("worker", "Read") == {
        *("o.leads", "o.sales", "o.customers", "o.unmatched", "o.dead-letters")
    }
    assert {"p.app-clicks-changelog", "p.app-customers-changelog"} <= names("worker", "Read")
    assert names("worker", "Read", GROUP) == {"p.app"}
    assert names("worker", "Write", TRANSACTION) == {"p.app-"}


def test_a_gateway_writes_events_and_registries_and_moves_no_group() -> None:
    registries = {"p.links", "p.workspaces"}
    assert names("gateway", "Write") == EVENTS | registries
    assert names("gateway", "Read") == EVENTS | registries | {
        *("o.customers", "o.leads", "o.sales", "p.app-clicks-changelog", "p.app-customers-changelog")
    }
    assert names("gateway", "Describe") == {"o.touches"}
    assert names("gateway", "Describe", GROUP) == {"p.app", "p.leadstream-sink"}
    assert names("gateway", "Read", GROUP) == set()
    assert names("gateway", "Write", TRANSACTION) == {"p.leadstream-registry"}


def test_an_operator_publishes_no_results_and_moves_no_group_at_work() -> None:
    assert not names("operator", "Write") & {"o.leads", "o.sales", "o.customers"}
    assert names("operator", "Write") >= {"p.links", "p.workspaces"}
    assert "p.leadstream-registry" in names("operator", "Write", TRANSACTION)
    assert names("operator", "Read", GROUP) == {"p.leadstream-sink-replay-"}


@pytest.mark.parametrize("role", RIGHTS)
def test_nobody_deletes_and_nobody_has_it_all(role: str) -> None:
    given = {one.operation for one in RIGHTS[role]}
    assert given <= {"Read", "Write", "Describe", "Create", "DescribeConfigs", "AlterConfigs"}
    assert role == "operator" or not given & {"Create", "AlterConfigs"}
    assert all(one.name not in ("", "*") for one in RIGHTS[role])


def test_a_principal_is_one_word_of_the_shell() -> None:
    lines = list(commands("sink", [Right(GROUP, "g", False, "Read")], "User:CN=a b;c"))
    assert "--allow-principal 'User:CN=a b;c' --operation Read --group g" in lines[1]


def test_rewards_write_no_leads_and_share_no_group() -> None:
    assert names("rewards", "Read") >= {"o.leads", "o.sales", "o.customers", "p.reward-policies"}
    assert names("rewards", "Write") == {
        *("p.reward-events", "o.rewards", "o.reward-refusals", "o.dead-letters"),
        *("o.reward-claims", "o.reward-shares"),
        *("p.leadstream-rewards-rewards-changelog", "p.leadstream-rewards-caps-changelog"),
    }
    assert names("rewards", "Read", GROUP) == {"p.leadstream-rewards"}
    assert names("rewards", "Write", TRANSACTION) == {"p.leadstream-rewards-"}
