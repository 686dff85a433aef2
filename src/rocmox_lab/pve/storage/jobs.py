"""Workers that touch storages: delete a volume, fetch a template, take in an upload."""

from __future__ import annotations

import hashlib
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from rocmox_lab.pve.answers import AnswerError
from rocmox_lab.pve.storage import volumes
from rocmox_lab.pve.storage.config import StorageConfig
from rocmox_lab.pve.storage.index import SOURCE
from rocmox_lab.pve.worker import Worker, worker

TIMEOUT_SECONDS = 60
CHUNK_BYTES = 1 << 20


@worker("imgdel")
def run_delete(job: Worker) -> None:
    """A missing file is said and is not a failure."""
    volid = str(job.arguments["volid"])
    found = volumes.find(StorageConfig(job.node), volid)
    path = job.node.path(found.path)
    if path.exists():
        job.node.runtime.free_volume(path=str(path))
    elif found.kind == "images":
        job.log(f"disk image '{found.path}' does not exist")
    job.log(f"Removed volume '{volid}'")


@worker("download")
def run_download(job: Worker) -> None:
    """Fetch a URL into a file of a storage and check its checksum (PVE::Tools, download_file_from_url)."""
    url, shown = str(job.arguments["url"]), str(job.arguments["target"])
    target = job.node.path(shown)
    wanted = job.arguments.get("checksum")
    algorithm = str(job.arguments.get("algorithm") or "sha512")
    job.log(f"downloading {url} to {shown}")
    if target.exists():
        if wanted:
            job.log("calculating checksum of existing file...")
            _check(target, algorithm, wanted)
            job.log("OK, got correct file already, no need to download")
            return
        message = "refusing to override existing file"
        raise AnswerError(message)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.tmp_dwnl.{job.task.pid}")
    try:
        _fetch(_through_mirror(job, url), part)
        if wanted:
            job.log("calculating checksum...")
            _check(part, algorithm, wanted)
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    job.log(f"download of '{url}' to '{shown}' finished")


def _through_mirror(job: Worker, url: str) -> str:
    """The lab fetches templates of the index from its own mirror, whatever place the index names."""
    mirror = job.node.settings.mirror_url
    return f"{mirror}/images{url.removeprefix(SOURCE)}" if mirror and url.startswith(SOURCE) else url


def _fetch(url: str, target: Path) -> None:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer, target.open("wb") as stream:  # noqa: S310 - the API's own schema admits http and https alone
            shutil.copyfileobj(answer, stream, CHUNK_BYTES)
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        message = f"download failed: {url}: {getattr(reason, 'strerror', None) or reason}"
        raise AnswerError(message) from error


def _check(path: Path, algorithm: str, wanted: str) -> None:
    with path.open("rb") as stream:
        got = hashlib.file_digest(stream, algorithm).hexdigest()
    if got.lower() != wanted.lower():
        message = f"checksum mismatch: got '{got}' != expect '{wanted}', aborting"
        raise AnswerError(message)


@worker("imgcopy")
def run_upload(job: Worker) -> None:
    """Move an uploaded file into its storage."""
    source, shown = Path(str(job.arguments["source"])), str(job.arguments["target"])
    target = job.node.path(shown)
    job.log(f"starting file import from: {source}")
    job.log(f"target node: {job.node.name}")
    job.log(f"target file: {shown}")
    job.log(f"file size is: {source.stat().st_size}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if job.arguments.get("checksum"):
            _check(source, str(job.arguments.get("algorithm") or "sha512"), str(job.arguments["checksum"]))
        shutil.copyfile(source, target)
    finally:
        source.unlink(missing_ok=True)
    job.log("finished file import successfully")
