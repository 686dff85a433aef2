"""The steps from what a node is to what it shall be. Pure: files are read through `read`, nothing is changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from rocmox.facts.openpgp import keys
from rocmox.host import apt, boot, build, contents, driver, ledger, places, step
from rocmox.host.apt_view import source_text
from rocmox.host.problems import is_ours, wished_kernel
from rocmox.host.resolve import DRIVER, FIRMWARE, Offer
from rocmox.host.startup import Read, start_up
from rocmox.host.state import HostState
from rocmox.host.step import Step
from rocmox.host.wish import HostWish
from rocmox.machine import Machine

_META = re.compile(r"(?:(?:proxmox|pve)-(?:kernel|headers)-\d+\.\d+|proxmox-default-(?:kernel|headers))")


def kernel_metas(packages: dict[str, str]) -> tuple[str, ...]:
    """Installed packages that bring a newer kernel with every `apt upgrade`."""
    return tuple(sorted(name for name in packages if _META.fullmatch(name)))


def is_settled(state: HostState, wish: HostWish, read: Read) -> bool:
    """Whether driver, source, key and headers are in place, so that no source needs to be asked."""
    installed = state.packages.get(DRIVER)
    if not installed or (wish.package_version and installed != wish.package_version):
        return False
    if read(places.SOURCE) != source_text(wish, places.KEYRING) or not _asked_before(read, wish):
        return False
    return _has_key(read, wish) and all(kernel in state.with_headers for kernel in state.may_boot)


def _asked_before(read: Read, wish: HostWish) -> bool:
    """Whether the stored wish names the same place of the key and the same origin: neither shows in the source's file.

    Another place is asked, even though the trusted key is here; another origin is compared with the source's own.
    """
    try:
        noted = json.loads(read(places.WISH) or "{}")
        return bool(all(noted.get(name, value) == value for name, value in _asked_for(wish).items()))
    except (ValueError, AttributeError):
        return False


def _asked_for(wish: HostWish) -> dict[str, str]:
    return {"key_url": wish.key_url, "apt_origin": wish.apt_origin}


def _has_key(read: Read, wish: HostWish) -> bool:
    try:
        return set(keys((read(places.KEYRING) or "").encode())) == {wish.key_fingerprint}
    except (ValueError, IndexError):
        return False


def plan(state: HostState, wish: HostWish, offer: Offer, read: Read) -> tuple[Step, ...]:
    """Every step that is still to be done for AMD's driver, in their order."""
    return (
        *_finish(state),
        *_protect(state, wish),
        *_files(wish, offer, read),
        *_overrides(read),
        *_packages(state, wish, offer),
        *_builds(state, wish, offer),
        *start_up(state, wish, read),
        *_load(state),
        *_pin(state, wish),
    )


def _finish(state: HostState) -> Iterator[Step]:
    ours = [name for name in state.broken if is_ours(name)]
    if ours:
        yield step.do(
            "finish what an interrupted run of apt left", apt.finish_interrupted, header="dpkg", before=", ".join(ours)
        )


def _protect(state: HostState, wish: HostWish) -> Iterator[Step]:
    """Before anything is installed: the running kernel stays what boots, and no series grows by itself."""
    if state.boot and not state.boot.pinned:
        kernel = state.running

        def pin(machine: Machine) -> None:
            ledger.add(pinned=kernel, pin_before="")
            boot.pin(machine, kernel)

        yield step.do(f"pin kernel {kernel}", pin, header="proxmox-boot-tool", before="no kernel is pinned")
    metas = tuple(name for name in kernel_metas(state.packages) if name not in state.holds)
    if metas and wish.wants_dkms:

        def hold(machine: Machine) -> None:
            ledger.add(holds=metas)
            machine.run(["apt-mark", "hold", *metas]).check()

        yield step.do(f"hold {' '.join(metas)}", hold, header="apt-mark showhold")


