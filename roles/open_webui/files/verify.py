"""Asks the page and each model server in one start of Python: standard input says where, standard output their answers.

Standard input holds API keys, so neither goes into a log:
`{url, start_seconds, servers: [{url, probe?, api_key?}]}`.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import Any

_SECONDS = 5  # for one answer of the page
_SERVER_SECONDS = 30  # for one answer of a model server, which may compute
_SILENT = {"version": "unknown", "features": {"enable_signup": False}}  # the page said nothing of itself


def ask(url: str, *, seconds: float, api_key: str = "") -> dict[str, Any]:
    """The status of a GET (-1 without an answer), the reason if it is not 200, and the body as text."""
    request = urllib.request.Request(url)  # noqa: S310 - as below
    if api_key:
        request.add_header("Authorization", f"Bearer {api_key}")
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310 - the addresses are the user's
            return {"status": answer.status, "msg": "", "body": answer.read().decode("utf-8", "replace")}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "msg": f"status {error.code}: {error.reason}", "body": ""}
    except (OSError, ValueError) as error:
        return {"status": -1, "msg": str(error), "body": ""}


def wait_for(url: str, seconds: float) -> dict[str, Any]:
    """The first answer with status 200, or the last one without within this time."""
    end = time.monotonic() + seconds
    while (answer := ask(url, seconds=_SECONDS))["status"] != HTTPStatus.OK and time.monotonic() < end:
        time.sleep(1)
    return {"status": answer["status"], "msg": answer["msg"]}


def verify(questions: dict[str, Any]) -> dict[str, Any]:
    """`health` and `servers` as status and message; `page` is what the page says of itself."""
    health = wait_for(f"{questions['url']}/health", questions["start_seconds"])
    if health["status"] != HTTPStatus.OK:
        return {"health": health, "page": _SILENT, "servers": []}
    said = ask(f"{questions['url']}/api/config", seconds=_SERVER_SECONDS)["body"]
    servers = []
    for server in questions["servers"]:
        url = server.get("probe") or f"{server['url']}/models"
        answer = ask(url, seconds=_SERVER_SECONDS, api_key=server.get("api_key", ""))
        servers.append({"url": server["url"], "status": answer["status"], "msg": answer["msg"]})
    return {"health": health, "page": json.loads(said) if said else _SILENT, "servers": servers}


if __name__ == "__main__":
    print(json.dumps(verify(json.load(sys.stdin))))
