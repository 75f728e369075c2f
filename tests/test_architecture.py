"""Imports go one way: schemas ← attribution ← engine, worker, sink ← command line."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("schemas", "processors", "deploy", "bench")

# Package → what it may import of the project, besides itself. The longest matching package rules.
ALLOWED = {
    "schemas": [],
    "processors.clickhouse_url": [],
    "processors.settings": ["schemas", "processors.clickhouse_url"],
    "processors.files": [],
    "processors.garbage": [],
    "processors.metrics": [],
    "processors.header_names": [],
    "processors.printable": [],
    "processors.logs": ["processors.printable", "processors.settings"],
    "processors.attribution": ["schemas"],
    "processors.engine": ["processors.files", "processors.garbage", "processors.header_names"],
    "processors.worker": [
        "schemas",
        "processors.attribution",
        "processors.engine",
        "processors.metrics",
        "processors.settings",
    ],
    "processors.sink": [
        "schemas",
        "processors.clickhouse_url",
        "processors.garbage",
        "processors.header_names",
        "processors.metrics",
        "processors.settings",
    ],
    "processors.exchange": [],
    "processors.migrations": ["deploy.clickhouse", "processors.exchange"],
    "processors.grants": ["processors.migrations", "processors.sink"],
    "processors.topics": [
        "schemas",
        "processors.engine",
        "processors.header_names",
        "processors.settings",
        "processors.worker",
    ],
    "processors.demo": ["schemas"],
    # Its independence of processors.attribution is what an audit rests on.
    "processors.audit.model": ["schemas"],
    "processors.audit": ["schemas", "processors.settings", "processors.topics"],
    "processors.cli": ["schemas", "processors", "deploy", "bench"],
    "deploy": ["processors.files"],
    "bench": ["schemas", "processors", "deploy"],
}


def modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize(("name", "path"), [pytest.param(*one, id=one[0]) for one in modules()])
def test_imports_go_one_way(name: str, path: Path) -> None:
    homes = [package for package in ALLOWED if within(name, package)]
    if not homes:
        assert name == "processors", f"{name}: say in ALLOWED what it may import"
        return
    home = max(homes, key=len)
    for target in imported(path):
        if any(within(target, package) for package in PACKAGES):
            assert any(within(target, one) for one in [home, *ALLOWED[home]]), f"{name} imports {target}"
