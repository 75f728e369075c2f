"""What there is to know of a running system, and what of it is not well. Pure."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from processors.errors import ExitCode

LATE_S: Final = 300.0
"""Behind by more than that, somebody should look."""


class _Told(Struct, frozen=True, rename="camel"):
    """JSON has its fields in camelCase."""


class Unknown(Struct, frozen=True, rename={"why": "unknown"}):
    """Something could not be asked. ``why``: in a line."""

    why: str


class Process(_Told, frozen=True):
    """``state``: ``running``, or why it does not work, in words. ``since_ms``: of this life.

    ``restarts`` None: nobody counts them. ``errors``: lines that it logged as errors in this life; None: it
    does not say. ``waits``: by table, for how many clicks and customers something is held. ``stopped``:
    partitions that stand still because of too many dead letters.
    """

    name: str
    state: str = "running"
    since_ms: int | None = None
    restarts: int | None = None
    ended: str = ""
    errors: int | None = None
    waits: Mapping[str, int] | None = None
    stopped: int = 0

    @property
    def well(self) -> bool:
        """Does it do its work?"""
        return self.state == "running" and not self.stopped


class Stage(_Told, frozen=True):
    """A consumer group. ``records`` it has not read.

    ``seconds``: how old the oldest of these is, 0 without any; None: not known now.
    """

    name: str
    group: str
    members: int
    records: int
    seconds: float | None


class Rates(_Told, frozen=True):
    """Records of the last minute. A lead or a sale counts each time that it is published."""

    clicks: int
    leads: int
    sales: int


class Flow(_Told, frozen=True):
    """What Kafka knows."""

    stages: list[Stage]
    rates: Rates


class Newest(_Told, frozen=True):
    """The lead with the latest time."""

    timestamp_ms: int
    workspace_id: str
    customer_external_id: str
    event_name: str
    key: str


class Stored(_Told, frozen=True):
    """What ClickHouse knows. ``pending``: customers who wait for their first lead."""

    leads: int
    pending: int
    newest: Newest | None


class Room(_Told, frozen=True):
    """A disk. ``low``: it is nearly full."""

    directory: str
    free: int
    low: bool


class Fault(_Told, frozen=True):
    """The last error that a process has logged, or how it ended."""

    at: str
    process: str
    text: str


class Figures(_Told, frozen=True):
    """All of it, as of ``at_ms``. ``where``: which system that is."""

    at_ms: int
    where: str
    flow: Flow | Unknown
    stored: Stored | Unknown
    processes: list[Process] = []
    disk: Room | None = None
    faults: list[Fault] = []

    @property
    def answered(self) -> bool:
        """Has anybody?"""
        return (
            isinstance(self.flow, Flow)
            or isinstance(self.stored, Stored)
            or any(one.state == "running" for one in self.processes)
        )

    @property
    def held(self) -> dict[str, int] | None:
        """By table, for how many something is held; None: no worker has said so."""
        said = [one.waits for one in self.processes if one.waits is not None]
        tables = {table for waits in said for table in waits}
        return (
            {table: sum(waits.get(table, 0) for waits in said) for table in sorted(tables)} if said else None
        )


def exit_code(figures: Figures) -> ExitCode:
    """What it comes to, for a program that asks."""
    if not figures.answered:
        return ExitCode.UNAVAILABLE
    return ExitCode.CHECK_FAILED if problems(figures) else ExitCode.DONE


def problems(figures: Figures) -> list[str]:
    """What is not well, in a line each; empty: nothing that can be seen from here."""
    found = []
    if figures.disk is not None and figures.disk.low:
        found.append(f"the disk of {figures.disk.directory} is nearly full")
    for name, part in (("Kafka", figures.flow), ("ClickHouse", figures.stored)):
        if isinstance(part, Unknown):
            found.append(part.why if name in part.why else f"{name}: {part.why}")
    for process in figures.processes:
        if process.state != "running":
            found.append(f"{process.name}: {process.state}")
        if process.stopped:
            found.append(f"{process.name}: {process.stopped} partitions stand still: too many dead letters")
    if isinstance(figures.flow, Flow):
        found += [text for stage in figures.flow.stages if (text := _of_stage(stage))]
    return found


def _of_stage(stage: Stage) -> str:
    if stage.records and not stage.members:
        return f"no {stage.name} runs, and {stage.records:,} records wait"
    if stage.seconds is not None and stage.seconds > LATE_S:
        return f"the {stage.name} is {stage.seconds / 60:,.0f} minutes behind"
    return ""
