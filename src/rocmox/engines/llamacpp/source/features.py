"""What a source tree can do: probes of the tree itself, listed with their sources in `data/features.toml`."""

from __future__ import annotations

import dataclasses
import functools
import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from rocmox.engines.llamacpp.source.source_text import read_loosely


@dataclasses.dataclass(frozen=True, kw_only=True)
class Probe:
    """Where to look for a feature, and the builds that bound it (`until` is the first one without).

    `since_value` says from which build on a value was found; each lasts until the next one came.
    """

    name: str
    summary: str
    files: tuple[str, ...]
    pattern: str
    source: str
    since: int | None = None
    until: int | None = None
    since_value: Mapping[str, int] = dataclasses.field(default_factory=dict)
    defect: bool = False
    remedy: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Feature:
    """What a probe found: `value` is the text it captured; `present` None means that no file it knows is there."""

    probe: Probe
    present: bool | None
    value: str | None = None


@functools.cache
def load_probes() -> tuple[Probe, ...]:
    """Every probe, in the order of the data file."""
    return tuple(Probe(**{**entry, "files": tuple(entry["files"])}) for entry in _document()["feature"])


@functools.cache
def known_commits() -> dict[str, int]:
    """Build numbers of commits, for trees without tags."""
    return dict(_document()["commits"])


def read_features(root: Path) -> dict[str, Feature]:
    """All features of the tree at `root`, by name."""
    return {probe.name: _look(probe, root) for probe in load_probes()}


def _look(probe: Probe, root: Path) -> Feature:
    present = [root / name for name in probe.files if (root / name).is_file()]
    if not present:
        # A file that a later version added is absent from an earlier one: that is an answer if its folder is there.
        folder = (root / probe.files[0]).parent
        return Feature(probe=probe, present=False if folder.is_dir() else None)
    for path in present:
        found = re.search(probe.pattern, read_loosely(path))
        if found:
            return Feature(probe=probe, present=True, value=found[1] if found.re.groups else None)
    return Feature(probe=probe, present=False)


def _document() -> dict[str, Any]:
    return tomllib.loads(
        resources.files("rocmox.engines.llamacpp.source").joinpath("data/features.toml").read_text(encoding="utf-8")
    )
