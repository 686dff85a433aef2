"""What a node is now, as far as its driver and kernels are concerned. Reads only, and never raises."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from collections.abc import Callable
from typing import TypeVar

from rocmox.errors import CannotLookError, RocmoxError
from rocmox.facts import boot_tool, dkms, esp, grub, kernels, packages, secure_boot
from rocmox.facts.amdgpu import Module, read_module
from rocmox.facts.boot_tool import BootKernels
from rocmox.facts.dkms import DkmsModule
from rocmox.facts.kernel import parse_command_line, read_command_line, read_release
from rocmox.facts.reading import read_text
from rocmox.gpu import Gpu
from rocmox.gpu.join import read_gpus
from rocmox.machine import LocalMachine, Machine

MODULE = "amdgpu"
ESPS = "the smallest ESP of proxmox-boot-tool"  # beside /boot and / in free_bytes
PATTERNS = [
    "amdgpu-dkms*",
    "dkms",
    "proxmox-kernel-*",
    "proxmox-headers-*",
    "pve-kernel-*",
    "pve-headers-*",
    "proxmox-default-*",
]
_Found = TypeVar("_Found")
_IDENTITY = ("filename", "srcversion")
_NO_MODULE = Module(loaded=False, kind=None, version=None)
_NONE: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class HostState:
    """A node's kernels, what boots, its driver and its packages; what could not be read stands in `unknown`."""

    pve: str | None = None
    running: str = ""
    kernels: tuple[str, ...] = ()
    boot: BootKernels | None = None
    boots_next: str | None = None
    loaders: tuple[str, ...] = ("grub",)
    secure_boot: bool | None = None
    module: Module = _NO_MODULE
    dkms: tuple[DkmsModule, ...] = ()
    with_headers: frozenset[str] = frozenset()
    packages: dict[str, str] = dataclasses.field(default_factory=dict)
    broken: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    free_bytes: dict[str, int] = dataclasses.field(default_factory=dict)
    command_line: dict[str, str] = dataclasses.field(default_factory=dict)
    gpus: tuple[Gpu, ...] = ()
    unknown: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def pve_major(self) -> int:
        """8 for 8.4.1; 0 when the release is unknown."""
        return int(self.pve.partition(".")[0]) if self.pve else 0

    @property
    def may_boot(self) -> tuple[str, ...]:
        """Kernels that the boot loader offers: all images, or those that proxmox-boot-tool copies to the ESPs."""
        if self.boot is None or "esp" not in self.unknown:
            return self.kernels
        listed = {*self.boot.manual, *self.boot.automatic, self.boot.pinned, self.boot.next_boot, self.running}
        return tuple(kernel for kernel in self.kernels if kernel in listed)

    def built(self, kernel: str) -> bool:
        """Whether DKMS installed amdgpu for this kernel."""
        return dkms.installed_for(self.dkms, MODULE, kernel) is not None

    @property
    def driver_version(self) -> str | None:
        """The version of amdgpu that DKMS knows (`6.8.5-2070769.24.04`), the newest of several."""
        versions = [module.version for module in self.dkms if module.name == MODULE]
        return max(versions, key=kernels.version_key, default=None)

    @property
    def other_modules(self) -> tuple[str, ...]:
        """DKMS modules that are not ours."""
        return tuple(sorted({module.name for module in self.dkms if module.name != MODULE}))


def parse_pve(text: str) -> str | None:
    """`"pve-manager/8.4.1/2a5fa54a (running kernel: 6.8.12-9-pve)"` → `"8.4.1"`."""
    match = re.match(r"pve-manager/(\d+(?:\.\d+)*)", text.strip())
    return match[1] if match else None


