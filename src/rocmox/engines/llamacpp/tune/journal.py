"""Contests on disk: each visit is a stored run, each contest a file that names them, so that a search can go on."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rocmox.bench.store import Run, save, write_whole
from rocmox.engines.llamacpp.tune.contest import VariantFailedError, Verdict, judge
from rocmox.engines.llamacpp.tune.variant import Variant

Measure = Callable[[Variant], tuple[Run, float]]
"""A visit: the run, and the seconds that a request took in it."""

SCHEMA_VERSION = 1
_FRESH = dt.timedelta(minutes=30)
"""Visits farther apart are no A/B/A any more: the machine may be another one by then."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Visit:
    """`run` is the name of its file; `ended` in UTC."""

    run: str
    seconds: float
    ended: str


@dataclasses.dataclass(kw_only=True)
class Journal:
    """The contests of one search in `folder`; `now` is the clock."""

    folder: Path
    measure: Measure
    rounds: int
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(tz=dt.UTC)
    _last: tuple[Variant, Visit] | None = None

    def contest(self, incumbent: Variant, challenger: Variant) -> Verdict:
        """The verdict, read if it is there. Visits that a killed search left are taken up again.

        VariantFailedError when the incumbent, which ran before, runs no more.
        """
        path = self.folder / f"contest-{_name(incumbent, challenger)}.json"
        visits, verdict = self._read(path)
        if verdict:
            return verdict
        if not visits and self._last and self._last[0] == incumbent and self._fresh(self._last[1]):
            visits = [self._last[1]]
        while (verdict := judge([visit.seconds for visit in visits], rounds=self.rounds)) is None:
            variant = challenger if len(visits) % 2 else incumbent
            try:
                ran = len(visits) > 1 or (variant == incumbent and bool(visits or self._last))
                visits.append(self._visit(variant, ran=ran))
            except VariantFailedError as error:
                if variant == incumbent:
                    raise
                return self.note_failure(incumbent, challenger, error.message)
            self._last = (variant, visits[-1])
            self._write(path, incumbent, challenger, visits, None)
        self._write(path, incumbent, challenger, visits, verdict)
        return verdict

    def note_failure(self, incumbent: Variant, challenger: Variant, reason: str) -> Verdict:
        """A challenger that cannot be built or does not run is not tried again."""
        verdict = Verdict(word="failed", reason=reason[-2000:])
        self._write(self.folder / f"contest-{_name(incumbent, challenger)}.json", incumbent, challenger, [], verdict)
        return verdict

    def _visit(self, variant: Variant, *, ran: bool) -> Visit:
        """One that ran a moment ago gets a second chance: a lost connection is not the variant's doing."""
        try:
            run, seconds = self.measure(variant)
        except VariantFailedError:
            if not ran:
                raise
            run, seconds = self.measure(variant)
        path = save(dataclasses.replace(run, settings=variant.settings()), self.folder / "runs")
        return Visit(run=path.name, seconds=seconds, ended=self.now().isoformat())

    def _fresh(self, visit: Visit) -> bool:
        return self.now() - dt.datetime.fromisoformat(visit.ended) < _FRESH

    def _read(self, path: Path) -> tuple[list[Visit], Verdict | None]:
        try:
            entry = json.loads(path.read_text(encoding="utf-8"))
            visits = [Visit(**visit) for visit in entry["visits"]]
            verdict = Verdict(**entry["verdict"]) if entry["verdict"] else None
        except (OSError, ValueError, KeyError, TypeError):
            return [], None
        return (visits, verdict) if verdict or (visits and self._fresh(visits[-1])) else ([], None)

    def _write(
        self, path: Path, incumbent: Variant, challenger: Variant, visits: list[Visit], verdict: Verdict | None
    ) -> None:
        entry: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "incumbent": incumbent.settings(),
            "challenger": challenger.settings(),
            "visits": [dataclasses.asdict(visit) for visit in visits],
            "verdict": dataclasses.asdict(verdict) if verdict else None,
        }
        write_whole(path, json.dumps(entry, indent=2))


def _name(incumbent: Variant, challenger: Variant) -> str:
    words = json.dumps([incumbent.settings(), challenger.settings()], sort_keys=True)
    return hashlib.sha256(words.encode()).hexdigest()[:16]
