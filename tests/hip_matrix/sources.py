"""llama.cpp trees of many versions, from source archives of the Python package index, pinned by checksum."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import tarfile
import tomllib
from pathlib import Path

import requests

from rocmox.engines.llamacpp.source.mmvq import Source
from rocmox.machine import LocalMachine
from rocmox_lab.package_index import find_file, proxies, read_pip_settings

_PROJECT = "llama-cpp-python"
_TREE = "vendor/llama.cpp/"
# What inspecting, patching and compiling need; the rest of an archive is web pages and test models.
_PARTS = (_TREE, ".git/modules/vendor/llama.cpp/HEAD")
_SKIPPED = (f"{_TREE}tools/server/webui", f"{_TREE}models", f"{_TREE}media", f"{_TREE}docs", f"{_TREE}tools/ui")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Version:
    """One source archive; `build` is None where upstream's number is not known."""

    release: str
    sha256: str
    build: str | None = None
    quick: bool = False

    @property
    def name(self) -> str:
        return self.build or f"llama-cpp-python {self.release}"


def cache() -> Path:
    """ROCMOX_CACHE."""
    return Path(os.environ.get("ROCMOX_CACHE", Path.home() / ".cache/rocmox"))


def load_versions() -> list[Version]:
    """All versions of the matrix, oldest first."""
    with Path(__file__).with_name("versions.toml").open("rb") as stream:
        return [Version(**entry) for entry in tomllib.load(stream)["version"]]


def tree(version: Version) -> Path:
    """The folder of its llama.cpp tree, fetched and unpacked once."""
    folder = cache() / "llama.cpp-trees" / version.release
    if not (folder / ".complete").exists():
        _unpack(archive(version), folder)
        (folder / ".complete").touch()
    return folder / _TREE


def commit(version: Version) -> str:
    """Upstream's commit as the archive itself says."""
    return (tree(version).parents[1] / ".git/modules/vendor/llama.cpp/HEAD").read_text(encoding="ascii").strip()


def mmvq_source(version: Version) -> Source:
    """The files that the patch reads."""
    cuda = tree(version) / "ggml/src/ggml-cuda"
    return Source(
        path=f"{version.name}: ggml/src/ggml-cuda/mmvq.cu",
        mmvq=(cuda / "mmvq.cu").read_text(encoding="utf-8"),
        common=(cuda / "common.cuh").read_text(encoding="utf-8"),
    )


def archive(version: Version) -> Path:
    """The source archive in the lab's mirror, fetched once."""
    name = f"llama_cpp_python-{version.release}.tar.gz"
    path = cache() / "mirror/sources" / name
    if not path.exists():
        settings = read_pip_settings(LocalMachine())
        answer = requests.get(
            find_file(settings, _PROJECT, name), timeout=600, verify=settings.ca_file or True, proxies=proxies(settings)
        )
        answer.raise_for_status()
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_bytes(answer.content)
        partial.replace(path)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != version.sha256:
        raise ValueError(f"{path}: SHA-256 is {found}, and versions.toml says {version.sha256}")
    return path


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as stream:
        for member in stream:
            name = member.name.partition("/")[2]
            if name.startswith(_PARTS) and not name.startswith(_SKIPPED):
                member.name = name
                stream.extract(member, folder, filter="data")
