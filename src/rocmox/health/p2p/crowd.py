"""Pairs that pass alone, tested again at the same time: both directions of a pair, then all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rocmox.errors import CannotLookError
from rocmox.health.context import Context
from rocmox.health.hip.answer import OUT_OF_MEMORY, Answer, ask
from rocmox.health.p2p import remedies
from rocmox.health.p2p.judge import wrong_copy
from rocmox.health.p2p.pair import PairVerdict
from rocmox.health.p2p.plan import CopyPlan
from rocmox.health.result import Evidence, Verdict

_GOOD = frozenset({Verdict.PASS, Verdict.WARN})


def try_crowds(context: Context, verdicts: Sequence[PairVerdict], plan: CopyPlan) -> list[PairVerdict]:
    """The verdicts, worse for pairs that fail in a crowd."""
    found = {verdict.pair.name: verdict for verdict in verdicts}
    for name, verdict in list(found.items()):
        back = f"{verdict.pair.destination} -> {verdict.pair.source}"
        if verdict.pair.source < verdict.pair.destination and {found[name].verdict, found[back].verdict} <= _GOOD:
            found |= _try(context, [found[name], found[back]], plan, "both directions")
    good = [verdict for verdict in found.values() if verdict.verdict in _GOOD]
    if len(good) > len(found) / 2:
        found |= _try(context, good, plan, f"{len(good)} pairs")
    return list(found.values())


def _try(context: Context, members: Sequence[PairVerdict], plan: CopyPlan, words: str) -> dict[str, PairVerdict]:
    pairs = [(member.pair.source_device, member.pair.destination_device) for member in members]
    question = {"job": "crowd", "pairs": pairs, "sizes": [plan.crowd_bytes]}
    try:
        answer = ask(context.machine, question, limit_seconds=plan.limit_seconds)
    except CannotLookError as error:
        evidence = Evidence(source=f"{words} at once", value=f"not tested: {error.message}")
        return {one.pair.name: dataclasses.replace(one, evidence=(*one.evidence, evidence)) for one in members}
    told = {tuple(entry["crowd"]): entry for entry in answer.all("crowd")}
    judged = {}
    for member, pair in zip(members, pairs, strict=True):
        judged[member.pair.name] = _judge(member, told.get(pair), answer, words)
    return judged


def _judge(member: PairVerdict, entry: dict[str, dict[str, object]] | None, answer: Answer, words: str) -> PairVerdict:
    if entry is not None and entry["difference"]["wrong"]:
        finding = wrong_copy(entry["difference"], f"hipMemcpyPeerAsync, {words} at once")
        return dataclasses.replace(member, **vars(finding))
    if entry is not None or answer.error_name == OUT_OF_MEMORY or answer.was_killed:
        value = "all arrive byte for byte" if entry else "no room to test this"
        return dataclasses.replace(
            member, evidence=(*member.evidence, Evidence(source=f"{words} at once", value=value))
        )
    codes = {"timeout": "P2P_TIMEOUT", "stuck": "P2P_STUCK", "signal": "P2P_CRASHED"}
    return dataclasses.replace(
        member,
        verdict=Verdict.CRIT if answer.end == "stuck" else Verdict.FAIL,
        code=codes.get(answer.end, "P2P_CALL_FAILED"),
        summary=f"passes alone; with {words} at once the test {answer.error_name or answer.in_words}",
        remedy=remedies.HANG if answer.end == "timeout" else remedies.CRASH,
    )