def _files(wish: HostWish, offer: Offer, read: Read) -> Iterator[Step]:
    wished = {
        places.POSTINST: (contents.kernel_hook("built"), 0o755),
        places.HEADER_POSTINST: (contents.kernel_hook("built"), 0o755),
        places.POSTRM: (contents.kernel_hook("removed"), 0o755),
        places.APT_HOOK: (contents.apt_hook(), 0o644),
        places.PREFERENCES: (contents.preferences(wish, offer.version), 0o644),
        places.SOURCE: (source_text(wish, places.KEYRING), 0o644),
    }
    if not _has_key(read, wish):
        yield step.write_file(places.KEYRING, offer.keyring, read(places.KEYRING))
    for path, (content, mode) in wished.items():
        if read(path) != content:
            yield step.write_file(path, content, read(path), mode=mode)
    units = {f"{places.UNITS}/{name}": contents.unit(name) for name in (places.TRIAL_UNIT, places.GUESTS_UNIT)}
    stale = {path: content for path, content in units.items() if read(path) != content}
    for path, content in stale.items():
        yield step.write_file(path, content, read(path))
    if stale:
        yield step.do("enable the units of a kernel on trial", driver.enable_units, header="systemctl enable")


def _overrides(read: Read) -> Iterator[Step]:
    known = read("/var/lib/dpkg/statoverride") or ""
    for path in places.DKMS_HOOKS:
        if f" {path}\n" not in f"{known}\n":
            yield step.do(
                f"let {path} be run by our hook alone",
                driver.override(path),
                header="dpkg-statoverride",
                after=f"root root 0644 {path}",
            )


def _packages(state: HostState, wish: HostWish, offer: Offer) -> Iterator[Step]:
    headers = tuple(
        offer.headers[kernel]
        for kernel in state.may_boot
        if kernel not in state.with_headers and kernel in offer.headers
    )
    if headers:
        yield step.do(
            f"install {' '.join(headers)}",
            lambda machine: driver.install_headers(machine, headers),
            header="packages",
            after="\n".join(headers),
        )
    if state.packages.get(DRIVER) != offer.version or state.packages.get(FIRMWARE, offer.version) != offer.version:
        before = state.packages.get(DRIVER, "")
        yield step.do(
            f"install {DRIVER} {offer.version}",
            lambda machine: driver.install_driver(machine, wish, offer.version, before, wished_kernel(state, wish)),
            header="packages",
            before=f"{DRIVER} {before}" if before else "",
            after=f"{DRIVER} {offer.version}",
        )


def _builds(state: HostState, wish: HostWish, offer: Offer) -> Iterator[Step]:
    wanted = wished_kernel(state, wish)
    renewed = state.packages.get(DRIVER) != offer.version
    for kernel in state.may_boot:
        if state.built(kernel) and not renewed:
            continue
        if kernel == wanted:
            yield step.do(f"build amdgpu for {kernel}", _require(kernel), header="dkms status")
        elif kernel in state.with_headers or kernel in offer.headers:
            yield step.do(f"build amdgpu for {kernel}, which may boot", _try(kernel), header="dkms status")


def _require(kernel: str) -> Callable[[Machine], None]:
    return lambda machine: _ignore(build.require(machine, kernel))


def _try(kernel: str) -> Callable[[Machine], None]:
    return lambda machine: _ignore(build.build(machine, kernel))


def _ignore(_built: build.Built) -> None:
    """A kernel that does not boot by default may lack the module: the record tells health."""


def _load(state: HostState) -> Iterator[Step]:
    """Where no amdgpu is loaded, ours can be at once; the kernel's own is replaced by a reboot."""
    if not state.module.loaded and state.running in state.kernels:
        yield step.do("load amdgpu", driver.load, header="lsmod")


def _pin(state: HostState, wish: HostWish) -> Iterator[Step]:
    wanted = wished_kernel(state, wish)
    pinned = (state.boot.pinned if state.boot else None) or state.running
    if wanted != pinned:
        before = state.boot.pinned if state.boot and state.boot.pinned else ""

        def pin(machine: Machine) -> None:
            ledger.add(pinned=wanted, pin_before=before)
            boot.pin(machine, wanted)

        yield step.do(f"pin kernel {wanted}", pin, header="proxmox-boot-tool", before=f"{pinned} is pinned")
