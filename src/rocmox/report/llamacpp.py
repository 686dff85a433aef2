"""A llama.cpp source tree, for people and for programs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from rocmox.engines.llamacpp.source.advice import advise_cublas
from rocmox.engines.llamacpp.source.features import Feature
from rocmox.engines.llamacpp.source.mmvq import read_stamp
from rocmox.engines.llamacpp.source.patching import Change
from rocmox.engines.llamacpp.source.tree import MMVQ, Tree
from rocmox.report.table import render_table

_SCHEMA_VERSION = 1


def tree_to_json(tree: Tree, architectures: Collection[str]) -> dict[str, Any]:
    """The document of `rocmox llamacpp inspect --json`."""
    advice = advise_cublas(tree, architectures)
    return {
        "schema_version": _SCHEMA_VERSION,
        "directory": str(tree.root),
        "commit": tree.commit,
        "version": tree.version,
        "build": tree.build,
        "build_from": tree.build_from,
        "build_until": tree.build_until,
        "mmvq_era": tree.era,
        "mmvq_patch": _stamp(tree),
        "features": {name: _value(found) for name, found in tree.features.items() if not found.probe.defect},
        "defects": [
            {"name": name, "summary": found.probe.summary, "remedy": found.probe.remedy, "source": found.probe.source}
            for name, found in tree.features.items()
            if found.probe.defect and found.present
        ],
        "force_cublas": {"on": advice.on, "reason": advice.reason},
    }


def tree_to_text(tree: Tree, architectures: Collection[str]) -> str:
    """What `rocmox llamacpp inspect` prints."""
    advice = advise_cublas(tree, architectures)
    rows = [
        (name, _shown(found), found.probe.summary, found.probe.source)
        for name, found in tree.features.items()
        if not found.probe.defect
    ]
    defects = [found.probe for found in tree.features.values() if found.probe.defect and found.present]
    lines = [
        f"{tree.root}: llama.cpp {_named_build(tree)}",
        f"commit {tree.commit or 'unknown: the tree carries no git files'}",
        f"mmvq: {tree.era}; {_stamp(tree) or 'not patched'}",
        f"rocBLAS forced (GGML_CUDA_FORCE_CUBLAS): {'on' if advice.on else 'off'}, because {advice.reason}",
        "",
        render_table(("feature", "found", "what it is", "source"), rows),
        *(f"\nAvoid: {probe.summary} ({probe.source}).\n  {probe.remedy}" for probe in defects),
    ]
    return "\n".join(lines)


def patch_to_json(change: Change, *, written: bool) -> dict[str, Any]:
    """The document of `rocmox llamacpp patch --json`."""
    return {
        "schema_version": _SCHEMA_VERSION,
        "file": str(change.path),
        "needed": change.needed,
        "written": written,
        "difference": change.difference(),
    }


def _named_build(tree: Tree) -> str:
    version = f"{tree.version} " if tree.version else ""
    if tree.build is not None:
        return f"{version}b{tree.build}"
    bounds = [f"b{tree.build_from} or later"] if tree.build_from else []
    bounds += [f"before b{tree.build_until}"] if tree.build_until else []
    return f"{version}(build unknown: {', '.join(bounds) or 'no tag, no known commit'})"


def _value(found: Feature) -> str | bool | None:
    return found.value if found.present and found.value is not None else found.present


def _shown(found: Feature) -> str:
    value = _value(found)
    return value if isinstance(value, str) else {True: "yes", False: "no", None: "unknown"}[value]


def _stamp(tree: Tree) -> str | None:
    path = tree.root / MMVQ
    stamp = read_stamp(path.read_text(encoding="utf-8", errors="replace")) if path.is_file() else None
    return f"patched for {stamp.architecture}: {stamp.geometry.text()}" if stamp else None
