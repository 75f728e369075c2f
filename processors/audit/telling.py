"""What an audit found, in lines of text or of JSON."""

from collections.abc import Iterator, Sequence

import orjson

from processors.audit.report import Difference, Summary, Verdict


class Telling:
    """Names up to ``limit`` differences, and as many results apart when asked to."""

    def __init__(self, limit: int, *, apart: bool = False, as_json: bool = False) -> None:
        self._limit = limit
        self._apart = apart
        self._as_json = as_json
        self._named = {"difference": 0, "apart": 0}

    def verdicts(self, verdicts: Sequence[Verdict]) -> Iterator[str]:
        """One line each."""
        for verdict in verdicts:
            group = "difference" if isinstance(verdict, Difference) else "apart"
            if group == "apart" and not self._apart:
                continue
            self._named[group] += 1
            if self._named[group] <= self._limit:
                yield _line({group: verdict.as_dict()}) if self._as_json else str(verdict)
            elif self._named[group] == self._limit + 1 and not self._as_json:
                yield f"… more of these are counted, not named: --limit {self._limit}"

    def summary(self, summary: Summary, seconds: float) -> Iterator[str]:
        """What was compared, and what came of it."""
        if self._as_json:
            yield _line({"summary": summary.as_dict()})
            return
        yield from summary.lines()
        rate = summary.events / max(seconds, 1e-3)
        yield f"{summary.events:,} events in {seconds:.1f} s ({rate:,.0f}/s)"


def _line(document: dict[str, object]) -> str:
    # What is counted is counted by a StrEnum.
    return orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS).decode()
