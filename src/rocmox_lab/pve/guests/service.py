"""One guest service: files, storages, runtime together, shared by the endpoints, the workers and `pct`."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator

from rocmox_lab.pve.answers import ENOENT, AnswerError
from rocmox_lab.pve.guests.config import ConfigFiles, GuestConfig
from rocmox_lab.pve.guests.spec import SpecBuilder, numbered, parsed
from rocmox_lab.pve.node import Node
from rocmox_lab.pve.runtime_protocol import GuestSpec, RuntimeFailedError
from rocmox_lab.pve.storage.config import StorageConfig

MAC_PREFIX = "BC:24:11"


class Guests:
    """Everything the API can do to containers is built from these pieces."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.files = ConfigFiles(node)

    @property
    def storages(self) -> StorageConfig:
        """The storages as they are now."""
        return StorageConfig(self.node)

    def spec(self, vmid: int, config: GuestConfig) -> GuestSpec:
        """What the runtime gets."""
        return SpecBuilder(self.node, self.files).build(vmid, config)

    def running(self, vmid: int) -> bool:
        """Whether the guest runs now."""
        return vmid in self.node.runtime.running()

    @contextlib.contextmanager
    def locked(self, vmid: int, *, timeout_seconds: float = 10) -> Iterator[None]:
        """Hold the guest's configuration lock, as PVE::LXC::Config's lock_config."""
        with self.node.locked(f"pve-config-{vmid}", timeout_seconds=timeout_seconds):
            yield

    def check_lock(self, config: GuestConfig) -> None:
        """PVE's 500 for a guest that carries a lock."""
        lock = config.values.get("lock")
        if lock:
            message = f"CT is locked ({lock})\n"
            raise AnswerError(message)

    def check_unused(self, vmid: int) -> None:
        """PVE's 500 for a VMID that is taken."""
        if self.files.exists(vmid):
            message = f"CT {vmid} already exists on node '{self.node.name}'\n"
            raise AnswerError(message)

    def check_device(self, path: str) -> None:
        """That a path is a device node here (PVE::LXC::Tools' get_device_mode_and_rdev)."""
        try:
            mode = os.stat(self.node.path(path)).st_mode  # noqa: PTH116 - follows links, as PVE does
        except OSError as error:
            message = f"Device {path} does not exist\n"
            raise AnswerError(message, exit_code=ENOENT) from error
        if not (stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or self._pretended(path)):
            message = f"{path} is not a device\n"
            raise AnswerError(message)

    def check_devices(self, wanted: dict[str, str]) -> None:
        """All `devN` of a change, in order."""
        for key in numbered(wanted, "dev"):
            parts = parsed(self.files, key, wanted[key])
            if not parts.get("path"):
                message = "Path has to be defined\n"
                raise AnswerError(message)
            self.check_device(parts["path"])

    def check_bridges(self, wanted: dict[str, str]) -> None:
        """That every bridge of a change is an interface of the node."""
        live = self.node.path("/sys/class/net")
        for key in numbered(wanted, "net"):
            bridge = parsed(self.files, key, wanted[key]).get("bridge")
            if bridge and live.is_dir() and not (live / bridge).exists():
                message = f"bridge '{bridge}' does not exist\n"
                raise AnswerError(message)

    def _pretended(self, path: str) -> bool:
        """Trees made without root hold ordinary files in place of device nodes."""
        return str(self.node.root) != "/" and self.node.path(path).is_file()

    def new_hwaddr(self) -> str:
        """A MAC address with Proxmox's prefix."""
        return MAC_PREFIX + "".join(f":{secrets.randbelow(256):02X}" for _ in range(3))


def as_answer(error: RuntimeFailedError) -> AnswerError:
    """A runtime's failure as the API tells it."""
    text = str(error)
    exit_code = ENOENT if text.endswith("does not exist") and text.startswith("Device") else 255
    return AnswerError(text + "\n", exit_code=exit_code)
