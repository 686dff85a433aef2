"""What the node starts with: options of the module, words of the kernel's command line; and why it must be rebooted.

Pure: files are read through `read`, nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.facts.boot_tool import ESP_LIST
from rocmox.host import ledger, places, step
from rocmox.host.desired import DesiredHost
from rocmox.host.kernels import boot
from rocmox.host.packages.install import renew_initramfs
from rocmox.host.packages.resolve import DRIVER
from rocmox.host.state import HostState
from rocmox.host.step import Read, Step
from rocmox.machine import Machine


def options_text(desired: DesiredHost) -> str:
    """modprobe.d(5)."""
    words = " ".join(f"{name}={value}" for name, value in desired.module_options)
    return f"# The role amdgpu_host wrote this.\noptions amdgpu {words}\n"


def grub_settings(words: tuple[str, ...]) -> str:
    """A part of /etc/default/grub: grub-mkconfig reads the directory after the file."""
    joined = " ".join(words)
    return f'# The role amdgpu_host wrote this.\nGRUB_CMDLINE_LINUX="${{GRUB_CMDLINE_LINUX}} {joined}"\n'


def plan_startup(state: HostState, desired: DesiredHost, read: Read) -> Iterator[Step]:
    """Options of the module and words of the kernel's command line, for the inbox driver too.

    The undo is this plan with nothing desired: what is ours and not desired goes.
    """
    options = options_text(desired) if desired.module_options else None
    before = read(places.MODULE_OPTIONS)
    if options != before:
        if options is not None:
            yield step.write_file(places.MODULE_OPTIONS, options, before)
        else:
            yield step.remove_file(places.MODULE_OPTIONS, before or "")
        yield step.do("renew the initial RAM disks", renew_initramfs, header="update-initramfs")
    yield from _grub_words(state, desired, read)
    yield from _loader_words(state, desired, read)


def _grub_words(state: HostState, desired: DesiredHost, read: Read) -> Iterator[Step]:
    before = read(places.GRUB_SETTINGS)
    written = (read("/etc/default/grub") or "").split()
    others = {word.strip("\"'").rpartition('="')[2] for word in written}
    words = tuple(word for word in desired.kernel_command_line if word not in others)
    content = grub_settings(words) if words and "grub" in state.loaders else None
    if content != before:
        if content is not None:
            yield step.write_file(places.GRUB_SETTINGS, content, before)
        else:
            yield step.remove_file(places.GRUB_SETTINGS, before or "")
        yield step.do("renew the boot menu", boot.write_configuration, header="boot loader")


def _loader_words(state: HostState, desired: DesiredHost, read: Read) -> Iterator[Step]:
    line = read(places.KERNEL_COMMAND_LINE)
    if line is None or "systemd-boot" not in state.loaders or read(ESP_LIST) is None:
        return
    first = line.splitlines()[0] if line.strip() else ""
    ours = ledger.read_ledger().words
    kept = [word for word in first.split() if word not in ours or word in desired.kernel_command_line]
    missing = tuple(word for word in desired.kernel_command_line if word not in kept)
    after = " ".join((*kept, *missing)) + "\n"
    if after.split() != first.split():

        def note(_machine: Machine) -> None:
            ledger.add(words=missing)

        yield step.do("note the words that are ours", note, header=places.LEDGER, after=" ".join(missing))
        yield step.write_file(places.KERNEL_COMMAND_LINE, after, line)
        yield step.do("renew the ESPs", boot.write_configuration, header="boot loader")


def reboot_reasons(state: HostState, desired: DesiredHost) -> tuple[str, ...]:
    """Why the node must be rebooted before it is as desired; empty when it need not."""
    reasons = []
    if desired.wants_dkms and state.boots_next and state.boots_next != state.running:
        reasons.append(f"kernel {state.boots_next} boots next and {state.running} runs")
    if state.gpus or state.module.loaded:
        if state.module.kind and desired.wants_dkms and state.module.kind != "dkms":
            reasons.append("the kernel's own amdgpu is loaded, AMD's is installed")
        version = state.driver_version
        if desired.wants_dkms and state.module.version and version and not version.startswith(state.module.version):
            reasons.append(f"amdgpu {state.module.version} is loaded, {version} is installed")
        if not desired.wants_dkms and state.module.kind == "dkms" and DRIVER not in state.packages:
            reasons.append("AMD's amdgpu is loaded, and was removed")
    wished = dict(word.partition("=")[::2] for word in desired.kernel_command_line)
    reasons += [
        f"the kernel was started without {name}{'=' if value else ''}{value}"
        for name, value in wished.items()
        if state.command_line.get(name) != value
    ]
    return tuple(reasons)
