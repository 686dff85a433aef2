"""What a search stands on: the build that serves now, the source it came from, and how that was built."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import io
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from rocmox.engines.llamacpp.bench.build_notes import read_notes
from rocmox.engines.llamacpp.source.features import load_probes
from rocmox.engines.llamacpp.source.geometry import Geometry
from rocmox.engines.llamacpp.source.mmvq import Source, read_stamp
from rocmox.engines.llamacpp.source.tree import COMMON, MMVQ, Tree, read_source, read_tree
from rocmox.errors import UsageError
from rocmox.machine import Machine

Backend = Literal["hip", "cuda", "other"]

_SWITCHES: tuple[tuple[str, Backend], ...] = (("GGML_HIP", "hip"), ("GGML_HIPBLAS", "hip"), ("GGML_CUDA", "cuda"))
_TARGETS = ("CMAKE_HIP_ARCHITECTURES", "GPU_TARGETS", "AMDGPU_TARGETS")
# Packs those of the named files that are there; base64, because a command's output is text.
_PACK = 'cd "$1" && shift && tar --create --ignore-failed-read --file=- -- "$@" 2>/dev/null | base64 --wrap=0'


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ground:
    """`directory` is the source on the machine; `options` are CMake's and `environment` its own, as NAME=VALUE.

    `tree` and `mmvq` are None without a source: then nothing can be varied that needs a build. `geometry` is what the
    build that serves was patched with, None for upstream's.
    """

    options: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    directory: str | None = None
    tree: Tree | None = None
    mmvq: Source | None = None
    geometry: Geometry | None = None

    def option(self, name: str) -> str:
        """The last value that CMake is given for a name; empty when it is given none."""
        return {key: value for one in self.options for key, _, value in [one.partition("=")]}.get(name, "")

    def is_on(self, name: str) -> bool:
        """Whether CMake takes the option's value for true."""
        return self.option(name).upper() in {"ON", "TRUE", "YES", "1"}

    @property
    def backend(self) -> Backend:
        """What the build computes with, as far as the search can vary it."""
        return next((backend for name, backend in _SWITCHES if self.is_on(name)), "other")

    @property
    def architectures(self) -> tuple[str, ...]:
        """What HIP code is built for; empty for any other backend."""
        named = next((value for name in _TARGETS if (value := self.option(name))), "") if self.backend == "hip" else ""
        return tuple(word for word in named.replace(",", ";").split(";") if word)


def read_ground(
    machine: Machine, *, programs: str, source: str | None, options: Sequence[str], environment: Sequence[str]
) -> Ground:
    """From `build.json` beside the programs, as role llama_cpp leaves it; what is given explicitly goes before.

    UsageError when `source` is named and is no source tree.
    """
    notes = read_notes(machine, programs)
    ground = Ground(
        options=tuple(options or notes.get("options") or ()),
        environment=tuple(environment or [f"{key}={value}" for key, value in (notes.get("environment") or {}).items()]),
        directory=source or notes.get("source"),
    )
    if not ground.directory:
        return ground
    with _fetched(machine, ground.directory) as folder:
        if source is None and not (folder / "CMakeLists.txt").is_file():
            return dataclasses.replace(ground, directory=None)  # noted once, removed since
        mmvq = read_source(folder) if (folder / MMVQ).is_file() else None
        stamp = read_stamp(f"{notes.get('mmvq') or ''}\n{mmvq.mmvq if mmvq else ''}")
        return dataclasses.replace(
            ground, tree=_read(folder, ground.directory), mmvq=mmvq, geometry=stamp.geometry if stamp else None
        )


def _read(folder: Path, directory: str) -> Tree:
    try:
        return read_tree(folder)
    except UsageError as error:
        raise UsageError(
            f"{directory} holds no llama.cpp source tree", remedy="Name the tree on that machine with --source."
        ) from error


@contextlib.contextmanager
def _fetched(machine: Machine, directory: str) -> Iterator[Path]:
    """A folder here with those files of the tree there that say what it is."""
    names = {"CMakeLists.txt", ".git/HEAD", ".git/packed-refs", MMVQ, COMMON}
    names |= {name for probe in load_probes() for name in probe.files}
    done = machine.run(["sh", "-c", _PACK, "sh", directory, *sorted(names)])
    with tempfile.TemporaryDirectory() as folder:
        with (
            contextlib.suppress(tarfile.ReadError),
            tarfile.open(fileobj=io.BytesIO(base64.b64decode(done.stdout))) as pack,
        ):
            pack.extractall(folder, filter="data")
        yield Path(folder)
