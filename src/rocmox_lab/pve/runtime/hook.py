"""What LXC calls while a guest starts and stops: `python3 -m rocmox_lab.pve.runtime.hook MOMENT`.

Moments: `pre-start` (volumes, devices, files; in the monitor's own mount namespace, which dies with the guest, so
nothing of it is ever left on the node), `net-up` (host end of a veth pair onto its bridge), `post-stop`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rocmox.machine import LocalMachine
from rocmox_lab.pve.runtime import bridging, devices, guest_file, mounting, stale_cgroups, syscalls
from rocmox_lab.pve.runtime.id_map import id_map_of
from rocmox_lab.pve.runtime.layout import Layout
from rocmox_lab.pve.runtime.setup import guest_root, names, tasks
from rocmox_lab.pve.runtime_protocol import GuestSpec, RuntimeFailedError


def pre_start(guest: GuestSpec, layout: Layout) -> None:
    """Mount the volumes, write the guest's files, make its device nodes."""
    stale_cgroups.remove(layout, guest.vmid)
    id_map = id_map_of(guest)
    root = str(layout.rootfs(guest.vmid))
    mounting.unmount_all(root)  # `pct mount` may have left it mounted
    mounting.mount_all(guest, root, id_map)
    _write_files(guest, layout, root)
    passthrough = layout.passthrough(guest.vmid)
    syscalls.mount("none", str(passthrough), kind="tmpfs", flags=syscalls.MS_NOSUID, data="mode=0755,size=64k")
    for device in guest.devices:
        devices.make_node(device, passthrough, id_map)


def _write_files(guest: GuestSpec, layout: Layout, root: str) -> None:
    resolver = names.resolver_of(guest, names.read_node_resolver())
    warnings = layout.warnings(guest.vmid)

    def inside() -> None:
        for line in tasks.before_start(guest, resolver):
            os.write(channel, f"{line}\n".encode())

    channel = os.open(warnings, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        guest_root.run_inside(root, id_map_of(guest), inside)
    finally:
        os.close(channel)


def net_up(guest: GuestSpec, host_interface: str) -> None:
    """Put the host's end of a new interface onto its bridge."""
    for network in guest.networks:
        if network.host_interface == host_interface:
            bridging.connect(network)
            return
    raise RuntimeFailedError(f"unable to find network definition for interface '{host_interface}'")


def post_stop(guest: GuestSpec, layout: Layout) -> int:
    """Unmount. After a reboot from within queue a fresh start, in which pending changes apply, and stop LXC's own."""
    mounting.unmount_all(str(layout.rootfs(guest.vmid)))
    for network in guest.networks:
        bridging.remove(network.host_interface)
    if os.environ.get("LXC_TARGET") != "reboot":
        return 0
    unit = f"--unit=rocmox-lab-reboot-{guest.vmid}"
    again = [sys.executable, "-m", "rocmox_lab.pve.runtime.boot", "again", str(guest.vmid)]
    path = f"--setenv=PYTHONPATH={os.environ.get('PYTHONPATH', '')}"
    LocalMachine().run(["systemd-run", "--no-block", "--collect", "--quiet", unit, path, "--", *again])
    return 1


def main(arguments: list[str]) -> int:
    """Exit status for LXC; the reason of a failure is kept for whoever started the guest."""
    layout = Layout()
    vmid = int(os.environ["LXC_NAME"])
    try:
        guest = guest_file.load(layout.guest_file(vmid))
        moment = arguments[0]
        if moment == "post-stop":
            return post_stop(guest, layout)
        if moment == "net-up":
            net_up(guest, arguments[-1])
        else:
            pre_start(guest, layout)
    except (OSError, RuntimeFailedError) as error:
        print(error, file=sys.stderr)
        _keep_reason(layout.failure(vmid), str(error))
        return 1
    return 0


def _keep_reason(path: Path, reason: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(reason + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
