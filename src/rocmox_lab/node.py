"""The node container: a privileged LXC system container on the lab's overlay, in the lab's mount namespace."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rocmox.errors import CommandError
from rocmox.machine import Completed, Machine
from rocmox_lab.namespace import run_in_namespace
from rocmox_lab.settings import LabPlaces
from rocmox_lab.state import LabState

_BOOT_SECONDS = 60


def container_config(state: LabState, *, mirror: Path, templates: Path) -> str:
    """LXC configuration (lxc.container.conf(5)) for nesting, with the machine's clock and modules out of reach."""
    places = LabPlaces(name=state.name)
    binds = (
        (places.storage, "var/lib/vz", "bind"),
        (places.code, "usr/lib/rocmox-lab", "bind"),
        (places.node_settings, "etc/rocmox-lab", "bind,ro"),
        (places.gpu_tree.parent, "var/lib/rocmox-lab", "bind"),
        (mirror, "srv/mirror", "bind,ro"),
        (mirror / "ccache", "srv/mirror/ccache", "bind"),
        (templates, "srv/templates", "bind,ro"),
    )
    lines = [
        "lxc.include = /usr/share/lxc/config/nesting.conf",
        "lxc.apparmor.profile = unconfined",
        f"lxc.rootfs.path = dir:{places.rootfs}",
        f"lxc.uts.name = {state.node}",
        "lxc.mount.auto = proc:rw sys:rw cgroup:rw",
        "lxc.autodev = 1",
        "lxc.pty.max = 1024",
        "lxc.tty.max = 0",
        "lxc.cap.drop = sys_time sys_module sys_rawio mac_admin mac_override",
        "lxc.net.0.type = veth",
        f"lxc.net.0.link = {state.bridge}",
        f"lxc.net.0.veth.pair = {places.veth}",
        "lxc.net.0.name = eth0",
        "lxc.net.0.flags = up",
        *(f"lxc.mount.entry = {_escaped(source)} {target} none {how},create=dir 0 0" for source, target, how in binds),
    ]
    return "\n".join(lines) + "\n"


def _escaped(path: Path) -> str:
    """As in fstab(5)."""
    return str(path).replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011")


def write_config(state: LabState, text: str) -> None:
    """Place the configuration where `lxc-start -P … -n …` looks for it."""
    places = LabPlaces(name=state.name)
    directory = places.lxc_path / places.container
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    (directory / "config").write_text(text)


def node_pid(machine: Machine, places: LabPlaces) -> int | None:
    """The node's first process on this machine, None when it does not run."""
    done = machine.run(["lxc-info", "-P", str(places.lxc_path), "-n", places.container, "-p", "-H"])
    text = done.stdout.strip()
    return int(text) if done.exit_status == 0 and text.isdecimal() and text != "0" else None


def start_node(machine: Machine, places: LabPlaces) -> str:
    """Start the container and wait until systemd has settled; returns its state (`running`, `degraded`)."""
    log = places.directory / "node.log"
    log.unlink(missing_ok=True)
    started = run_in_namespace(
        machine,
        places,
        [*_lxc("lxc-start", places), "--logfile", str(log), "--logpriority", "INFO"],
        timeout_seconds=_BOOT_SECONDS,
    )
    if started.exit_status:
        text = log.read_text(errors="replace") if log.exists() else ""
        errors = [line for line in text.splitlines() if " ERROR " in line]
        raise CommandError(
            ["lxc-start", places.container],
            exit_status=started.exit_status,
            stderr="\n".join(errors[-8:]) or started.stderr,
            remedy=f"{log} has the whole story; `rocmox lab down` and `rocmox lab up` start over.",
        )
    return wait_for_boot(machine, places)


def wait_for_boot(machine: Machine, places: LabPlaces) -> str:
    """What `systemctl is-system-running --wait` says; CommandError when it says nothing useful in time."""
    deadline = time.monotonic() + _BOOT_SECONDS
    while True:
        done = run_in_node(machine, places, ["systemctl", "is-system-running", "--wait"], timeout_seconds=_BOOT_SECONDS)
        word = done.stdout.strip()
        if word in {"running", "degraded"}:
            return word
        if time.monotonic() > deadline:
            raise CommandError(
                done.argv,
                exit_status=done.exit_status,
                stderr=done.stderr or word,
                reason=f"the node did not boot within {_BOOT_SECONDS} s",
                remedy=f"{places.directory / 'node.log'} and `rocmox lab status` tell more.",
            )
        time.sleep(0.2)  # systemd's bus is not there yet


def failed_units(machine: Machine, places: LabPlaces) -> list[str]:
    """Names of the node's failed units."""
    done = run_in_node(machine, places, ["systemctl", "--failed", "--plain", "--no-legend", "--no-pager"])
    return [line.split()[0] for line in done.stdout.splitlines() if line.strip()]


def run_in_node(
    machine: Machine, places: LabPlaces, argv: Sequence[str], *, stdin: bytes | None = None, timeout_seconds: float = 60
) -> Completed:
    """Run a command in the node as root, without ssh."""
    command = [*_lxc("lxc-attach", places), "--clear-env", "--", *argv]
    return run_in_namespace(machine, places, command, stdin=stdin, timeout_seconds=timeout_seconds)


def stop_node(machine: Machine, places: LabPlaces) -> bool:
    """End the node and every guest in it at once; True when it ran."""
    if node_pid(machine, places) is None:
        return False
    machine.run([*_lxc("lxc-stop", places), "--kill"], timeout_seconds=30)
    return True


def _lxc(command: str, places: LabPlaces) -> tuple[str, ...]:
    return (command, "-P", str(places.lxc_path), "-n", places.container)
