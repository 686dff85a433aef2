"""The orders that lie on the node, and their counts. Every process reads them anew: an order works at once.

An order stands in `/var/lib/rocmox-lab/faults/NAME.json` beside the record of its fault (`rocmox_lab.faults.orders`).
"""

from __future__ import annotations

import dataclasses
import fcntl
import fnmatch
import json
import random
import time
from pathlib import Path
from typing import Any

FOLDER = "/var/lib/rocmox-lab/faults"
_ALWAYS = 100


@dataclasses.dataclass(frozen=True, kw_only=True)
class Order:
    """An order that is due now; `act` says what is done, `details` how."""

    name: str
    act: str
    details: dict[str, Any]
    record: Path

    @property
    def stands(self) -> bool:
        """Whether the fault is still set."""
        return self.record.exists()

    def beside(self, suffix: str) -> Path:
        """A file of the fault, beside its record."""
        return self.record.with_suffix(suffix)


def standing(folder: Path, point: str) -> list[Order]:
    """The orders in the node's folder for a point (`call`, `operation`), due or not."""
    if not folder.is_dir():
        return []
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            details = json.loads(path.read_text(encoding="utf-8")).get("order")
        except (FileNotFoundError, ValueError):
            continue  # cleared meanwhile
        if details and details["point"] == point:
            found.append(Order(name=path.stem, act=details["act"], details=details, record=path))
    return found


def due(folder: Path, point: str, subject: str) -> Order | None:
    """The first order whose pattern matches the subject and whose turn it is; every match is counted."""
    matching = [order for order in standing(folder, point) if fnmatch.fnmatchcase(subject, order.details["match"])]
    return next((order for order in matching if _take(order, subject)), None)


def _take(order: Order, subject: str) -> bool:
    """Count this match; True when the order fires at it."""
    after, times = int(order.details["after"]), int(order.details["times"])
    with order.beside(".count").open("a+", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        stream.seek(0)
        seen, fired = (int(word) for word in (stream.read() or "0 0").split())
        hit = seen >= after and (times == 0 or fired < times) and _drawn(order, seen)
        stream.seek(0)
        stream.truncate()
        stream.write(f"{seen + 1} {fired + hit}")
        if hit:
            with order.beside(".fired").open("a", encoding="utf-8") as log:
                log.write(f"{time.time():.3f} {subject}\n")
    return hit


def _drawn(order: Order, seen: int) -> bool:
    """The n-th draw of the order's seed, the same in every process."""
    chance = int(order.details["chance"])
    draw = random.Random(f"{order.details['seed']}:{seen}")  # noqa: S311 - a reproducible fault, no secret
    return chance >= _ALWAYS or draw.randrange(_ALWAYS) < chance
