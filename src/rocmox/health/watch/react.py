"""Acts once on each new CRIT: stops what it is told to stop, runs what it is told to run, and says it loudly."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rocmox.errors import CannotLookError
from rocmox.files import write_whole
from rocmox.gpu.inventory import read_inventory
from rocmox.health.result import Result, Verdict, worst
from rocmox.health.watch.handed import parse_results
from rocmox.health.watch.settings import Settings
from rocmox.health.watch.tell import cards_by_guest, running, tell
from rocmox.machine.base import Machine
from rocmox.machine.container import ContainerMachine

_TIMEOUT_SECONDS = 120.0
_ERROR, _CRITICAL, _NOTICE = 3, 2, 5  # syslog(3)
Say = Callable[[int, str], None]


def react(machine: Machine, settings: Settings, say: Say) -> bool:
    """Whether everything asked for was done; what was not is tried again the next time."""
    try:
        content, at_seconds = settings.results.read_bytes(), settings.results.stat().st_mtime
        results = parse_results(content)
    except OSError as error:
        raise CannotLookError(f"{settings.results}: {error}", remedy="Start rocmox-health.service first.") from error
    guests = _guests(machine)
    troubles: list[str] = []
    if settings.tell_guests and guests:
        troubles += tell(machine, results, guests, at_seconds=at_seconds, good_for_seconds=settings.good_for_seconds)
    troubles += _on_crit(machine, settings, results, guests, say)
    for trouble in troubles:
        say(_ERROR, trouble)
    return not troubles


def _guests(machine: Machine) -> dict[int, list[str]]:
    """The running guests with their cards; none where sysfs shows no PCI devices."""
    try:
        by_guest = cards_by_guest(read_inventory(machine))
    except CannotLookError:
        return {}
    return {vmid: by_guest[vmid] for vmid in running(machine, by_guest)}


def _on_crit(
    machine: Machine, settings: Settings, results: Sequence[Result], guests: dict[int, list[str]], say: Say
) -> list[str]:
    """Runs the hooks for what was not acted upon yet; forgets what is over."""
    critical = {f"{result.code} {result.subject}": result for result in results if result.verdict is Verdict.CRIT}
    known = _read_state(settings.state)
    new = [result for key, result in critical.items() if key not in known]
    troubles = []
    for result in new:
        say(_CRITICAL, f"CRIT {result.code} {result.subject}: {result.summary}. {result.remedy}")
    if new:
        troubles = list(_hooks(machine, settings, new, guests, say))
    acted = [key for key in critical if key in known or not troubles]
    if sorted(acted) != sorted(known):
        _write_state(settings.state, acted)
    return troubles


def _hooks(
    machine: Machine, settings: Settings, new: Sequence[Result], guests: dict[int, list[str]], say: Say
) -> Iterator[str]:
    for unit in settings.stop_units:
        yield from _do(machine, ["systemctl", "stop", unit], say, f"stops {unit}")
    for vmid in _concerned(new, guests):
        for unit in settings.stop_units_in_guests:
            inside = ContainerMachine(machine, vmid)
            yield from _do(inside, ["systemctl", "stop", unit], say, f"stops {unit} in container {vmid}")
    told = json.dumps([{**dataclasses.asdict(one), "verdict": one.verdict.value} for one in new]).encode()
    for argv in settings.commands:
        yield from _do(machine, argv, say, f"runs {' '.join(argv)}", stdin=told, environment=_environment(new))


def _concerned(new: Sequence[Result], guests: dict[int, list[str]]) -> list[int]:
    """Guests that hold a card that is spoken of; all of them where the node as a whole is."""
    every = [card for cards in guests.values() for card in cards]
    about_node = any(not any(card in result.subject for card in every) for result in new)
    return [
        vmid
        for vmid, cards in guests.items()
        if about_node or any(card in result.subject for card in cards for result in new)
    ]


def _environment(new: Sequence[Result]) -> dict[str, str]:
    return {
        "ROCMOX_VERDICT": worst(new).value,
        "ROCMOX_CODES": " ".join(dict.fromkeys(result.code for result in new)),
        "ROCMOX_SUBJECTS": " ".join(dict.fromkeys(result.subject for result in new)),
    }


def _do(
    machine: Machine,
    argv: Sequence[str],
    say: Say,
    words: str,
    *,
    stdin: bytes | None = None,
    environment: dict[str, str] | None = None,
) -> Iterator[str]:
    say(_NOTICE, words)
    try:
        machine.run(argv, stdin=stdin, environment=environment, timeout_seconds=_TIMEOUT_SECONDS).check()
    except CannotLookError as error:
        yield f"{words}: failed: {error.message[:500]}"


def _read_state(path: Path) -> list[str]:
    """What was acted upon; nothing when the file is missing or spoilt: hooks run rather twice than never."""
    try:
        return [str(key) for key in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []


def _write_state(path: Path, keys: Sequence[str]) -> None:
    write_whole(path, json.dumps(sorted(keys)))
