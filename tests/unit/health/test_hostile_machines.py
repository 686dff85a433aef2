"""Whole machines with spoilt files: health and gpus end with statements, never with a traceback or a defect.

SEED in the environment repeats or varies the run; `make soak` tries many more (tests/end_to_end).
"""

import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.errors import RocmoxError
from rocmox.gpu.details import read_details
from rocmox.gpu.inventory import read_inventory, to_json
from rocmox.health.context import Context
from rocmox.health.result import Verdict
from rocmox.health.run import run_checks
from rocmox.machine.captured import CapturedMachine
from rocmox.report.gpus import to_text
from rocmox_lab.gpus import build

Spoil = Callable[[Path, random.Random], None]
MOST_SECONDS = 20


def truncate(place: Path, chance: random.Random) -> None:
    content = place.read_bytes()
    place.write_bytes(content[: chance.randrange(len(content) + 1)])


def noise(place: Path, chance: random.Random) -> None:
    place.write_bytes(chance.randbytes(chance.randrange(200)))


def huge(place: Path, chance: random.Random) -> None:
    place.write_bytes(chance.choice([b"0", b"A", b"\n", b"1 1\n"]) * 300_000)


def digits(place: Path, chance: random.Random) -> None:
    place.write_text("9" * chance.randrange(1, 6000))


def vanish(place: Path, chance: random.Random) -> None:  # noqa: ARG001 - as the others
    place.unlink()


def become_folder(place: Path, chance: random.Random) -> None:  # noqa: ARG001
    place.unlink()
    place.mkdir()


def hostile_name(place: Path, chance: random.Random) -> None:
    name = chance.choice(["card\u202e", "1e9", "-1", "0000:00:00.0 ", "a" * 200, "\x1b[2J", "renderD99999999999"])
    (place.parent / name).write_bytes(b"1\n")


SPOILS: tuple[Spoil, ...] = (truncate, noise, huge, digits, vanish, become_folder, hostile_name)


def spoilt(source: Path, target: Path, chance: random.Random) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)
    files = sorted(place for place in target.rglob("*") if place.is_file() and not place.is_symlink())
    for place in chance.sample(files, 40):
        if place.is_file():
            chance.choice(SPOILS)(place, chance)
    return target


def looks(root: Path) -> None:
    started = time.monotonic()
    machine = CapturedMachine(root)
    results = run_checks(Context(machine=machine))
    defects = [result.summary for result in results if result.code.endswith("_DEFECT")]
    assert defects == []
    assert all(result.summary for result in results if result.verdict in {Verdict.UNKNOWN, Verdict.NOT_APPLICABLE})
    try:
        inventory = read_inventory(machine)
        details = read_details(machine, inventory.gpus)
        assert to_text(inventory, details)
        assert to_json(inventory, details)
    except RocmoxError as error:
        assert error.message  # noqa: PT017 - either it says what it sees or why it cannot
    assert time.monotonic() - started < MOST_SECONDS


@pytest.mark.parametrize("profile", ["mi50x3", "w7900x2"])
def test_spoilt_machines(profile: str, tmp_path: Path) -> None:
    campaign(profile, tmp_path, rounds=2)


def campaign(profile: str, folder: Path, *, rounds: int) -> None:
    seed = os.environ.get("SEED", "rocmox")
    build(profile, folder / "healthy")
    for unread in (folder / "healthy").rglob("caches"):
        shutil.rmtree(unread)
    for number in range(rounds):
        chance = random.Random(f"{seed} {profile} {number}")  # noqa: S311 - a reproducible campaign, no secret
        looks(spoilt(folder / "healthy", folder / "spoilt", chance))
