"""The blocks of code in README.md and docs: what each is, and what the tests do with it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
README: Final = "README.md"
PAGES: Final = (README, *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/*.md")))

_BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_NAMED: Final = re.compile(r"`([\w-]+\.\w+)`")
_ENDINGS: Final = {"python": "py", "js": "mjs"}

DONE: Final = {
    "sh": "run, in order, by one reader of the page (test_pages)",
    "python": "run (test_pages)",
    "js": "run (test_pages)",
    "java": "compiled and run (test_pages)",
    "sql": "run (tests/clickhouse/test_documented_queries.py)",
    "json": "read; behind a block that is run, held against what that printed",
    "text": "held against what the block before it printed, or what `make run` did",
    "yaml": "read as a policy (tests/rewards/test_page.py)",
    "html": "read, and its scripts with it (test_blocks)",
}
"""What is done with a block, by its language. Another language is refused."""

NOT_RUN: Final = {
    (README, "make run"): "the first line is what tests/docs/site.py runs, the second what runs this",
    ("docs/architecture.md", " producers ──►"): "a picture",
    ("docs/benchmark.md", "leadstream bench  "): "takes most of an hour; tests/bench runs small ones",
    ("docs/benchmark.md", "leadstream bench ledger"): "takes minutes; tests/bench runs small ones",
    ("docs/benchmark.md", "leadstream bench gateway"): "takes minutes; tests/bench runs small ones",
    ("docs/benchmark.md", "leadstream bench analytics"): "takes minutes; tests/bench runs small ones",
    (
        "docs/connecting.md",
        "export LEADSTREAM_KAFKA_BOOTSTRAP=kafka-1",
    ): "names brokers of somebody's production;"
    " tests/integration/test_secure.py connects by the same settings",
    (
        "docs/connecting.md",
        "KAFKA=kafka-1:9093",
    ): "takes brokers with ACLs; tests/integration/test_secure.py has some",
    ("docs/kubernetes.md", "docker build"): "takes a registry of images",
    ("docs/kubernetes.md", "kubectl create"): "takes a cluster; tests/kubernetes reads what is applied",
    ("docs/kubernetes.md", "kubectl --namespace"): "the same",
    ("docs/operations.md", "LEADSTREAM_CLICKHOUSE_URL=http://admin"): "takes a ClickHouse with users;"
    " tests/clickhouse/test_roles.py has one",
    ("docs/operations.md", "CREATE USER ann"): "the same",
    ("docs/operations.md", "Kafka was killed by"): "shows what tests/integration/test_up_servers.py does",
    ("docs/redirects.md", "make countries"): "downloads whatever is newest",
    ("docs/script.md", "<script defer"): "is for pages; tests/browser loads such ones",
    ("docs/script.md", "<script>"): "the same",
    ("docs/script.md", "inject("): "the same",
    ("docs/script.md", "// At the sign-up"): "the same",
}
"""By page and beginning: blocks that are read (``bash -n``, ``node --check``) and not run, and why."""


@dataclass(frozen=True)
class Block:
    """``before``: the language of a block that stands directly above it, or nothing. ``file``: its name."""

    page: str
    line: int
    language: str
    text: str
    before: str
    file: str

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_run(self) -> bool:
        return self.language in ("sh", "python", "js", "java") and why_not(self) is None

    @property
    def for_ever(self) -> bool:
        """A reader of a topic has no end."""
        return "while True" in self.text or "while (true)" in self.text


def why_not(block: Block) -> str | None:
    """Why it is not run, if it is not."""
    for (page, beginning), reason in NOT_RUN.items():
        if block.page == page and block.text.startswith(beginning):
            return reason
    return None


def blocks(page: str) -> list[Block]:
    """In order."""
    text, found, end = (ROOT / page).read_text(), list[Block](), 0
    for match in _BLOCK.finditer(text):
        between = text[end : match.start()].strip()
        line, language, end = text[: match.start()].count("\n") + 1, match[1], match.end()
        before = found[-1].language if found and not between else ""
        ending = _ENDINGS.get(language, language)
        named = _NAMED.findall(between.rpartition("\n\n")[2])
        files = [name for name in named if name.endswith(f".{ending}")]
        file = files[-1] if files else f"line_{line}.{ending}"
        found.append(Block(page, line, language, match[2], before, file))
    return found


BLOCKS: Final = [block for page in PAGES for block in blocks(page)]
