"""The child of `unpacking`: order as JSON on stdin, `LOG …`, `DETECTED …` or `FAILED …` lines on stdout."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rocmox_lab.pve.runtime import guest_file, mounting, syscalls
from rocmox_lab.pve.runtime.id_map import IdMap, id_map_of
from rocmox_lab.pve.runtime.layout import Layout
from rocmox_lab.pve.runtime.setup import guest_root, host_keys, names, password, system, tasks
from rocmox_lab.pve.runtime_protocol import CreateSpec, Detected, GuestSpec, RuntimeFailedError

_TAR = (
    *("tar", "xpf", "-", "--totals", "--one-file-system", "--sparse", "--numeric-owner", "--acls", "--xattrs"),
    *("--xattrs-include=user.*", "--xattrs-include=security.capability", "--warning=no-file-ignored"),
    *("--warning=no-xattr-write", "--skip-old-files", "--anchored", "--exclude", "./dev/*"),
)
_COMPRESSION = {".zst": "--zstd", ".gz": "--gzip", ".xz": "--xz", ".bz2": "--bzip2", ".lzo": "--lzop"}


def populate(guest: GuestSpec, create: CreateSpec, layout: Layout) -> None:
    """Mount, unpack, write the guest's files, make sure everything reached the image, unmount."""
    id_map = id_map_of(guest)
    root = str(layout.rootfs(guest.vmid))
    mounting.mount_all(guest, root, id_map)
    try:
        _log(f"extracting archive '{create.archive}'")
        extract(create.archive, root, id_map)
        guest = _identify(guest, root, id_map)
        _finish(guest, create, root, id_map)
        _settle(root)
    finally:
        mounting.unmount_all(root)


def extract(archive: str, root: str, id_map: IdMap) -> None:
    """Unpack within the guest's user namespace, so that a template can name no id outside it."""
    suffix = Path(archive).suffix
    command = [*_TAR, *([_COMPRESSION[suffix]] if suffix in _COMPRESSION else []), "-C", root]
    if id_map.ranges:
        maps = [word for each in id_map.ranges for word in ("-m", each.usernsexec_value)]
        command = ["lxc-usernsexec", *maps, "--", *command]
    with Path(archive).open("rb") as source:
        done = subprocess.run(command, stdin=source, capture_output=True, text=True, errors="replace", check=False)
    lines = done.stderr.splitlines()
    for line in lines:
        if line.startswith("Total bytes read"):
            _log(line)
    if done.returncode:
        reason = next((line for line in lines if "No space left" in line), lines[-1] if lines else "")
        raise RuntimeFailedError(f"command 'tar' failed: exit code {done.returncode}: {reason}")


def _identify(guest: GuestSpec, root: str, id_map: IdMap) -> GuestSpec:
    with tempfile.TemporaryFile() as answer:

        def inside() -> None:
            answer.write(json.dumps(dataclasses.asdict(system.detect())).encode())
            answer.flush()

        guest_root.run_inside(root, id_map, inside)
        answer.seek(0)
        detected = Detected(**json.loads(answer.read()))
    _log(f"Detected container architecture: {detected.arch}")
    print(f"DETECTED {json.dumps(dataclasses.asdict(detected))}", flush=True)
    ostype = guest.ostype if guest.ostype not in {"", "unmanaged"} else detected.ostype  # not chosen: what was found
    return dataclasses.replace(guest, ostype=ostype, arch=detected.arch)


def _finish(guest: GuestSpec, create: CreateSpec, root: str, id_map: IdMap) -> None:
    resolver = names.resolver_of(guest, names.read_node_resolver())
    encrypted = password.encrypt(create.password)
    guest_root.run_inside(
        root, id_map, lambda: tasks.after_creation(guest, resolver, encrypted, create.ssh_public_keys)
    )
    if shutil.which("ssh-keygen"):
        host_keys.replace(root, id_map, guest.hostname, _log)


def _settle(root: str) -> None:
    """Written back now, a full storage is found out here and not by a guest that cannot read its files."""
    try:
        syscalls.sync_file_system(root)
    except OSError as error:
        raise RuntimeFailedError(f"the storage is full or failing: {error.strerror}; free space on it") from error


def _log(line: str) -> None:
    print(f"LOG {line}", flush=True)


def main() -> int:
    """Exit status 0, or 1 after a FAILED line."""
    order = json.load(sys.stdin)
    try:
        populate(guest_file.from_json(order["guest"]), CreateSpec(**order["create"]), Layout())
    except (OSError, RuntimeFailedError) as error:
        print(f"FAILED {error}".replace("\n", " "), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