def read_state(machine: Machine, cards: Machine) -> HostState:
    """The whole state; `cards` is where the GPUs' /sys is found (another root in the lab)."""
    unknown: dict[str, str] = {}

    def look(name: str, read: Callable[[], _Found], otherwise: _Found) -> _Found:
        try:
            return read()
        except RocmoxError as error:
            unknown[name] = error.message
            return otherwise

    boot = look("boot", lambda: boot_tool.read_kernel_list(machine), None)
    loaders = boot_tool.read_loaders(machine)
    if machine.exists(boot_tool.ESP_LIST):
        unknown["esp"] = "the boot menu stands on the ESPs and is not read"
    installed = look("kernels", lambda: kernels.read_installed(machine), _NONE)
    default = None if "esp" in unknown else look("grub", lambda: grub.read_default_kernel(machine), None)
    no_gpus: tuple[Gpu, ...] = ()
    running = look("running", lambda: read_release(machine), "")
    state = HostState(
        pve=look("pve", lambda: parse_pve(machine.run(["pveversion"]).stdout), None),
        running=running,
        kernels=installed,
        boot=boot,
        boots_next=choose_next(boot, default, installed),
        loaders=loaders,
        secure_boot=look("secure_boot", lambda: secure_boot.read_state(machine), None),
        module=read_loaded(machine, running),
        dkms=dkms.read_status(machine),
        with_headers=frozenset(kernel for kernel in installed if kernels.has_headers(machine, kernel)),
        packages=look("packages", lambda: packages.read_installed(machine, PATTERNS), {}),
        broken=look("broken", lambda: packages.read_broken(machine), _NONE),
        holds=look("holds", lambda: packages.read_holds(machine), _NONE),
        free_bytes=read_free(),
        command_line=look("command_line", lambda: read_command_line(machine), parse_command_line("")),
        gpus=look("gpus", lambda: tuple(read_gpus(cards)), no_gpus),
        unknown=unknown,
    )
    room = look("room on the ESPs", lambda: esp.read_free(machine, state.may_boot), None)
    return state if room is None else dataclasses.replace(state, free_bytes={**state.free_bytes, ESPS: room})


def read_loaded(machine: Machine, running: str) -> Module:
    """The loaded amdgpu; DKMS' it is when it is the very file that DKMS installed for this kernel."""
    module = read_module(machine)
    if not module.loaded or module.kind == "dkms":
        return module
    try:
        filename, wanted = (machine.run(["modinfo", "-k", running, "-F", f, MODULE]).stdout.strip() for f in _IDENTITY)
    except CannotLookError:
        return module
    try:
        loaded = read_text(machine, f"/sys/module/{MODULE}/srcversion")
    except CannotLookError:
        loaded = ""  # a kernel without MODULE_SRCVERSION_ALL; then the file that would be loaded decides
    return dataclasses.replace(module, kind="dkms") if "/updates/" in filename and loaded == wanted else module


def choose_next(boot: BootKernels | None, grub_default: str | None, installed: tuple[str, ...]) -> str | None:
    """The kernel of the next boot: what GRUB's menu says, else the pins, else the newest kernel on the ESPs."""
    if grub_default:
        return grub_default
    if boot and (boot.next_boot or boot.pinned):
        return boot.next_boot or boot.pinned
    offered = boot.automatic if boot else installed
    return max(offered, key=kernels.version_key, default=None)


def read_free() -> dict[str, int]:
    """Free bytes of `/boot` and `/`."""
    found = {}
    for place in ("/boot", "/"):
        try:
            found[place] = shutil.disk_usage(place).free
        except OSError:
            continue
    return found


def read_here(root: str) -> tuple[Machine, Machine, HostState]:
    """This node, where its cards are found, and its state."""
    machine = LocalMachine(root="/")
    cards = LocalMachine(root=root or os.environ.get("ROCMOX_ROOT", "/"))
    return machine, cards, read_state(machine, cards)


def require_pve(state: HostState) -> None:
    """CannotLookError on a machine that is not a Proxmox VE node."""
    if state.pve is None:
        raise CannotLookError(
            f"this is not a Proxmox VE node: {state.unknown.get('pve', 'pveversion names no release')}"
        )
