"""Asks a URL on the machine itself: runs alone, on any Python 3, standard library only.

The question is the first argument, in JSON: {"url": ..., "timeout_seconds": ...}.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
import urllib.error
import urllib.request
from typing import Any

_LONGEST_ANSWER = 500  # characters kept as evidence


def main(question: dict[str, Any]) -> dict[str, Any]:
    """Status and the beginning of the answer, or the reason why there is none."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    started = time.monotonic()
    try:
        with opener.open(question["url"], timeout=question["timeout_seconds"]) as answer:
            status, body = answer.status, answer.read(_LONGEST_ANSWER)
    except urllib.error.HTTPError as error:
        status, body = error.code, error.read(_LONGEST_ANSWER)
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        return {"status": None, "reason": str(getattr(error, "reason", error))}
    seconds = round(time.monotonic() - started, 3)
    return {"status": status, "body": body.decode(errors="replace"), "seconds": seconds}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
