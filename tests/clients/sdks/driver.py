"""Runs where an SDK is installed: makes the calls that it is told, and says how they ended.

On stdin one JSON object a line: the ``call`` by its name in Node (``links.createMany``), the ``arguments`` as
Node takes them, ``options`` for the client. On stdout a line for each: a ``result`` or an ``error``.
"""

import json
import os
import re
import sys
import warnings
from typing import Any

import dub
from dub.models import errors

NAMES = {
    "links.update": ("link_id", "request_body"),
    "links.delete": ("link_id",),
    "customers.delete": ("id",),
}


def plain(result: Any) -> Any:
    if isinstance(result, list):
        return [plain(one) for one in result]
    return result.model_dump(mode="json", by_alias=True) if hasattr(result, "model_dump") else result


def pages(page: Any) -> list[Any]:
    """All that there are of a list."""
    found: list[Any] = []
    while page is not None:
        if isinstance(page, list):
            return [*found, *page]
        found += page.result
        page = page.next()
    return found


def make(call: str, arguments: list[Any], options: dict[str, Any]) -> Any:
    client = dub.Dub(token=options["token"], server_url=options["baseUrl"])
    group, name = call.split(".")
    method = getattr(getattr(client, group), re.sub("[A-Z]", lambda one: f"_{one[0].lower()}", name))
    named = dict(zip(NAMES.get(call, ("request",)), arguments, strict=True))
    result = method(**named, http_headers=options.get("headers"))
    return plain(pages(result) if name == "list" else result)


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"result": make(asked["call"], asked["arguments"], asked["options"])}
    except errors.DubError as error:
        return {
            "error": {
                "class": type(error).__name__,
                "status": error.status_code,
                "message": error.message,
                "headers": dict(error.headers),
            }
        }
    except Exception as error:
        return {"error": {"class": type(error).__name__, "status": 0, "message": str(error), "headers": {}}}


if __name__ == "__main__":
    # Their own models have deprecated fields.
    warnings.simplefilter("ignore", DeprecationWarning)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + os.linesep)
        sys.stdout.flush()
