"""Start, kill and shut down guests (`PVE::LXC::vm_start`, `vm_stop`)."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal
import time
from pathlib import Path

from rocmox.errors import CommandError
from rocmox.machine import LocalMachine
from rocmox_lab.pve.runtime import (
    bridging,
    devices,
    guest_file,
    limits,
    liveness,
    loop_device,
    lxc_config,
    node_files,
    seccomp,
    volumes,
)
from rocmox_lab.pve.runtime.layout import Layout
from rocmox_lab.pve.runtime_protocol import GuestSpec, Log, MountSpec, RuntimeFailedError

_START_SECONDS, _KILL_SECONDS, _RELEASE_SECONDS = 60, 15, 15
_ASK_AGAIN_SECONDS = 5
_LOG_LINES = 12


def start(guest: GuestSpec, layout: Layout, log: Log) -> None:
    """Generate the configuration, start, return when the guest runs; RuntimeFailedError in PVE's words otherwise."""
    if guest.vmid in liveness.running_vmids(layout):
        raise RuntimeFailedError(f"CT {guest.vmid} already running")
    device_rules = devices.rules(guest.devices, layout.root)
    for network in guest.networks:
        bridging.require(network.bridge)
    for mount in (guest.rootfs, *guest.mounts):
        _require_volume(mount)
        if mount.kind == "image" and not mount.read_only:
            volumes.grow_to_image(mount.source)
    prepare(guest, layout, device_rules)
    _launch(guest, layout)
    if guest.debug:
        for line in layout.start_log(guest.vmid).read_text(errors="replace").splitlines():
            log(line)
    for warning in _lines(layout.warnings(guest.vmid)):
        log(f"WARN: {warning}")


def prepare(guest: GuestSpec, layout: Layout, device_rules: tuple[str, ...]) -> None:
    """Write everything below /var/lib/lxc/VMID that LXC and the hooks read."""
    node_files.ensure(layout.root)
    for network in guest.networks:
        bridging.remove(network.host_interface)  # the kernel takes its time after a monitor was killed
    for folder in (layout.guest(guest.vmid), layout.rootfs(guest.vmid), layout.passthrough(guest.vmid)):
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        folder.chmod(0o755)
    layout.run.mkdir(parents=True, exist_ok=True)
    for old in (layout.failure(guest.vmid), layout.warnings(guest.vmid), layout.start_log(guest.vmid)):
        old.unlink(missing_ok=True)
    traits = lxc_config.NodeTraits(
        apparmor=Path("/sys/kernel/security/apparmor").exists(),
        limits=limits.possible(guest, layout),
        bridge_mtu={each.bridge: bridging.mtu_bytes(each.bridge) for each in guest.networks if each.bridge},
        device_rules=device_rules,
    )
    guest_file.save(layout.guest_file(guest.vmid), guest)
    layout.seccomp(guest.vmid).write_text(seccomp.render(guest))
    layout.lxc_config(guest.vmid).write_text(lxc_config.render(guest, layout, traits))


def stop(vmid: int, layout: Layout) -> None:
    """Kill every process of the guest and wait until its volumes are free; RuntimeFailedError when it stays."""
    if vmid not in liveness.running_vmids(layout):
        raise RuntimeFailedError(f"CT {vmid} not running")
    with contextlib.suppress(CommandError):
        LocalMachine().run(["lxc-stop", "-n", str(vmid), "--kill"], timeout_seconds=_KILL_SECONDS)
    if not liveness.wait_until_down(layout, vmid, timeout_seconds=_KILL_SECONDS):
        _kill_hard(vmid)
        if not liveness.wait_until_down(layout, vmid, timeout_seconds=_KILL_SECONDS):
            raise RuntimeFailedError(f"container did not stop (PID {liveness.init_pid(vmid)})")
    _wait_released(vmid, layout)


def shutdown(vmid: int, layout: Layout, *, timeout_seconds: float) -> bool:
    """Ask for a power-off, again every few seconds: a guest that is just starting does not hear the first signal."""
    if vmid not in liveness.running_vmids(layout):
        raise RuntimeFailedError(f"CT {vmid} not running")
    deadline = time.monotonic() + timeout_seconds
    while (left := deadline - time.monotonic()) > 0:
        turn = max(1, round(min(_ASK_AGAIN_SECONDS, left)))
        command = ["lxc-stop", "-n", str(vmid), "--nokill", "--timeout", str(turn)]
        with contextlib.suppress(CommandError):
            LocalMachine().run(command, timeout_seconds=turn + _KILL_SECONDS)
        if liveness.wait_until_down(layout, vmid, timeout_seconds=0.5):
            _wait_released(vmid, layout)
            return True
    return vmid not in liveness.running_vmids(layout)


def destroy(vmid: int, layout: Layout) -> None:
    """Forget the guest on this node; its volumes are the caller's affair."""
    if vmid in liveness.running_vmids(layout):
        raise RuntimeFailedError(f"unable to destroy CT {vmid} - container is running")
    folder = layout.guest(vmid)
    if folder.exists():
        shutil.rmtree(folder)
    for path in layout.run.glob(f"ct-{vmid}.*"):
        path.unlink(missing_ok=True)


def _launch(guest: GuestSpec, layout: Layout) -> None:
    log_file = layout.start_log(guest.vmid)
    level = "DEBUG" if guest.debug else "INFO"
    command = ["lxc-start", "-n", str(guest.vmid), "-d", "-o", str(log_file), "-l", level]
    clean = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
    environment = ["env", "-i", *(f"{key}={value}" for key, value in clean.items())]
    try:
        done = LocalMachine().run([*environment, *command], timeout_seconds=_START_SECONDS)
    except CommandError as error:
        raise RuntimeFailedError(f"startup for container '{guest.vmid}' failed") from error
    if done.exit_status == 0:
        return
    liveness.wait_until_down(layout, guest.vmid, timeout_seconds=_KILL_SECONDS)
    if reason := _lines(layout.failure(guest.vmid)):
        raise RuntimeFailedError(reason[0])
    errors = [line for line in _lines(log_file) if " ERROR " in line][:_LOG_LINES]
    raise RuntimeFailedError("\n".join([f"startup for container '{guest.vmid}' failed", *errors]))


def _require_volume(mount: MountSpec) -> None:
    if not Path(mount.source).exists():
        kind = "volume" if mount.kind == "image" else "directory"
        raise RuntimeFailedError(f"{kind} '{mount.source}' does not exist")


def _kill_hard(vmid: int) -> None:
    pid = liveness.init_pid(vmid)
    if pid is not None:
        monitor = liveness.monitor_pid(pid)
        for each in (pid, monitor):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)


def _wait_released(vmid: int, layout: Layout) -> None:
    """The monitor's mounts end with it; the kernel clears the loop devices a moment later."""
    with contextlib.suppress(OSError):
        guest = guest_file.load(layout.guest_file(vmid))
        images = [mount.source for mount in (guest.rootfs, *guest.mounts) if mount.kind == "image"]
        deadline = time.monotonic() + _RELEASE_SECONDS
        while any(loop_device.users_of(image) for image in images) and time.monotonic() < deadline:
            time.sleep(0.02)


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        return []


def with_defaults(guest: GuestSpec) -> GuestSpec:
    """A hand-made specification completed as the API would: host interfaces get PVE's names."""
    networks = tuple(
        dataclasses.replace(
            each, host_interface=each.host_interface or f"veth{guest.vmid}i{each.key.removeprefix('net')}"
        )
        for each in guest.networks
    )
    return dataclasses.replace(guest, networks=networks)
