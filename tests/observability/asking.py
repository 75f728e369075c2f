"""Asking a process how it is."""

from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families


def ask(port: int, page: str) -> tuple[int, str]:
    """Status and text; 0 when nobody answers."""
    try:
        with urlopen(f"http://127.0.0.1:{port}{page}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()
    except (URLError, ConnectionError, TimeoutError) as error:
        return 0, str(error)


def metrics_of(port: int) -> dict[str, dict[tuple[str, ...], float]]:
    """By the names of samples and the values of their labels; also names of families without samples."""
    status, text = ask(port, "/metrics")
    assert status == 200, text
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        ending = "_total" if family.type == "counter" else ""
        found.setdefault(family.name + ending, {})
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found
