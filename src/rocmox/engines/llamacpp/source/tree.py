"""Which llama.cpp a folder holds: commit, build number or the builds it lies between, and what it can do."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from rocmox.engines.llamacpp.source.bounds import build_bounds
from rocmox.engines.llamacpp.source.features import Feature, known_commits, read_features
from rocmox.engines.llamacpp.source.mmvq import Source
from rocmox.engines.llamacpp.source.source_text import read_exactly, read_loosely
from rocmox.errors import UsageError

MMVQ = "ggml/src/ggml-cuda/mmvq.cu"
COMMON = "ggml/src/ggml-cuda/common.cuh"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_TAG = re.compile(r"b(\d{3,6})")
_VERSION = re.compile(r"set\(LLAMA_VERSION_(?:MAJOR|MINOR|PATCH) +(\d+)\)")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tree:
    """A source tree. `build` is None when nothing tells it; then `build_from` ≤ build < `build_until` where known."""

    root: Path
    commit: str | None
    version: str | None
    build: int | None
    build_from: int | None
    build_until: int | None
    features: dict[str, Feature]

    def has(self, name: str) -> bool:
        """Whether a feature was found."""
        return bool(self.features[name].present)

    @property
    def era(self) -> str:
        """How this version sets the geometry of mmvq."""
        if self.has("gcn_mmvq_table"):
            return "table"
        return "constants, 0x906" if self.has("hexadecimal_cc") else "constants, 9.0"


def read_tree(root: Path) -> Tree:
    """Looks at a folder; UsageError when it holds no llama.cpp."""
    if not (root / "CMakeLists.txt").is_file() or not (root / "ggml").is_dir():
        raise UsageError(
            f"{root} holds no llama.cpp source tree (no CMakeLists.txt beside a folder ggml)",
            remedy="Name the folder that `git clone` made, or the one an archive of it unpacks to.",
        )
    features = read_features(root)
    commit = _read_commit(root)
    build_from, build_until = build_bounds(features.values())
    return Tree(
        root=root,
        commit=commit,
        version=_read_version(root),
        build=_read_build(root, commit),
        build_from=build_from,
        build_until=build_until,
        features=features,
    )


def read_source(root: Path) -> Source:
    """The files that the mmvq patch reads; UsageError when they are not there, RefusedError when foreign."""
    missing = [name for name in (MMVQ, COMMON) if not (root / name).is_file()]
    if missing:
        raise UsageError(
            f"{root} lacks {' and '.join(missing)}: the patch knows llama.cpp from b3236 on",
            remedy="Name the folder of a llama.cpp source tree.",
        )
    return Source(path=str(root / MMVQ), mmvq=read_exactly(root / MMVQ), common=read_loosely(root / COMMON))


def _read_commit(root: Path) -> str | None:
    """From git's own files: no git is needed, and a source archive of a Python package keeps them as well."""
    for folder in (root / ".git", root.parents[1] / ".git/modules/vendor/llama.cpp" if len(root.parents) > 1 else root):
        head = _first_line(folder / "HEAD")
        if head.startswith("ref: "):
            name = head.removeprefix("ref: ")
            head = _first_line(folder / name) or _packed(folder).get(name, "")
        if _COMMIT.fullmatch(head):
            return head
    return None


def _read_build(root: Path, commit: str | None) -> int | None:
    if commit is None:
        named = re.fullmatch(r"llama\.cpp-b(\d{3,6})", root.resolve().name)
        return int(named[1]) if named else None
    for name, tagged in {**_packed(root / ".git"), **_loose_tags(root / ".git/refs/tags")}.items():
        tag = _TAG.fullmatch(name.rpartition("/")[2])
        if tagged == commit and tag:
            return int(tag[1])
    return known_commits().get(commit)


def _read_version(root: Path) -> str | None:
    parts = _VERSION.findall(read_loosely(root / "CMakeLists.txt"))
    return ".".join(parts) if parts else None


def _loose_tags(folder: Path) -> dict[str, str]:
    return {path.name: _first_line(path) for path in folder.glob("b*")} if folder.is_dir() else {}


def _packed(folder: Path) -> dict[str, str]:
    path = folder / "packed-refs"
    lines = read_loosely(path).splitlines() if path.is_file() else []
    pairs = (line.split(" ", 1) for line in lines if _COMMIT.match(line) and " " in line)
    return {name: commit for commit, name in pairs}


def _first_line(path: Path) -> str:
    return read_loosely(path).partition("\n")[0].strip() if path.is_file() else ""
