"""`rocmox kernel-log --follow`: a line for each event when it is seen, and one for each incident when it is over."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rocmox.errors import CommandError, UsageError
from rocmox.facts.kernel_log.follow import follow_file, follow_pipe
from rocmox.health.kernel_log.analysis import Analysis
from rocmox.health.kernel_log.event import Event, Severity
from rocmox.health.kernel_log.findings import Finding, LogReport, report_of
from rocmox.health.kernel_log.incident import WINDOW_SECONDS, Incident
from rocmox.health.result import Verdict
from rocmox.machine import LocalMachine
from rocmox.report.kernel_log import event_line, incident_line

_SETTLE_SECONDS = 3.0
_ALARM_SECONDS = 30.0
_JOURNAL = ("journalctl", "--dmesg", "--boot", "--follow", "--output=json", "--no-pager", "--quiet")


class _Stopped(Exception):  # noqa: N818 - a signal to end, no error
    """SIGTERM or SIGINT."""


class _Alarm:
    """Runs a command when a card fails, not more often than every 30 seconds; its outcome is not waited for."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = argv
        self._not_before = 0.0

    def ring(self) -> None:
        if not self._argv or time.monotonic() < self._not_before:
            return
        self._not_before = time.monotonic() + _ALARM_SECONDS
        try:
            LocalMachine(root="/").run(self._argv, timeout_seconds=_ALARM_SECONDS).check()
        except CommandError as error:
            print(f"rocmox: {error.message}", file=sys.stderr, flush=True)


def follow(name: str | None, *, as_json: bool, only_new: bool, on_trouble: Sequence[str] = ()) -> LogReport:
    """Prints until the log ends or a signal comes; the report is of everything seen."""
    alarm = _Alarm(on_trouble)

    def show_event(event: Event) -> None:
        print(event_line(event, as_json=as_json), flush=True)
        if event.severity >= Severity.FAIL:
            alarm.ring()

    def show_incident(incident: Incident) -> None:
        finding = Finding.of(incident)
        print(incident_line(finding, as_json=as_json), flush=True)
        if finding.verdict in {Verdict.FAIL, Verdict.CRIT}:
            alarm.ring()

    analysis = Analysis(on_event=show_event, on_incident=show_incident)
    signal.signal(signal.SIGTERM, _stop)
    with contextlib.suppress(_Stopped, KeyboardInterrupt):
        _pump(_blocks(name, only_new=only_new), analysis)
    analysis.finish()
    return report_of(analysis)


def _stop(_signal: int, _frame: object) -> None:
    raise _Stopped


def _pump(blocks: Iterator[bytes | None], analysis: Analysis) -> None:
    """Feeds blocks; in a pause the last line is judged, later the incidents are closed."""
    scanner = analysis.scanner()
    silent_since = time.monotonic()
    for block in blocks:
        if block:
            silent_since = time.monotonic()
        for candidate in scanner.feed(block) if block else scanner.flush():
            analysis.take(candidate)
        silence = time.monotonic() - silent_since
        if silence > WINDOW_SECONDS:
            analysis.finish()
        elif silence > _SETTLE_SECONDS:
            analysis.settle()
    for candidate in scanner.finish():
        analysis.take(candidate)


def _blocks(name: str | None, *, only_new: bool) -> Iterator[bytes | None]:
    if name == "-":
        return follow_pipe(sys.stdin.fileno())
    if name is None:
        process = LocalMachine(root="/").start([*_JOURNAL, f"--lines={0 if only_new else 'all'}"])
        return follow_pipe(process.stdout.fileno()) if process.stdout else iter(())
    path = Path(name)
    if not path.exists():
        raise UsageError(f"{name}: no such file", remedy="Give a file, /dev/kmsg, or - for standard input.")
    if path.is_dir():
        raise UsageError(f"{name} is a directory", remedy="Give a file, /dev/kmsg, or - for standard input.")
    if path.is_file():
        return follow_file(path, from_end=only_new)
    device = os.open(path, os.O_RDONLY)
    if only_new:
        os.lseek(device, 0, os.SEEK_END)
    return follow_pipe(device)
