"""The active probe of a card's scheduler: small work on new queues, in processes with a time limit.

On gfx11 and later MES answers each queue with ADD_QUEUE and REMOVE_QUEUE; before, HWS maps and preempts them. A queue
belongs to a process, so each round is a process of its own: whatever it leaves is removed at its end.
"""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.errors import CannotLookError
from rocmox.gpu.card import Gpu
from rocmox.health.cards import judged_cards
from rocmox.health.context import LONG, Context
from rocmox.health.hip.answer import OUT_OF_MEMORY, Answer, ask
from rocmox.health.hip.devices import read_devices
from rocmox.health.hip.holders import REMEDY, read_holders
from rocmox.health.p2p import remedies
from rocmox.health.result import Evidence, Reporter, Result, Verdict

_SHORT_ROUNDS, _LONG_ROUNDS = 2, 10
_QUESTION = {"job": "queues", "streams": 4, "repeats": 4}
_LIMIT_SECONDS = 20.0
_SLOW_SECONDS = 1.0  # for one fill and copy of 64 KiB; MES itself gives up on a message after 2.1 s
_READ_LOG = "Read `rocmox kernel-log` on the node for queue, MES and reset messages"
_ENDS = {
    "killed": (Verdict.UNKNOWN, "QUEUES_KILLED", remedies.KILLED),
    "stuck": (Verdict.CRIT, "QUEUES_STUCK", remedies.STUCK),
    "timeout": (Verdict.FAIL, "QUEUES_HUNG", f"{_READ_LOG}; reset or reboot the node."),
    "signal": (Verdict.FAIL, "QUEUES_CRASHED", f"{_READ_LOG}."),
    "exit": (Verdict.UNKNOWN, "QUEUES_PROBE_FAILED", remedies.REPORT),
}


def probe_queues(context: Context, report: Reporter, *, limit_seconds: float = _LIMIT_SECONDS) -> Iterator[Result]:
    """One result for each device that libamdhip64 lists, or one that says why there is none. Levels 2 and 3."""
    devices = read_devices(context.machine)
    cards = _cards(context)
    if not devices.addresses:
        yield _no_devices(context, report, devices.why_none, devices.reason, has_cards=bool(cards))
        return
    holders = [] if context.forced else read_holders(context, list(cards.values()))
    for device, address in enumerate(devices.addresses):
        if holders:
            summary = f"queues not tested: the cards are in use ({'; '.join(holder.value for holder in holders[:3])})"
            yield report.unknown("QUEUES_CARDS_BUSY", address, summary, holders, remedy=REMEDY)
            continue
        yield _probe(context, report, address, device, limit_seconds)


def _probe(context: Context, report: Reporter, address: str, device: int, limit_seconds: float) -> Result:
    rounds = _LONG_ROUNDS if context.level >= LONG else _SHORT_ROUNDS
    answers: list[Answer] = []
    for _ in range(rounds):
        answers.append(ask(context.machine, {**_QUESTION, "device": device}, limit_seconds=limit_seconds))
        if trouble := _trouble(report, address, answers[-1]):
            return trouble
    dispatches = [entry for answer in answers for entry in answer.all("dispatch")]
    slowest = max(entry["seconds"] for entry in dispatches)
    summary = f"{len(dispatches)} dispatches on new queues in {rounds} processes, at most {slowest * 1e3:.1f} ms each"
    evidence = [Evidence(source="libamdhip64", value=str(answers[-1].last("library")))]
    if slowest > _SLOW_SECONDS:
        remedy = f"{_READ_LOG}; stop what else uses the card and probe again."
        return report.warn("QUEUES_SLOW", address, summary, evidence, remedy=remedy)
    return report.passed("QUEUES_OK", address, summary, evidence)


def _trouble(report: Reporter, address: str, answer: Answer) -> Result | None:
    evidence = [Evidence(source="libamdhip64", value=str(answer.last("library")))]
    dispatches = answer.all("dispatch")
    if any(entry["dispatch"] is False for entry in dispatches):
        what = "a small dispatch reports success, and memory holds other bytes"
        return report.crit("QUEUES_WRONG", address, what, evidence, remedy=f"{_READ_LOG}; serve nothing on this card.")
    end = "killed" if answer.was_killed else answer.end
    if end in _ENDS:
        verdict, code, remedy = _ENDS[end]
        return report(verdict, code, address, f"a small dispatch {answer.in_words}", evidence, remedy=remedy)
    if answer.error_name == OUT_OF_MEMORY:
        what = "no room for two buffers of 64 KiB"
        return report.unknown("QUEUES_OUT_OF_MEMORY", address, what, evidence, remedy=remedies.MEMORY)
    if error := answer.last("error"):
        what = f"{error['call']} returned {error['name']}"
        return report.fail("QUEUES_CALL_FAILED", address, what, evidence, remedy=remedies.CALL)
    if dispatches:
        return None
    return report.unknown("QUEUES_PROBE_FAILED", address, "nothing ran on it", evidence, remedy=remedies.REPORT)


def _no_devices(context: Context, report: Reporter, why: str, reason: str, *, has_cards: bool) -> Result:
    name = context.machine.name
    if not has_cards and why in {"NOT_TESTED", "NO_DEVICE"}:
        return report.not_applicable(name, f"no AMD GPU is seen here: {reason}")
    remedy = remedies.LIBRARY if why == "NOT_TESTED" else remedies.DEVICES
    verdict = Verdict.UNKNOWN if why in {"NOT_TESTED", "NO_DEVICE"} or not has_cards else Verdict.FAIL
    return report(verdict, f"QUEUES_{why}", name, f"queues not tested: {reason}", remedy=remedy)


def _cards(context: Context) -> dict[str, Gpu]:
    try:
        return {gpu.pci_address: gpu for gpu in judged_cards(context)}
    except CannotLookError:
        return {}
