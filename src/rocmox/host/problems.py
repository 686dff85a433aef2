"""What stands in the way of what is desired, and what is worth knowing. Pure: it judges, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.compatibility import Verdict, look_up
from rocmox.facts.iommu import command_line_words
from rocmox.facts.kernels import series
from rocmox.host.desired import DesiredHost
from rocmox.host.state import ESPS, HostState

_SECURE_BOOT = (
    "Secure Boot is on: the kernel refuses modules that nobody signed, so the driver would be built and not loaded. "
    "Either switch Secure Boot off in the firmware; or enrol the key that DKMS signs with (Machine Owner Key): "
    "1. `apt install dkms mokutil`, 2. `dkms generate_mok` (it makes /var/lib/dkms/mok.pub), "
    "3. `mokutil --import /var/lib/dkms/mok.pub` and think of a password, 4. reboot and stay at the console: choose "
    "`Enroll MOK`, `Continue`, type the password, reboot, 5. `mokutil --test-key /var/lib/dkms/mok.pub` must say "
    "`is already enrolled`, 6. set amdgpu_host_signed_modules to true and run this again."
)
_OURS = ("amdgpu-dkms", "dkms", "proxmox-kernel-", "proxmox-headers-", "pve-kernel-", "pve-headers-")
_IOMMU_OFF = {"off", "0"}


def desired_kernel(state: HostState, desired: DesiredHost) -> str:
    """The kernel that shall boot: the desired one, else the pinned one, else the running one."""
    return desired.kernel or (state.boot.pinned if state.boot and state.boot.pinned else "") or state.running


def is_ours(broken: str) -> bool:
    """Whether a half-done package is one that an interrupted run of ours leaves."""
    return broken.startswith(_OURS)


def find_problems(state: HostState, desired: DesiredHost, *, kernel: str = "") -> tuple[str, ...]:
    """Every reason to stop before anything is changed; `kernel` is the one that shall boot in the end."""
    if not desired.wants_dkms:
        return tuple(_command_line_problems(state, desired))
    wanted = kernel or desired_kernel(state, desired)
    return (
        *_kernel_problems(state, wanted),
        *_room_problems(state, desired),
        *_package_problems(state),
        *_compatibility_problems(state, desired, wanted),
        *_command_line_problems(state, desired),
    )


def _kernel_problems(state: HostState, wanted: str) -> Iterator[str]:
    if state.boot is None:
        yield (
            f"what boots cannot be decided: {state.unknown.get('boot', 'proxmox-boot-tool is missing')}. Install "
            "proxmox-kernel-helper; it pins kernels on every Proxmox VE node, with and without synchronised ESPs."
        )
    elif wanted not in state.kernels:
        yield (
            f"kernel {wanted} has no image in /boot (there: {', '.join(state.kernels) or 'none'}). Install it, or set "
            "amdgpu_host_kernel to an installed one."
        )


def _room_problems(state: HostState, desired: DesiredHost) -> Iterator[str]:
    asked = {"/boot": desired.boot_room_bytes, ESPS: desired.boot_room_bytes, "/": desired.root_room_bytes}
    names = dict.fromkeys(asked, "amdgpu_host_boot_room_bytes") | {"/": "amdgpu_host_root_room_bytes"}
    for place, bytes_asked in asked.items():
        free = state.free_bytes.get(place)
        if free is not None and free < bytes_asked:
            yield (
                f"{place} has {free / 1e6:.0f} MB free and {bytes_asked / 1e6:.0f} MB are asked for ({names[place]}): "
                "a kernel, its initrd or a build would end half way. Remove old kernels (`apt autoremove --purge`) or "
                "packages (`apt clean`), and look at `du -xsh /var/* | sort -h`."
            )


def _package_problems(state: HostState) -> Iterator[str]:
    foreign = [name for name in state.broken if not is_ours(name)]
    if foreign:
        yield (
            f"packages are half done: {', '.join(foreign)}. Finish them first with `dpkg --configure -a` and "
            "`apt -f install`, and read what they say."
        )


def _compatibility_problems(state: HostState, desired: DesiredHost, wanted: str) -> Iterator[str]:
    if state.secure_boot and not desired.signed_modules:
        yield _SECURE_BOOT
    architectures: list[str | None] = [*sorted({gpu.architecture for gpu in state.gpus if gpu.architecture})]
    for architecture in architectures or [None]:
        row = look_up(pve=state.pve, kernel=wanted, driver="dkms", rocm=desired.release, architecture=architecture)
        if row.verdict is Verdict.KNOWN_BAD and not desired.allow_known_bad:
            yield (
                f"kernel {wanted} with amdgpu-dkms of ROCm {desired.release} is known to fail: {row.note} "
                f"({row.source}). Choose another kernel series than {series(wanted)} (amdgpu_host_kernel), another "
                "driver (amdgpu_host_release), or set amdgpu_host_allow_known_bad to true to try all the same."
            )
            return


def _command_line_problems(state: HostState, desired: DesiredHost) -> Iterator[str]:
    wished = dict(word.partition("=")[::2] for word in desired.kernel_command_line)
    if wished.get("iommu") != "pt":
        return
    for name in ("amd_iommu", "intel_iommu", "iommu"):
        if state.command_line.get(name) in _IOMMU_OFF:
            yield (
                f"the kernel was started with {name}={state.command_line[name]}, and iommu=pt is desired: one "
                "switches the IOMMU off, the other wants it in pass-through mode. Take one of them away "
                "(/etc/default/grub, /etc/kernel/cmdline, or amdgpu_host_kernel_command_line)."
            )


def notes(state: HostState, desired: DesiredHost) -> tuple[str, ...]:
    """What is worth knowing before it begins; none of it stops the run."""
    found = [
        f"Proxmox VE {state.pve or 'of unknown release'}, kernel {state.running or 'unknown'} runs, "
        f"{state.boots_next or 'an unknown one'} boots next"
        + (f", {state.boot.pinned} is pinned" if state.boot and state.boot.pinned else ", none is pinned"),
        f"driver: {state.module.kind or 'not loaded'}" + (f" {state.module.version}" if state.module.version else ""),
    ]
    words = command_line_words(state.command_line)
    found.append(f"IOMMU: {words or 'the kernel was started without a word about it'}")
    found += [
        _card_note(gpu.pci_address, gpu.visible_vram_bytes, gpu.vram_bytes, gpu.connected_displays)
        for gpu in state.gpus
    ]
    if state.other_modules:
        found.append(f"other DKMS modules: {', '.join(state.other_modules)}; they are built for the same kernels")
    found += [f"half done by an interrupted run, will be finished: {name}" for name in state.broken if is_ours(name)]
    if desired.wants_dkms:
        row = look_up(
            pve=state.pve, kernel=desired_kernel(state, desired), driver="dkms", rocm=desired.release, architecture=None
        )
        found.append(f"compatibility: {row.verdict.value}: {row.note}" + (f" ({row.source})" if row.source else ""))
    return tuple(found)


def _card_note(address: str, visible: int | None, total: int | None, displays: tuple[str, ...]) -> str:
    bar = "BAR unknown"
    if visible is not None and total is not None:
        bar = f"BAR shows {visible >> 20} of {total >> 20} MiB"
    return f"card {address}: {bar}" + (f"; drives a display ({', '.join(displays)})" if displays else "")
