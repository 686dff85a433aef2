"""Fills `ROCMOX_CACHE/mirror`: archives and wheels, each verified, each whole or not there."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import rocmox
from rocmox.engines.llamacpp.serving.guest import tiny_model
from rocmox.errors import CannotLookError
from rocmox.machine import Machine
from rocmox_lab.locks import locked
from rocmox_lab.mirror_content import MirrorContent, SourceArchive, load_content
from rocmox_lab.package_index import PipSettings, find_file, proxies, read_pip_settings
from rocmox_lab.progress import Progress
from rocmox_lab.wheels import fetch_wheels

_CHUNK_BYTES = 1 << 20


def ensure_mirror(machine: Machine, cache: Path, progress: Progress, content: MirrorContent | None = None) -> None:
    """Fetch what is missing; CannotLookError when a source does not answer or answers with something else."""
    content = content or load_content()
    mirror = cache / "mirror"
    for name in ("sources", "wheels", "images/system", "ccache"):
        (mirror / name).mkdir(mode=0o755, parents=True, exist_ok=True)
    tiny_model.ensure(mirror / "models" / "tiny.gguf")
    repository = Path(rocmox.__file__).parents[2]
    archives = [archive for archive in content.archives if not _has(mirror / "sources", archive)]
    stale = [
        house
        for house in content.wheelhouses
        if not _stamp_says(mirror / "wheels" / f".{house.name}.stamp", house.stamp(repository))
    ]
    if not archives and not stale:
        return
    with locked(cache / ".mirror.lock", progress=progress, waiting_for="another rocmox that fills the mirror"):
        settings = read_pip_settings(machine) if archives else None
        for archive in archives:
            if settings is not None and not _has(mirror / "sources", archive):
                with progress.step(f"archive {archive.filename[:26]}") as step:
                    step.outcome = _fetch_archive(settings, archive, mirror / "sources")
        for house in stale:
            stamp_file = mirror / "wheels" / f".{house.name}.stamp"
            if not _stamp_says(stamp_file, house.stamp(repository)):
                with progress.step(f"wheels of {house.name}") as step:
                    step.outcome = fetch_wheels(machine, house, repository=repository, wheels=mirror / "wheels")
                    stamp_file.write_text(house.stamp(repository))


def _has(sources: Path, archive: SourceArchive) -> bool:
    return (sources / archive.filename).is_file() and _stamp_says(_stamp_file(sources, archive), archive.sha256)


def _stamp_file(sources: Path, archive: SourceArchive) -> Path:
    return sources / f".{archive.filename}.sha256"


def _stamp_says(stamp: Path, text: str) -> bool:
    return stamp.is_file() and stamp.read_text().strip() == text


def _fetch_archive(settings: PipSettings, archive: SourceArchive, sources: Path) -> str:
    """Adopt a file that was put there by hand, else download it; returns what was done."""
    target = sources / archive.filename
    if target.is_file() and _sha256(target) == archive.sha256:
        _stamp_file(sources, archive).write_text(archive.sha256)
        return "found"
    part = sources / f".{archive.filename}.part"
    url = find_file(settings, archive.project, archive.filename)
    _download(url, part, settings)
    found = _sha256(part)
    if found != archive.sha256:
        part.unlink()
        raise CannotLookError(
            f"{url}: SHA-256 is {found}, {archive.sha256} is expected",
            remedy="The index serves another file under this name, or the download was cut: run it again; "
            "if it stays so, do not use this index.",
        )
    part.replace(target)
    _stamp_file(sources, archive).write_text(archive.sha256)
    return f"{target.stat().st_size / 1e6:.0f} MB"


def _download(url: str, part: Path, settings: PipSettings) -> None:
    import requests  # noqa: PLC0415 - only fetching needs it; the lab's node runs without

    try:
        with requests.get(
            url, stream=True, timeout=60, verify=settings.ca_file or True, proxies=proxies(settings)
        ) as answer:
            answer.raise_for_status()
            with part.open("wb") as stream:
                shutil.copyfileobj(answer.raw, stream, _CHUNK_BYTES)
    except (requests.RequestException, OSError) as error:
        raise CannotLookError(
            f"{url}: {error}", remedy="Check the way to the package index (`pip config list`), then run it again."
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
