"""What a pair's answer means: pure, from what the probe said to one verdict."""

from __future__ import annotations

import dataclasses
from typing import Any

from rocmox.health.hip.answer import OUT_OF_MEMORY, Answer
from rocmox.health.p2p import remedies
from rocmox.health.p2p.pair import Pair, PairVerdict
from rocmox.health.result import Evidence, Verdict
from rocmox.units import format_bytes

_GOOD_SHARE, _POOR_SHARE = 0.55, 0.30  # of the link's theory; MI50s reach 0.61 to 0.90 of a Gen3 x16 link
_LONGEST_LATENCY_SECONDS = 1e-3  # a hundred times what a healthy pair takes for 4 KiB
_ONE_LANE = 0.985e9  # bytes per second of PCIe 3.0 x1
_IN_WORDS = {
    "unchanged": "the copy returned success and the destination is unchanged",
    "partial": "the copy returned success and did not copy everything",
    "scattered": "the copy returned success and brought other bytes",
}
_WAYS = {"peer": "hipMemcpyPeer", "peer_async": "hipMemcpyPeerAsync", "rows": "hipMemcpy2DAsync"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """A verdict without its pair."""

    verdict: Verdict
    code: str
    summary: str
    remedy: str = ""
    damage: str | None = None


def judge_pair(pair: Pair, answer: Answer) -> PairVerdict:
    """Wrong data comes before a crash, a crash before everything that was fine until then."""
    rate, largest = _rate(answer)
    finding = _wrong_data(answer) or _ending(answer) or _refusal(answer) or _blind(answer)
    return PairVerdict(
        pair=pair,
        **vars(finding or _speed(pair, rate, answer.last("latency_seconds"))),
        evidence=_evidence(pair, answer),
        bytes_per_second=rate,
        latency_seconds=answer.last("latency_seconds"),
        largest_bytes=largest,
    )


def wrong_copy(difference: dict[str, Any], way: str) -> Finding:
    """A difference that the comparison found."""
    share = f"{difference['wrong']} of {difference['payload']} bytes wrong, the first at {difference['first']}"
    summary = f"{_IN_WORDS[difference['kind']]} ({way}: {share})"
    return _crit("P2P_DATA_CORRUPT", summary, remedies.DATA, damage=difference["kind"])


def _wrong_data(answer: Answer) -> Finding | None:
    changed = answer.last("source_changed")
    if changed:
        summary = f"copying changed the source itself, the first byte at {changed['first']}"
        return _crit("P2P_DATA_CORRUPT", summary, remedies.DATA, damage="source")
    for copy in answer.all("copy"):
        if copy["difference"]["wrong"]:
            way = f"{_WAYS[copy['copy']]} by the {_who(copy['way'])}, {format_bytes(copy['bytes'])}"
            return wrong_copy(copy["difference"], way)
    return None


def _ending(answer: Answer) -> Finding | None:
    if answer.was_killed:
        return _unknown("P2P_KILLED", f"the test {answer.in_words}, by somebody else", remedies.KILLED)
    match answer.end:
        case "stuck":
            return _crit("P2P_STUCK", f"the test {answer.in_words}", remedies.STUCK)
        case "timeout":
            return _fail("P2P_TIMEOUT", f"the test {answer.in_words} ({answer.seconds:.0f} s)", remedies.HANG)
        case "signal":
            return _fail("P2P_CRASHED", f"the test {answer.in_words}", remedies.CRASH)
        case "exit":
            return _unknown("P2P_PROBE_FAILED", f"the test {answer.in_words}", remedies.REPORT)
    return None


def _refusal(answer: Answer) -> Finding | None:
    if missing := answer.last("missing"):
        return _unknown("P2P_CLAIMED_NOT_TESTED", f"no libamdhip64 can be loaded: {missing}", remedies.LIBRARY)
    if error := answer.last("error"):
        if error["name"] == OUT_OF_MEMORY:
            summary = "not tested: the cards have no room for the smallest buffers"
            return _unknown("P2P_OUT_OF_MEMORY", summary, remedies.MEMORY)
        return _fail("P2P_CALL_FAILED", f"{error['call']} returned {error['name']}", remedies.CALL)
    access = answer.last("access")
    if access and not access["forward"]:
        if access["back"]:
            return _fail("P2P_ONE_WAY", "no access in this direction, only in the other", remedies.ACCESS)
        return _fail("P2P_NO_ACCESS", "hipDeviceCanAccessPeer says no", remedies.ACCESS)
    return None


def _blind(answer: Answer) -> Finding | None:
    """Without a copy that was compared, and a changed byte that was seen, nothing is proven."""
    if answer.last("control") is True:
        return None
    return _unknown(
        "P2P_COMPARISON_BLIND", "a byte changed on purpose was not seen: nothing is proven", remedies.REPORT
    )


def _speed(pair: Pair, rate: float | None, latency: float | None) -> Finding:
    theory = pair.theory_bytes_per_second
    words = "arrives byte for byte" + (f", {in_gb(rate)} GB/s" if rate else "")
    if rate and theory:
        share = rate / theory
        words += f", {share:.0%} of the link's {in_gb(theory)}"
        if share < _GOOD_SHARE:
            verdict = Verdict.WARN if share >= _POOR_SHARE else Verdict.FAIL
            return Finding(verdict=verdict, code="P2P_SLOW", summary=f"slow: {words}", remedy=remedies.SLOW)
    elif rate and rate < _ONE_LANE and not (pair.peer and pair.peer.is_xgmi):
        summary = f"slow: {words}, less than one lane of PCIe 3.0 carries (the link itself is not known here)"
        return Finding(verdict=Verdict.WARN, code="P2P_SLOW", summary=summary, remedy=remedies.SLOW)
    if latency and latency > _LONGEST_LATENCY_SECONDS:
        summary = f"{words}; a small copy takes {latency * 1e3:.1f} ms"
        return Finding(verdict=Verdict.WARN, code="P2P_LATENCY", summary=summary, remedy=remedies.SLOW)
    return Finding(verdict=Verdict.PASS, code="P2P_OK", summary=words)


def in_gb(bytes_per_second: float) -> str:
    """12.9 for 12.9e9."""
    return f"{bytes_per_second / 1e9:.1f}"


def _rate(answer: Answer) -> tuple[float | None, int | None]:
    """Bytes per second of the best of the largest right copies, and their size."""
    right = [copy for copy in answer.all("copy") if not copy["difference"]["wrong"]]
    timed = [copy for copy in right if copy["copy"] == "peer_async" and copy["seconds"] > 0]
    if not timed:
        return None, max((copy["bytes"] for copy in right), default=None)
    largest = max(copy["bytes"] for copy in timed)
    return max(largest / copy["seconds"] for copy in timed if copy["bytes"] == largest), largest


def _evidence(pair: Pair, answer: Answer) -> tuple[Evidence, ...]:
    lines = [Evidence(source="libamdhip64", value=str(answer.last("library")))]
    if access := answer.last("access"):
        value = f"{access['forward']}, back {access['back']}"
        lines.append(Evidence(source="hipDeviceCanAccessPeer", value=value))
    if pair.peer is not None:
        lines.append(Evidence(source=f"p2p_links {pair.name}", value="claimed" if pair.peer.claimed else "no link"))
    copies = answer.all("copy")
    if copies:
        wrong = sum(1 for copy in copies if copy["difference"]["wrong"])
        sizes = ", ".join(format_bytes(size) for size in sorted({copy["bytes"] for copy in copies}))
        lines.append(Evidence(source="copies compared", value=f"{len(copies)} of {sizes}; {wrong} wrong"))
    for copy in copies:
        if copy["copy"] == "peer_async" and copy["bytes"] == answer.last("room") and copy["seconds"] > 0:
            source = f"hipMemcpyPeerAsync by the {_who(copy['way'])}"
            lines.append(Evidence(source=source, value=f"{in_gb(copy['bytes'] / copy['seconds'])} GB/s"))
    if (control := answer.last("control")) is not None:
        lines.append(Evidence(source="one byte changed on purpose", value="seen" if control else "not seen"))
    return tuple(lines)


def _who(way: str) -> str:
    return "source" if way == "push" else "destination"


def _crit(code: str, summary: str, remedy: str, damage: str | None = None) -> Finding:
    return Finding(verdict=Verdict.CRIT, code=code, summary=summary, remedy=remedy, damage=damage)


def _fail(code: str, summary: str, remedy: str) -> Finding:
    return Finding(verdict=Verdict.FAIL, code=code, summary=summary, remedy=remedy)


def _unknown(code: str, summary: str, remedy: str) -> Finding:
    return Finding(verdict=Verdict.UNKNOWN, code=code, summary=summary, remedy=remedy)
