"""The rooms of the house, from the ground up: what is in each, and from which others it may import.

``python -m tests.rooms`` prints the table of docs/architecture.md.
"""

import sys
from pathlib import Path
from typing import Final, NamedTuple

TABLE_HEAD: Final = "| room | what is in it | may import |\n|---|---|---|\n"


class Room(NamedTuple):
    """``imports``: rooms further down; in ``processors`` unless they are named in full."""

    holds: str
    imports: str = ""


# The longest name that fits a module is its room. Every allowance is used, or it would tempt somebody.
_ROOMS: Final = {
    "schemas": Room(
        "what travels: events, results, topics, reasons, headers, ids; which topic, key and decoder each has"
    ),
    "attribution": Room("the rules ([rules.md](rules.md)) as pure functions: facts in, leads out", "schemas"),
    "errors": Room("how anything fails: cause, remedy, exit code"),
    "files": Room("files that only their owner reads"),
    "owners": Room("whose a directory is"),
    "proxies": Room("this machine, reached without a proxy"),
    "clock": Room("what time it is"),
    "disk": Room("how much room a disk has left"),
    "histogram": Room("how often something was how large"),
    "programs": Room("how a module of ours is run as a program"),
    "build": Room("whether modules are compiled, and how Python was built", "schemas"),
    "stacks": Room("what every thread of this process is doing"),
    "garbage": Room("the garbage collector of a process that works in batches"),
    "printable": Room("text from strangers, as it may be shown"),
    "terminal": Room("what draws on a terminal: lines, steps, bars, tables", "errors printable"),
    "signals": Room("what a signal does to a process"),
    "progress": Room("who is told how far something has come"),
    "visitors": Room("who follows a link: address, place, browser, robot or not"),
    "clickhouse.url": Room("an address of ClickHouse, whose password nothing shows by accident"),
    "settings": Room(
        "every `LEADSTREAM_*` variable; the `leadstream up` that runs here",
        "schemas errors files owners clickhouse.url",
    ),
    "rewards": Room(
        "who is owed what for a lead ([rewards.md](rewards.md)) as pure functions: facts in, rewards out",
        "schemas errors settings",
    ),
    "kafka.connection": Room("every client of Kafka is made here; why one could not connect", "errors"),
    "kafka.header_names": Room("reading records that aiokafka alone would stop at"),
    "kafka.placement": Room("the partition of a key; how partitions are told"),
    "kafka": Room(
        "topics and what they should be like, reading, sending, groups and their lag",
        "schemas errors settings kafka.connection kafka.header_names kafka.placement",
    ),
    "rewards.preview": Room(
        "what a policy would pay for the leads and sales there are", "schemas progress settings rewards kafka"
    ),
    "feeding": Room(
        "files and pipes of events, in whichever form they come, into their topics",
        "schemas errors clock progress settings kafka",
    ),
    "clickhouse": Room(
        "connecting, bringing tables and views up to date, roles, queries",
        "schemas errors proxies clickhouse.url settings",
    ),
    "observability": Room(
        "log lines; every metric, once ([metrics.md](metrics.md)); health, and the port that shows both",
        "errors printable clock histogram stacks settings kafka.connection",
    ),
    "engine": Room(
        "batches, exactly once: computed, committed, given up in time; knows neither leads nor a server",
        "errors clock histogram stacks kafka.connection kafka.placement",
    ),
    "engine.state": Room(
        "stores of the engine: RocksDB, memory; whose directory it is", "files owners engine"
    ),
    "engine.kafka": Room(
        "the engine on Kafka: Faust's consumer as its group, transactions, changelogs; the process around it",
        "errors clock garbage files kafka.connection kafka.header_names kafka.placement engine engine.state",
    ),
    "worker": Room(
        "the two joins as processors of the engine; dead letters",
        "schemas attribution clock settings kafka.connection kafka observability engine engine.kafka",
    ),
    "sink": Room(
        "topics → ClickHouse",
        "schemas errors clock histogram garbage settings kafka.connection kafka.header_names kafka.placement"
        " kafka clickhouse observability",
    ),
    "refusals": Room(
        "dead letters and unmatched events: found, selected, sent back",
        "schemas clock progress settings kafka worker sink",
    ),
    "people.traced": Room("what is told of one customer, and of what waits, as JSON", "attribution"),
    "people": Room(
        "one customer: what is known of it and why, and forgetting it; what of a workspace waits",
        "schemas attribution errors clock printable progress settings kafka.connection kafka.placement kafka"
        " clickhouse worker people.traced",
    ),
    "registry": Room(
        "workspaces, their keys, domains and views: what may become of them, and who writes that down",
        "schemas errors clock progress settings kafka.connection kafka.header_names kafka.placement kafka",
    ),
    "rewarding": Room(
        "the ledger of rewards as a process of the engine; what programs pay, followed and written",
        "schemas errors clock settings rewards kafka.connection kafka.placement kafka observability engine"
        " engine.kafka worker registry",
    ),
    "workspaces": Room(
        "which workspaces there are: those that are registered, and those of which something is stored",
        "errors settings kafka.connection kafka clickhouse registry",
    ),
    "gateway.answers": Room("what a gateway answers, errors among it"),
    "gateway.known": Room("what a gateway asks of facts and publishing", "schemas gateway.answers"),
    "gateway.publishing": Room(
        "events into Kafka, those of concurrent calls together",
        "schemas errors clock settings kafka.connection kafka.placement kafka gateway.answers",
    ),
    "gateway.facts": Room(
        "clicks, customers and sales, as far as a gateway knows them",
        "schemas attribution errors clock settings kafka.connection kafka.header_names kafka.placement kafka"
        " clickhouse registry gateway.known",
    ),
    "gateway.live": Room(
        "what is written now, for whoever watches",
        "schemas errors clock settings kafka.connection kafka.header_names kafka gateway.answers",
    ),
    "gateway": Room(
        "HTTP in: calls of SDKs and browsers, short links ([http.md](http.md)); pages for people"
        " ([dashboard.md](dashboard.md))",
        "schemas errors clock histogram programs garbage settings kafka.connection clickhouse observability"
        " registry visitors people.traced gateway.answers gateway.known gateway.publishing gateway.facts"
        " gateway.live",
    ),
    # Its independence of attribution is what an audit rests on.
    "audit.model": Room("the reference model: the rules a second time, in batch", "schemas"),
    "audit": Room(
        "results recomputed and compared, in bounded memory",
        "schemas errors clock progress settings kafka registry audit.model",
    ),
    "replaying": Room(
        "everything once more: into ClickHouse, new state, or another ledger of rewards",
        "schemas errors progress clickhouse.url settings kafka sink",
    ),
    "demo": Room("believable traffic", "schemas"),
    "deploy": Room(
        "embedded Kafka and ClickHouse, SQL of tables and views, image, manifests",
        "errors files disk owners programs",
    ),
    "status": Room(
        "how the running system is, seen from outside: `leadstream status`, and the live line of `up`",
        "schemas errors files clock disk settings kafka.connection kafka clickhouse sink",
    ),
    "stack": Room(
        "what `leadstream up` runs: servers, supervisor; what `doctor` checks",
        "schemas attribution errors files clock disk programs progress clickhouse.url settings"
        " kafka.connection kafka clickhouse engine worker sink registry rewarding replaying"
        " demo deploy status",
    ),
    "cli": Room(
        "one thin file for each command",
        "schemas errors files proxies clock build garbage printable terminal signals clickhouse.url settings"
        " rewards kafka rewards.preview feeding clickhouse observability worker sink refusals people registry"
        " rewarding workspaces gateway audit replaying demo status stack",
    ),
    # The command line finds it by its name, like its own commands, and knows nothing else of it.
    "bench": Room(
        "`leadstream bench`: how fast it is, beside its peers ([benchmark.md](benchmark.md))",
        "schemas errors clock programs build garbage printable terminal clickhouse.url settings rewards"
        " kafka kafka.connection kafka.header_names kafka.placement clickhouse engine engine.state"
        " engine.kafka worker sink rewarding gateway audit.model demo deploy stack cli",
    ),
}
_ROOT: Final = Path(__file__).parent.parent
PACKAGES: Final = ("schemas", "processors", "deploy", "bench")


def _path(name: str) -> str:
    path = _full(name).replace(".", "/")
    return path if (_ROOT / path).is_dir() else f"{path}.py"


def _full(name: str) -> str:
    return name if name in PACKAGES else f"processors.{name}"


ALLOWED: Final = {_full(name): [_full(one) for one in room.imports.split()] for name, room in _ROOMS.items()}
"""Room → the rooms that it may import from, all by their full names."""


def table() -> str:
    """As docs/architecture.md has it."""
    rows = []
    for name, room in _ROOMS.items():
        imports = ", ".join(f"`{one}`" for one in room.imports.split()) or "nothing"
        rows.append(f"| `{_path(name)}` | {room.holds} | {imports} |\n")
    return TABLE_HEAD + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(table())
