"""What a node tells a guest about the cards that the guest holds: one document, the same on both sides."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Collection, Sequence
from typing import Any

from rocmox.errors import CannotLookError
from rocmox.health.result import Result, Verdict, seen, worst

PLACE = "/run/rocmox/host-health.json"
SCHEMA_VERSION = 1
_ADDRESS = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]")
_MOST_BYTES = 4 << 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class Handed:
    """The node's results for one guest, when the node looked (Unix seconds), and for how long they hold."""

    node: str
    at_seconds: float
    good_for_seconds: float
    results: tuple[Result, ...]


def for_guest(results: Sequence[Result], cards: Collection[str]) -> tuple[Result, ...]:
    """Results on the guest's own cards whole, results on the node without evidence, none on the cards of others."""
    told = []
    for result in results:
        named = set(_ADDRESS.findall(result.subject))
        if not named:
            told.append(dataclasses.replace(result, evidence=()))
        elif named <= set(cards):
            told.append(result)
    return tuple(told)


def to_text(handed: Handed) -> str:
    """The document as it lies in the guest."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "node": handed.node,
        "time": handed.at_seconds,
        "good_for_seconds": handed.good_for_seconds,
        "verdict": worst(handed.results).value,
        "results": [{**dataclasses.asdict(result), "verdict": result.verdict.value} for result in handed.results],
    }
    return json.dumps(document, indent=1, ensure_ascii=False)


def parse_handed(content: bytes) -> Handed:
    """CannotLookError when it is no such document."""
    try:
        document = _document(content)
        return Handed(
            node=str(document["node"]),
            at_seconds=float(document["time"]),
            good_for_seconds=float(document["good_for_seconds"]),
            results=tuple(map(_result, document["results"])),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CannotLookError(f"{PLACE} is not what a node hands over: {error!r}"[:300]) from error


def parse_results(content: bytes) -> tuple[Result, ...]:
    """The results of `rocmox health --json`; CannotLookError when it is none."""
    try:
        return tuple(map(_result, _document(content)["results"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CannotLookError(f"this is not what `rocmox health --json` writes: {error!r}"[:300]) from error


def _document(content: bytes) -> dict[str, Any]:
    if len(content) > _MOST_BYTES:
        raise ValueError(f"{len(content)} bytes")
    found: dict[str, Any] = json.loads(content)
    return found


def _result(entry: dict[str, Any]) -> Result:
    return Result(
        check=str(entry["check"]),
        code=str(entry["code"]),
        verdict=Verdict(entry["verdict"]),
        subject=str(entry["subject"]),
        summary=str(entry["summary"]),
        evidence=tuple(seen(str(line["source"]), line["value"]) for line in entry["evidence"]),
        remedy=str(entry["remedy"]),
    )
