"""Tests every ordered pair of cards, one after another, each in a process of its own."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence

from rocmox.errors import CannotLookError
from rocmox.gpu.card import Gpu
from rocmox.gpu.peers import Peer
from rocmox.health.cards import judged_cards, judged_peers
from rocmox.health.context import Context
from rocmox.health.hip.answer import ask
from rocmox.health.hip.devices import Devices, read_devices
from rocmox.health.p2p import remedies
from rocmox.health.p2p.crowd import try_crowds
from rocmox.health.p2p.gates import busy, read_gates, shut_gate
from rocmox.health.p2p.judge import judge_pair
from rocmox.health.p2p.pair import CHECK, Pair, PairVerdict
from rocmox.health.p2p.plan import CopyPlan, plan_for
from rocmox.health.result import Reporter, Result, Verdict, worst

_PAIR = 2
_REMEDIES = {"NOT_TESTED": remedies.LIBRARY, "NO_DEVICE": remedies.DEVICES}
Progress = Callable[[str], None]
report = Reporter(CHECK)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PeerReport:
    """The verdict on every ordered pair, or, where there is no pair, why."""

    pairs: tuple[PairVerdict, ...] = ()
    why_none: Result | None = None

    @property
    def results(self) -> tuple[Result, ...]:
        """The same in the model of all checks."""
        return (self.why_none,) if self.why_none else tuple(one.result for one in self.pairs)

    @property
    def verdict(self) -> Verdict:
        """The worst of all pairs."""
        return worst(self.results)


def examine(
    context: Context, *, limit_seconds: float | None = None, progress: Progress = lambda _words: None
) -> PeerReport:
    """Never raises for what a library, a driver or a card does; `limit_seconds` is for each pair."""
    plan = plan_for(context.level, limit_seconds)
    progress("asking libamdhip64 for its devices")
    devices = read_devices(context.machine)
    cards = _cards(context)
    pairs = _pairs(devices, cards, _peers(context))
    if not pairs:
        return PeerReport(why_none=_nothing(context, devices, cards))
    verdicts: dict[str, PairVerdict] = {}
    gates = [] if context.forced or not cards else read_gates(context)
    for pair in pairs:
        gate = None if context.forced else shut_gate(context, pair, pairs, gates)
        if verdict := gate or _not_listed(pair, devices):
            verdicts[pair.name] = verdict
    testable = [pair for pair in pairs if pair.name not in verdicts]
    if testable:
        found = busy(context, testable) or _test(context, testable, plan, progress)
        verdicts |= {verdict.pair.name: verdict for verdict in found}
    return PeerReport(pairs=tuple(verdicts[pair.name] for pair in pairs))


def _test(context: Context, pairs: Sequence[Pair], plan: CopyPlan, progress: Progress) -> list[PairVerdict]:
    verdicts: list[PairVerdict] = []
    for number, pair in enumerate(pairs, start=1):
        if any(verdict.code == "P2P_STUCK" for verdict in verdicts):
            summary = "not tested: a process of an earlier pair waits in the kernel"
            verdicts.append(_unknown(pair, "P2P_NOT_TESTED", summary, remedies.STUCK))
            continue
        progress(f"pair {number} of {len(pairs)}: {pair.name}")
        verdicts.append(_test_one(context, pair, plan))
        progress(f"  {verdicts[-1].verdict.value} {verdicts[-1].summary}")
    if plan.crowd_bytes is not None:
        progress("both directions and all pairs at the same time")
        verdicts = try_crowds(context, verdicts, plan)
    return verdicts


def _test_one(context: Context, pair: Pair, plan: CopyPlan) -> PairVerdict:
    """A machine that cannot be asked any more is a verdict on this pair; the others keep theirs."""
    question = plan.question(_number(pair.source_device), _number(pair.destination_device))
    try:
        return judge_pair(pair, ask(context.machine, question, limit_seconds=plan.limit_seconds))
    except CannotLookError as error:
        return _unknown(pair, "P2P_PROBE_FAILED", f"not tested: {error.message}", error.remedy or remedies.REPORT)


def _unknown(pair: Pair, code: str, summary: str, remedy: str) -> PairVerdict:
    return PairVerdict(pair=pair, verdict=Verdict.UNKNOWN, code=code, summary=summary, remedy=remedy)


def _number(device: int | None) -> int:
    if device is None:
        raise CannotLookError("a pair without device numbers cannot be tested")
    return device


def _cards(context: Context) -> dict[str, Gpu]:
    """By address; none where sysfs shows no PCI devices."""
    try:
        return {gpu.pci_address: gpu for gpu in judged_cards(context)}
    except CannotLookError:
        return {}


def _peers(context: Context) -> dict[tuple[str, str], Peer]:
    try:
        peers = judged_peers(context)
    except CannotLookError:
        return {}
    return {(peer.source.pci_address, peer.destination.pci_address): peer for peer in peers}


def _pairs(devices: Devices, cards: dict[str, Gpu], peers: dict[tuple[str, str], Peer]) -> list[Pair]:
    """Every ordered pair of what HIP lists, and of the cards that it does not list."""
    numbers: dict[str, int] = {}
    for number, address in enumerate(devices.addresses):
        numbers.setdefault(address, number)  # partitions of one card share its address
    return [
        Pair(
            source=source,
            destination=destination,
            source_device=numbers.get(source),
            destination_device=numbers.get(destination),
            source_gpu=cards.get(source),
            destination_gpu=cards.get(destination),
            peer=peers.get((source, destination)),
        )
        for source, destination in itertools.permutations({**numbers, **cards}, _PAIR)
    ]


def _not_listed(pair: Pair, devices: Devices) -> PairVerdict | None:
    """Not tested, because HIP knows no number for one of the two."""
    if pair.source_device is not None and pair.destination_device is not None:
        return None
    verdict, code, reason, remedy = Verdict.UNKNOWN, "P2P_CLAIMED_NOT_TESTED", devices.reason, remedies.LIBRARY
    if devices.addresses:
        missing = " and ".join(
            address for address in (pair.source, pair.destination) if address not in devices.addresses
        )
        reason, remedy = f"libamdhip64 does not list {missing}", remedies.DEVICES
    elif devices.why_none != "NOT_TESTED":
        code, remedy = f"P2P_{devices.why_none}", remedies.DEVICES
        verdict = Verdict.UNKNOWN if devices.why_none == "NO_DEVICE" else Verdict.FAIL
    return PairVerdict(pair=pair, verdict=verdict, code=code, summary=f"not tested: {reason}", remedy=remedy)


def _nothing(context: Context, devices: Devices, cards: dict[str, Gpu]) -> Result:
    """Fewer than two cards: for HIP, or for sysfs where HIP finds none."""
    name = context.machine.name
    if devices.why_none in {"", "NOT_TESTED", "NO_DEVICE"} and len({*devices.addresses, *cards}) == 1:
        return report.not_applicable(name, "peer-to-peer access takes two cards, and there is one")
    if devices.why_none == "NOT_TESTED":
        return report.not_applicable(name, f"no AMD GPU is seen here, and {devices.reason}")
    if devices.why_none == "NO_DEVICE":
        return report(Verdict.NOT_APPLICABLE, "P2P_NO_DEVICE", name, f"no AMD GPU is seen here: {devices.reason}")
    return report.unknown(f"P2P_{devices.why_none}", name, devices.reason, remedy=remedies.DEVICES)
