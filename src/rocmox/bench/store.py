"""Runs on disk: one JSON file each, named by its time, never changed afterwards."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

from rocmox import files
from rocmox.bench import earlier
from rocmox.bench.measurement import Measurement
from rocmox.bench.stored import read_as
from rocmox.bench.surroundings import Surroundings
from rocmox.bench.weights import Weights
from rocmox.errors import RocmoxError, UsageError

SCHEMA_VERSION = 2


class StoreError(RocmoxError):
    """A run cannot be stored."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Failure:
    """A command that gave no figures, and what it said."""

    label: str
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """Everything of one `rocmox bench run`. `started` is ISO 8601 in UTC; processor limits without cards.

    `weights` are the model's, None where its header could not be read. `settings` are those of a search's variant,
    empty for a run of its own.
    """

    started: str
    surroundings: Surroundings
    measurements: tuple[Measurement, ...]
    failures: tuple[Failure, ...] = ()
    processor_memory_bytes_per_second: float | None = None
    processor_operations_per_second: float | None = None
    weights: Weights | None = None
    settings: dict[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """ValueError for what no run can be."""
        dt.datetime.fromisoformat(self.started)
        speeds = (self.processor_memory_bytes_per_second, self.processor_operations_per_second)
        if not self.measurements or any(speed is not None and speed <= 0 for speed in speeds):
            raise ValueError("no measurements, or a processor that can do nothing")

    @property
    def name(self) -> str:
        """How reports call it: time, machine and build."""
        engine = self.surroundings.engine
        return f"{self.started[:16].replace('T', ' ')} {self.surroundings.machine} {engine.version or engine.name}"


def default_store() -> Path:
    """`$XDG_DATA_HOME/rocmox/bench`, by default below `~/.local/share`."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "rocmox/bench"


def save(run: Run, folder: Path) -> Path:
    """Write a run; the file appears whole or not at all."""
    path = _free_path(folder, run.started.replace(":", "").replace("+0000", "Z"))
    write_whole(path, json.dumps(to_dict(run), indent=2, ensure_ascii=False))
    return path


def refuse_unwritable(folder: Path) -> None:
    """UsageError now rather than after an hour of measuring."""
    probe = folder / f".{os.getpid()}.probe"
    try:
        write_whole(probe, "")
    except StoreError as error:
        raise UsageError(error.message, remedy="Name a folder of runs that can be written with --store.") from error
    probe.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """The file appears whole or not at all, also after a power cut; StoreError when it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_whole(path, text)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}",
            remedy="What was stored before is untouched. Free some space, or name another folder with --store.",
        ) from error


def _free_path(folder: Path, name: str) -> Path:
    """Two runs may begin within one second."""
    path = folder / f"{name}.json"
    number = 1
    while path.exists():
        number += 1
        path = folder / f"{name}_{number}.json"
    return path


def to_dict(run: Run) -> dict[str, Any]:
    """The stored document."""
    return {"schema_version": SCHEMA_VERSION, **dataclasses.asdict(run)}


def load(path: Path) -> Run:
    """Read a run; UsageError when the file is not one."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        version = entry.pop("schema_version")
        if version == earlier.SCHEMA_VERSION:
            entry, version = earlier.renewed(entry), SCHEMA_VERSION
        if version != SCHEMA_VERSION:
            raise UsageError(f"{path} has schema {version}, this rocmox reads {SCHEMA_VERSION}")
        return read_as(Run, entry)
    except OSError as error:
        raise UsageError(
            f"{path}: {error.strerror}",
            remedy="Name a file that `rocmox bench run` wrote, or the name of one in --store.",
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise UsageError(
            f"{path} is no stored run ({type(error).__name__}: {error})",
            remedy="Name a file that `rocmox bench run` wrote, and move anything else out of its store.",
        ) from error


def find(name: str, store: Path) -> Run:
    """A run by its file, or by its name in a store, with or without `.json`; UsageError when there is none."""
    places = [Path(name), store / name, store / f"{name}.json"]
    return load(next((place for place in places if place.is_file()), places[0]))


def load_all(folder: Path) -> list[Run]:
    """Every run of a folder, oldest first."""
    return [load(path) for path in sorted(folder.glob("*.json"))]
