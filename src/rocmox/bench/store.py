"""Runs on disk: one JSON file each, named by its time, never changed afterwards."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from rocmox.bench import measurement, surroundings
from rocmox.bench.measurement import Measurement
from rocmox.bench.surroundings import Surroundings
from rocmox.errors import UsageError

SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Failure:
    """A command that gave no figures, and what it said."""

    label: str
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """Everything of one `rocmox bench run`. `started` is ISO 8601 in UTC; processor limits without cards.

    `settings` are those of a search's variant, empty for a run of its own.
    """

    started: str
    surroundings: Surroundings
    measurements: tuple[Measurement, ...]
    failures: tuple[Failure, ...] = ()
    processor_memory_bytes_per_second: float | None = None
    processor_operations_per_second: float | None = None
    settings: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """How reports call it: time, machine and build."""
        build = f"b{self.surroundings.llama_build}" if self.surroundings.llama_build else "llama.cpp"
        return f"{self.started[:16].replace('T', ' ')} {self.surroundings.machine} {build}"


def default_store() -> Path:
    """`$XDG_DATA_HOME/rocmox/bench`, by default below `~/.local/share`."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "rocmox/bench"


def save(run: Run, folder: Path) -> Path:
    """Write a run; the file appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = _free_path(folder, run.started.replace(":", "").replace("+0000", "Z"))
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(to_dict(run), indent=2, ensure_ascii=False), encoding="utf-8")
    partial.replace(path)
    return path


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
        if version != SCHEMA_VERSION:
            raise UsageError(f"{path} has schema {version}, this rocmox reads {SCHEMA_VERSION}")
        entry["surroundings"] = surroundings.from_dict(entry["surroundings"])
        entry["measurements"] = tuple(measurement.from_dict(one) for one in entry["measurements"])
        entry["failures"] = tuple(Failure(**one) for one in entry["failures"])
        return Run(**entry)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", remedy="`rocmox bench run` writes runs.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path} is no stored run ({type(error).__name__}: {error})",
            remedy="Name a file that `rocmox bench run` wrote.",
        ) from error


def load_all(folder: Path) -> list[Run]:
    """Every run of a folder, oldest first."""
    return [load(path) for path in sorted(folder.glob("*.json"))]
