"""Edits a container's configuration file on its node, under PVE's own lock, with a backup, in one rename."""

from __future__ import annotations

import dataclasses
import hashlib
import time

from rocmox.containers.current.legacy_lines import without_gpu_lines
from rocmox.containers.plan.site import SitePlan
from rocmox.containers.plan.steps import MigrateLegacy
from rocmox.containers.spec.problems import Problem, refuse_if_any
from rocmox.errors import MachineError
from rocmox.machine import Machine
from rocmox.proxmox.failures import ConfigChangedError

BACKUPS = "/var/lib/rocmox/container-backups"
_CHANGED = 3
# pmxcfs takes a new file and a rename, which is how PVE itself writes (PVE::Tools::file_set_contents); the lock is
# PVE::AbstractConfig's. An empty digest means any; an empty backup means none.
# A connection that breaks while the content travels ends `cat` early, hence the checksum.
_REPLACE = """set -eu
umask 027
exec 9>>"/run/lock/lxc/pve-config-$1.lock"
flock --wait 10 9
[ -z "$3" ] || [ "$(sha1sum <"$2" | cut -d' ' -f1)" = "$3" ] || exit 3
if [ -n "$4" ]; then
    mkdir -p "$(dirname "$4")"
    cp "$2" "$4"
fi
cat >"$2.tmp.rocmox"
[ "$(sha1sum <"$2.tmp.rocmox" | cut -d' ' -f1)" = "$5" ] || { rm "$2.tmp.rocmox"; exit 4; }
mv "$2.tmp.rocmox" "$2"
"""


def config_files(plan: SitePlan, machine: Machine | None) -> ConfigFiles | None:
    """The plan's node's files; RefusedError when raw lines are to be taken out and no way leads to its shell."""
    if machine is not None:
        return ConfigFiles(machine, plan.current.name)
    what = "its raw lines stand in a file on the node, and no SSH destination is given"
    refuse_if_any(
        [
            Problem(where=f"container {step.vmid}", what=what, remedy="Set ansible_host and ansible_user: root.")
            for step in plan.steps
            if isinstance(step, MigrateLegacy)
        ]
    )
    return None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Backup:
    """A configuration file as it was, here and on the node."""

    vmid: int
    path: str
    content: bytes


class ConfigFiles:
    """The configuration files of one node's containers, over its machine (root)."""

    def __init__(self, machine: Machine, node_name: str) -> None:
        self._machine = machine
        self._node_name = node_name

    def remove_gpu_lines(self, vmid: int, *, digest: str) -> Backup:
        """Take the raw GPU lines out of a file that still has this digest (PVE's: SHA-1 of the file)."""
        path = self._path(vmid)
        before = self._machine.read_bytes(path)
        if _sha1(before) != digest:
            raise _changed(path)
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        backup = Backup(vmid=vmid, path=f"{BACKUPS}/{vmid}.conf.{stamp}", content=before)
        after = without_gpu_lines(before.decode(), kfd_major=self._kfd_major())
        self._replace(vmid, after.encode(), digest=digest, backup=backup.path)
        return backup

    def restore(self, backup: Backup) -> None:
        """The file as it was, whatever was written since."""
        self._replace(backup.vmid, backup.content, digest="", backup="")

    def _replace(self, vmid: int, content: bytes, *, digest: str, backup: str) -> None:
        path = self._path(vmid)
        argv = ["sh", "-c", _REPLACE, "replace", str(vmid), path, digest, backup, _sha1(content)]
        done = self._machine.run(argv, stdin=content)
        if done.exit_status == _CHANGED:
            raise _changed(path)
        done.check(remedy=f"{path} is as it was. It is written as root, under the lock of PVE's own tools.")

    def _path(self, vmid: int) -> str:
        return f"/etc/pve/nodes/{self._node_name}/lxc/{vmid}.conf"

    def _kfd_major(self) -> int | None:
        done = self._machine.run(["stat", "--format=%t", "/dev/kfd"])
        if done.exit_status:
            return None
        try:
            return int(done.stdout.strip(), 16)
        except ValueError as error:
            raise MachineError(f"{self._machine.name}: stat says {done.stdout!r} of /dev/kfd") from error


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def _changed(path: str) -> ConfigChangedError:
    return ConfigChangedError(
        f"{path} changed meanwhile and is left alone", remedy="Run again to plan with what stands in it now."
    )
