"""Which fault hits which call or step: drawn from a seed, aimed at the calls that a run without fault makes."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Mapping, Sequence

from tests.end_to_end.fault_sites import SITES, Site

OVERCOME, REPORTED, EITHER, KILLED = "overcome", "reported", "either", "killed"
KINDS = (
    "HTTP 500", "HTTP 503", "HTTP 596", "HTTP 596, done", "no answer", "reset", "truncated", "ticket expired",
    "task fails", "task hangs", "task killed", "client killed", "power cut",
)  # fmt: skip
_POLL = re.compile(r"/tasks/")
_CHANGES = frozenset({"POST", "PUT", "DELETE"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a run without fault; `nth` counts those with the same method and pattern before it."""

    method: str
    pattern: str
    nth: int

    @property
    def changes(self) -> bool:
        return self.method in _CHANGES and self.pattern != "/access/ticket"

    @property
    def words(self) -> tuple[str, ...]:
        return (f"method={self.method}", f"path={self.pattern}", f"after={self.nth}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """One run of the campaign."""

    kind: str
    site: Site
    fault: str
    words: tuple[str, ...]
    expected: str
    says: str = ""
    """What the message of a reported failure must contain."""

    def __str__(self) -> str:
        return f"{self.kind} from {self.site.name}: {self.fault} {' '.join(self.words)}"


def calls_of(access_log: str) -> list[Call]:
    """The calls in pveproxy's access log, in order; a task's own path becomes a pattern."""
    seen: dict[tuple[str, str], int] = {}
    calls = []
    for method, path in re.findall(r'"([A-Z]+) /api2/json(\S*) HTTP', access_log):
        pattern = re.sub(r"/tasks/[^/]+/", "/tasks/*/", path.partition("?")[0])
        nth = seen.get((method, pattern), 0)
        seen[method, pattern] = nth + 1
        calls.append(Call(method=method, pattern=pattern, nth=nth))
    return calls


def draw(index: int, seed: str, calls: Mapping[str, Sequence[Call]]) -> Case:
    """The case of this number: kinds take turns, everything else is drawn."""
    kind = KINDS[index % len(KINDS)]
    rng = random.Random(f"{seed}:{index}")  # noqa: S311 - a reproducible campaign, no secret
    if kind.startswith("task"):
        return _task_case(kind, rng)
    changing = kind in {"HTTP 596, done", "client killed", "power cut"}
    site = rng.choice([each for each in SITES if not changing or each.operations])
    found = [call for call in calls[site.name] if call.changes or not changing]
    found = [call for call in found if call.nth == 0 or not _POLL.search(call.pattern)]
    if kind == "ticket expired":
        found = [call for call in found if call.pattern != "/access/ticket"]
    return _call_case(kind, site, rng.choice(found), rng)


def killed_at(call: Call, site: Site, when: str) -> Case:
    """The client is killed while this call is under way."""
    words = (f"when={when}", *call.words)
    return Case(kind="client killed", site=site, fault="api-timeout", words=words, expected=KILLED)


def _call_case(kind: str, site: Site, call: Call, rng: random.Random) -> Case:
    when = f"when={rng.choice(('before', 'after'))}"
    fault, words, expected, says = {
        "HTTP 500": ("api-error", ("status=500",), EITHER, "500"),
        "HTTP 503": ("api-error", ("status=503",), OVERCOME, "503"),
        "HTTP 596": ("api-error", ("status=596",), OVERCOME, "596"),
        "HTTP 596, done": ("api-error", ("status=596", "when=after"), OVERCOME, "596"),
        "no answer": ("api-timeout", (when,), OVERCOME, "no answer"),
        "reset": ("api-reset", (when,), OVERCOME, "no answer"),
        "truncated": ("api-truncated", (), OVERCOME, "no answer"),
        "ticket expired": ("ticket-expired", (), OVERCOME, ""),
        "client killed": ("api-timeout", (when,), KILLED, ""),
        "power cut": ("api-timeout", (when,), EITHER, ""),
    }[kind]
    return Case(kind=kind, site=site, fault=fault, words=(*words, *call.words), expected=expected, says=says)


def _task_case(kind: str, rng: random.Random) -> Case:
    site = rng.choice([each for each in SITES if each.operations])
    operation, _, vmid = rng.choice(site.operations).partition(" ")
    fault = {"task fails": "task-fails", "task hangs": "task-hangs", "task killed": "task-killed"}[kind]
    says = {"task fails": "rocmox lab fault", "task hangs": "still runs after", "task killed": "unexpected status"}[
        kind
    ]
    words = (f"operation={operation}", f"vmid={vmid}")
    return Case(kind=kind, site=site, fault=fault, words=words, expected=REPORTED, says=says)
