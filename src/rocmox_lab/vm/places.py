"""Names, places and addresses of a machine, and the state file that tests and the inventory read."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from rocmox.errors import CannotLookError, UsageError
from rocmox.files import write_whole
from rocmox_lab.settings import LabSettings

MACHINES_DIRECTORY = Path("/var/lib/rocmox/machines")
# QEMU's own network (`-netdev user`): the machine, the way out, and what answers as AMD and Proxmox.
ADDRESS, GATEWAY, PREFIX = "10.0.2.15", "10.0.2.2", "10.0.2"
REPOSITORIES_ADDRESS = "10.0.2.80"
REPOSITORIES_URL = f"http://{REPOSITORIES_ADDRESS}"
SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class MachinePlaces:
    """Every path of one machine; UsageError when the name cannot be one."""

    name: str

    def __post_init__(self) -> None:
        LabSettings(name=self.name)

    @property
    def directory(self) -> Path:
        return MACHINES_DIRECTORY / self.name

    @property
    def state_file(self) -> Path:
        return self.directory / "state.json"

    @property
    def disk(self) -> Path:
        """The machine's own layer over the image of the cache."""
        return self.directory / "disk.qcow2"

    @property
    def console(self) -> Path:
        """What the machine has written to its serial console, all boots together."""
        return self.directory / "console.log"

    @property
    def pid_file(self) -> Path:
        return self.directory / "qemu.pid"

    @property
    def stage_file(self) -> Path:
        """Which stage of Proxmox's repository the machine sees."""
        return self.directory / "stage"

    @property
    def known_hosts(self) -> Path:
        return self.directory / "known_hosts"


@dataclasses.dataclass(frozen=True, kw_only=True)
class MachineImage:
    """A finished image of the cache."""

    directory: Path

    @property
    def disk(self) -> Path:
        return self.directory / "disk.raw"

    @property
    def repositories(self) -> Path:
        return self.directory / "www"

    @property
    def secrets(self) -> Path:
        return self.directory / "secrets"

    @property
    def settings(self) -> Path:
        """Fingerprints, and the kernel of the first boot."""
        return self.directory / "image.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class MachineState:
    """One machine as it was set up. Paths are absolute on this machine; ports are on 127.0.0.1."""

    name: str
    image: str
    ssh_port: int
    api_port: int
    ssh_private_key: str
    known_hosts: str
    root_password_file: str
    api_fingerprint: str
    console: str
    amd_fingerprint: str
    proxmox_fingerprint: str
    other_fingerprint: str
    node: str = "pve1"
    schema_version: int = SCHEMA_VERSION


def read_state(name: str) -> MachineState | None:
    """The machine's state, None when there is no such machine; CannotLookError when it is another rocmox's."""
    path = MachinePlaces(name=name).state_file
    try:
        document: dict[str, Any] = json.loads(path.read_text())
        return MachineState(**document)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise CannotLookError(
            f"{path}: not a machine's state ({error})", remedy=f"`rocmox lab machine down --name {name}` removes it."
        ) from error


def write_state(state: MachineState) -> None:
    """Replace the state file in one step."""
    path = MachinePlaces(name=state.name).state_file
    write_whole(path, json.dumps(dataclasses.asdict(state), indent=2) + "\n", mode=0o600)


def require_state(name: str) -> MachineState:
    """The machine's state; UsageError when there is no such machine."""
    state = read_state(name)
    if state is None:
        raise UsageError(f"there is no machine {name}", remedy=f"`rocmox lab machine up --name {name}` makes it.")
    return state
