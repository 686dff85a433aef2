"""Every fault of the constructed cards: the right finding, for the right card, and nothing wrong said of the others."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.health.context import Context
from rocmox.health.result import Result, Verdict
from rocmox.health.run import run_checks
from rocmox.machine.captured import CapturedMachine
from rocmox_lab.gpus import build
from rocmox_lab.gpus.changes import take_back
from rocmox_lab.gpus.variations import VARIATIONS, vary

Trees = Callable[[str], Path]
# Faults that another machine than three MI50 on an X99 board must show.
OTHER_MACHINE = {"acs": "mi50x8", "display": "w7900x2"}
QUIET = {Verdict.PASS, Verdict.NOT_APPLICABLE}


def findings(root: Path) -> list[Result]:
    results = run_checks(Context(machine=CapturedMachine(root)))
    return [result for result in results if result.verdict not in QUIET]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Trees:
    """Profile → tree that each test leaves as it found it."""
    built: dict[str, Path] = {}

    def get(profile: str) -> Path:
        if profile not in built:
            built[profile] = tmp_path_factory.mktemp("varied") / profile
            build(profile, built[profile])
        return built[profile]

    return get


def content(root: Path) -> dict[str, bytes | str]:
    places = sorted(place for place in root.rglob("*") if place.is_symlink() or place.is_file())
    return {str(place): str(place.readlink()) if place.is_symlink() else place.read_bytes() for place in places}


@pytest.mark.parametrize("name", VARIATIONS)
def test_a_fault_is_found(tree: Trees, name: str) -> None:
    root = tree(OTHER_MACHINE.get(name, "mi50x3"))
    kept = vary(root, name, card=1)
    found = findings(root)
    take_back(root, kept)
    codes = {result.code for result in found}
    assert set(VARIATIONS[name].codes) <= codes
    assert not [code for code in codes if code.endswith(("_DEFECT", "_CANNOT_LOOK"))]
    assert all(result.evidence and (result.remedy or result.verdict is Verdict.UNKNOWN) for result in found)


def test_every_fault_can_be_taken_back(tree: Trees) -> None:
    root = tree("mi50x3")
    before = content(root)
    for name in VARIATIONS:
        if name not in OTHER_MACHINE:
            take_back(root, vary(root, name, card=2))
    assert content(root) == before
    assert findings(root) == []


def test_a_small_register_names_its_card_and_who_loses_access(fresh_tree: Trees) -> None:
    root = fresh_tree("mi50x3")
    vary(root, "small-bar-vbios", card=1)
    assert [(result.code, result.subject) for result in findings(root)] == [
        ("BAR_SMALL_VBIOS", "0000:06:00.0"),
        ("P2P_LINKS_ONE_WAY", "0000:03:00.0 -> 0000:06:00.0"),
        ("P2P_LINKS_ONE_WAY", "0000:09:00.0 -> 0000:06:00.0"),
    ]
