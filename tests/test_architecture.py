"""Imports go one way, down through the rooms of :mod:`tests.rooms`."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.rooms import ALLOWED, PACKAGES, table

ROOT = Path(__file__).parent.parent


def modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


MODULES = dict(modules())


@cache
def imported(path: Path) -> frozenset[str]:
    """Everything, also inside of functions and for types only. Of ours the module, not the name in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{path}: imports name modules in full"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= whole & MODULES.keys()
            if not whole <= MODULES.keys():
                found.add(node.module)
    return frozenset(found)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def room_of(name: str) -> str:
    homes = [room for room in ALLOWED if within(name, room)]
    assert homes or name == "processors", f"{name}: say in tests/rooms.py which room that is"
    return max(homes, key=len, default="")


def rooms_used(name: str, path: Path) -> set[str]:
    ours = {target for target in imported(path) if any(within(target, one) for one in PACKAGES)}
    return {room_of(target) for target in ours} - {room_of(name)}


@pytest.mark.parametrize(("name", "path"), [pytest.param(*one, id=one[0]) for one in MODULES.items()])
def test_imports_go_one_way(name: str, path: Path) -> None:
    beyond = rooms_used(name, path) - set(ALLOWED.get(room_of(name), ()))
    assert not beyond, f"{name} imports from {', '.join(sorted(beyond))}"


def test_rooms_stand_on_those_below() -> None:
    below: list[str] = []
    for room, allowed in ALLOWED.items():
        assert set(allowed) <= set(below), f"{room} would import from above"
        below.append(room)


def test_every_allowance_is_used() -> None:
    unused = {room: set(allowed) for room, allowed in ALLOWED.items()}
    for name, path in MODULES.items():
        if room := room_of(name):
            unused[room] -= rooms_used(name, path)
    assert {room: left for room, left in unused.items() if left} == {}


def test_no_module_needs_itself() -> None:
    """By whatever way: what stands in a circle can only be read, tested and changed as one."""
    needs = {name: imported(path) & MODULES.keys() - {name} for name, path in MODULES.items()}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as circle:
        pytest.fail(" needs ".join(reversed(circle.args[1])))


SERVERS = {"aiokafka", "faust", "mode", "rocksdict"}
VOCABULARY = {"aiokafka.errors", "aiokafka.structs"}


def test_what_the_engine_does_needs_no_server() -> None:
    """Only what is below it (kafka, state) does; so it can be tested without one."""
    found = {
        f"{name} imports {target}"
        for name, path in MODULES.items()
        if room_of(name) == "processors.engine"
        for target in imported(path) - VOCABULARY
        if target.partition(".")[0] in SERVERS
    }
    assert found == set()


@pytest.mark.parametrize(("name", "path"), [pytest.param(*one, id=one[0]) for one in MODULES.items()])
def test_only_the_command_line_has_a_terminal(name: str, path: Path) -> None:
    terminal = {"click", "rich", "prompt_toolkit"} & {target.partition(".")[0] for target in imported(path)}
    ours = room_of(name) in ("processors.terminal", "processors.cli") or name in (
        "bench.command",
        "bench.subcommands",
    )
    assert not terminal or ours, f"{name} imports {terminal}"


def test_the_page_has_the_table() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    assert table() in page, "put into the page what `python -m tests.rooms` prints"


def test_the_page_names_what_is_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"`((?:schemas|processors|deploy|tests)/[\w/.]*\.(?:py|sql)|(?:\w+/)+)`", page))
    assert len(named) > 20
    assert {one for one in named if "/" in one and not (ROOT / one).exists()} == set()


def test_the_command_line_is_thin() -> None:
    """What grows there belongs into a room that others can use as well."""
    files = (ROOT / "processors" / "cli").glob("*.py")
    assert sum(len(path.read_text().splitlines()) for path in files) <= 3_050


CLIENTS = {"AIOKafkaConsumer", "AIOKafkaProducer", "AIOKafkaAdminClient", "AIOKafkaClient", "create_conn"}


@pytest.mark.parametrize(("name", "path"), [pytest.param(*one, id=one[0]) for one in modules()])
def test_clients_of_kafka_are_made_in_one_place(name: str, path: Path) -> None:
    """By ``KafkaConnection``: whoever made one himself would connect without its login, or wait for ever."""
    called = {node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}
    made = {one.id if isinstance(one, ast.Name) else getattr(one, "attr", "") for one in called} & CLIENTS
    ours = within(name, "bench") or within(name, "processors.kafka.connection")
    assert not made or ours, f"{name} makes {', '.join(sorted(made))}"
