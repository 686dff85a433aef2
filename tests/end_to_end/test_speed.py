"""Side by side with `community.proxmox.proxmox`: the same containers, the same server, calls counted by the server.

`pytest -s tests/end_to_end/test_speed.py` prints the table; artifacts/speed.md keeps it. Guests are pretended, so a
creation and a start take a few tenths of a second; what is compared is what the clients add.
"""

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import ROOT
from tests.end_to_end.pretended_pve import PretendedPve, serving
from tests.end_to_end.speed_clients import Measured, Task, as_a_play, as_modules, ours, theirs

pytestmark = [pytest.mark.alone, pytest.mark.lab, pytest.mark.timeout(3000)]

CALLS_PER_RUN = 4
"""Ticket, version, resources, containers."""
CALLS_PER_UNCHANGED_CONTAINER = 2
# A single container's run is mostly the start of Python: both take turns until the best of each tells them apart.
LEAST_ROUNDS, MOST_ROUNDS = 3, 20
Client = Callable[[PretendedPve, Sequence[Task], Path], Measured]
HEAD = """| as | what | containers | rocmox calls | community.proxmox calls | rocmox s | community.proxmox s |
|---|---|--:|--:|--:|--:|--:|"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    way: str
    what: str
    containers: int
    ours: Measured
    theirs: Measured

    def __str__(self) -> str:
        counts = f"{self.containers} | {self.ours.calls} | {self.theirs.calls}"
        return f"| {self.way} | {self.what} | {counts} | {self.ours.seconds:.2f} | {self.theirs.seconds:.2f} |"


def rows(pve: PretendedPve, folder: Path, way: str, client: Client, count: int) -> Iterator[Row]:
    """Create, look again, change one field; each module has containers of its own."""
    mine, other = range(1001, 1001 + count), range(2001, 2001 + count)

    def measure(what: str, pairs: Iterable[tuple[list[Task], list[Task]]], *, least: int = LEAST_ROUNDS) -> Row:
        first, second = [], []
        for ours_, theirs_ in pairs:
            first.append(client(pve, ours_, folder))
            second.append(client(pve, theirs_, folder))
            if len(first) >= least and best(first).seconds < best(second).seconds:
                break
        return Row(way=way, what=what, containers=count, ours=best(first), theirs=best(second))

    rounds = range(MOST_ROUNDS if count == 1 else 1)
    fresh = (([vmid + 100 * n for vmid in mine], [vmid + 100 * n for vmid in other]) for n in rounds)
    creations = ((ours(pve, one, cores=1), theirs(pve, two, cores=1, create=True)) for one, two in fresh)
    yield measure("create", creations, least=1)
    yield measure("no change", ((ours(pve, mine, cores=1), theirs(pve, other, cores=1)) for _ in rounds))
    yield measure("one field", ((ours(pve, mine, cores=2 + n), theirs(pve, other, cores=2 + n)) for n in rounds))


def best(runs: Sequence[Measured]) -> Measured:
    """The quickest: what the machine can do when nothing else is in the way."""
    return min(runs, key=lambda one: one.seconds)


LONG = pytest.mark.soak


@pytest.mark.parametrize(
    ("way", "client", "count"),
    [
        ("play", as_a_play, 1),
        ("play", as_a_play, 10),
        ("module", as_modules, 1),
        pytest.param("module", as_modules, 10, marks=LONG),
        pytest.param("play", as_a_play, 50, marks=LONG),
        pytest.param("module", as_modules, 50, marks=LONG),
    ],
)
def test_fewer_calls_and_less_time_in_every_row(tmp_path: Path, way: str, client: Client, count: int) -> None:
    with serving(tmp_path / "node") as pve:
        found = list(rows(pve, tmp_path, way, client, count))
    keep(found)
    created, unchanged, changed = found
    assert (created.ours.changed, unchanged.ours.changed, changed.ours.changed) == (1, 0, 1)
    assert (created.theirs.changed, unchanged.theirs.changed, changed.theirs.changed) == (2 * count, 0, count)
    assert unchanged.ours.calls == CALLS_PER_RUN + CALLS_PER_UNCHANGED_CONTAINER * count
    for row in found:
        assert row.ours.calls < row.theirs.calls, row
        assert row.ours.seconds < row.theirs.seconds, row


def keep(found: Sequence[Row]) -> None:
    """Print the rows, and keep them with those of other runs."""
    folder = ROOT / "artifacts"
    folder.mkdir(exist_ok=True)
    stored = folder / "speed.json"
    lines: dict[str, Any] = json.loads(stored.read_text(encoding="utf-8")) if stored.exists() else {}
    lines |= {
        f"{row.way} {row.what} {row.containers:3}": {"line": str(row), **dataclasses.asdict(row)} for row in found
    }
    stored.write_text(json.dumps(lines, indent=2, sort_keys=True), encoding="utf-8")
    table = "\n".join([HEAD, *(lines[name]["line"] for name in sorted(lines))])
    (folder / "speed.md").write_text(table + "\n", encoding="utf-8")
    print("", HEAD, *found, sep="\n")
