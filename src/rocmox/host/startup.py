"""What the node starts with: options of the module, words of the kernel's command line; and why it must be rebooted.

Pure: files are read through `read`, nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rocmox.facts.boot_tool import ESP_LIST
from rocmox.host import boot, contents, driver, ledger, places, step
from rocmox.host.resolve import DRIVER
from rocmox.host.state import HostState
from rocmox.host.step import Step
from rocmox.host.wish import HostWish
from rocmox.machine import Machine

Read = Callable[[str], str | None]


def start_up(state: HostState, wish: HostWish, read: Read) -> Iterator[Step]:
    """Options of the module and words of the kernel's command line, for the inbox driver too."""
    options = contents.module_options(wish) if wish.module_options else None
    before = read(places.MODULE_OPTIONS)
    if options != before:
        if options is not None:
            yield step.write_file(places.MODULE_OPTIONS, options, before)
        else:
            yield step.remove_file(places.MODULE_OPTIONS, before or "")
        yield step.do("renew the initial RAM disks", driver.renew_initramfs, header="update-initramfs")
    yield from _grub_words(state, wish, read)
    yield from _loader_words(state, wish, read)


def _grub_words(state: HostState, wish: HostWish, read: Read) -> Iterator[Step]:
    before = read(places.GRUB_SETTINGS)
    written = (read("/etc/default/grub") or "").split()
    others = {word.strip("\"'").rpartition('="')[2] for word in written}
    words = tuple(word for word in wish.kernel_command_line if word not in others)
    content = contents.grub_settings(words) if words and "grub" in state.loaders else None
    if content != before:
        if content is not None:
            yield step.write_file(places.GRUB_SETTINGS, content, before)
        else:
            yield step.remove_file(places.GRUB_SETTINGS, before or "")
        yield step.do("renew the boot menu", boot.write_configuration, header="boot loader")


def _loader_words(state: HostState, wish: HostWish, read: Read) -> Iterator[Step]:
    line = read(places.KERNEL_COMMAND_LINE)
    if line is None or "systemd-boot" not in state.loaders or read(ESP_LIST) is None:
        return
    first = line.splitlines()[0] if line.strip() else ""
    ours = ledger.read_ledger().words
    kept = [word for word in first.split() if word not in ours or word in wish.kernel_command_line]
    missing = tuple(word for word in wish.kernel_command_line if word not in kept)
    after = " ".join((*kept, *missing)) + "\n"
    if after.split() != first.split():

        def note(_machine: Machine) -> None:
            ledger.add(words=missing)

        yield step.do("note the words that are ours", note, header=places.LEDGER, after=" ".join(missing))
        yield step.write_file(places.KERNEL_COMMAND_LINE, after, line)
        yield step.do("renew the ESPs", boot.write_configuration, header="boot loader")


def reboot_reasons(state: HostState, wish: HostWish) -> tuple[str, ...]:
    """Why the node must be rebooted before the wish holds; empty when it need not."""
    reasons = []
    if wish.wants_dkms and state.boots_next and state.boots_next != state.running:
        reasons.append(f"kernel {state.boots_next} boots next and {state.running} runs")
    if state.gpus or state.module.loaded:
        if state.module.kind and wish.wants_dkms and state.module.kind != "dkms":
            reasons.append("the kernel's own amdgpu is loaded, AMD's is installed")
        version = state.driver_version
        if wish.wants_dkms and state.module.version and version and not version.startswith(state.module.version):
            reasons.append(f"amdgpu {state.module.version} is loaded, {version} is installed")
        if not wish.wants_dkms and state.module.kind == "dkms" and DRIVER not in state.packages:
            reasons.append("AMD's amdgpu is loaded, and was removed")
    wished = dict(word.partition("=")[::2] for word in wish.kernel_command_line)
    reasons += [
        f"the kernel was started without {name}{'=' if value else ''}{value}"
        for name, value in wished.items()
        if state.command_line.get(name) != value
    ]
    return tuple(reasons)
