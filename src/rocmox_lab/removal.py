"""`rocmox lab down`: everything a lab made goes, the caches and foreign things stay.

Order: node and guests → loop devices → namespace → bridge and firewall → state → what the last lab shared.
Names follow from the lab's name alone, so a lab that a kill left half made, or half removed, goes the same way.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from rocmox.errors import RefusedError
from rocmox.machine import Machine
from rocmox_lab import loop_devices, namespace, network, node
from rocmox_lab.firewall import remove_firewall
from rocmox_lab.locks import lab_lock_file, locked, machine_lock_file, machine_locked
from rocmox_lab.progress import Progress
from rocmox_lab.settings import LABS_DIRECTORY, LabPlaces, LabSettings
from rocmox_lab.state import lab_names


def down(machine: Machine, name: str, progress: Progress) -> bool:
    """Remove everything the lab made on this machine; caches stay. False when there was nothing."""
    places = LabPlaces(name=LabSettings(name=name).name)
    if not places.directory.exists() and not places.namespace_file.exists():
        with own(name, machine, progress):
            pass
        progress.say(f"lab {name} is not there")
        return False
    with own(name, machine, progress):
        with progress.step("node and guests") as step:
            step.outcome = "stopped" if remove_running_parts(machine, places) else "did not run"
        with progress.step("network, firewall, files") as step:
            remove_lab(machine, places)
            step.outcome = "removed"
    progress.say(f"lab {name} is gone")
    return True


def remove_lab(machine: Machine, places: LabPlaces) -> None:
    """What is left of a lab whose node is down. `state.json` goes first: a lab without it counts as half removed."""
    remove_firewall(machine, places)
    network.remove_link(machine, places.veth)
    network.remove_link(machine, places.bridge)
    places.state_file.unlink(missing_ok=True)
    remove_directory(machine, places.directory)


def remove_running_parts(machine: Machine, places: LabPlaces) -> bool:
    """Node, guests, loop devices and namespace; True when the node ran."""
    _close_ssh_connections(machine, places)
    ran = node.stop_node(machine, places)
    namespace.sweep_cgroups(machine, places.container)
    namespace.remove_namespace(machine, places)
    loop_devices.detach_all(machine, places.storage)
    return ran


def _close_ssh_connections(machine: Machine, places: LabPlaces) -> None:
    """Ansible's multiplexed connections wait a minute for more work; on a node that is gone they would hang."""
    if places.ssh_sockets.is_dir():
        for socket in places.ssh_sockets.iterdir():
            machine.run(["ssh", "-O", "exit", "-S", str(socket), "node"])
            socket.unlink(missing_ok=True)


def remove_directory(machine: Machine, directory: Path) -> None:
    """Remove a lab's state; RefusedError while anything is mounted in it, which would be removed as well."""
    mounted = [point for point in namespace.mount_points(machine) if Path(point).is_relative_to(directory)]
    if mounted:
        raise RefusedError(
            f"{directory}: still mounted in it: {', '.join(mounted)}", remedy="Unmount it, then run it again."
        )
    if directory.exists():
        shutil.rmtree(directory)


def _remove_shared_parts(machine: Machine) -> None:
    """What all labs share goes with the last one. Call it with the machine's lock."""
    if lab_names():
        return
    network.restore_forwarding(machine)
    namespace.remove_runtime_directory(machine)
    machine_lock_file().unlink(missing_ok=True)
    for directory in (LABS_DIRECTORY, LABS_DIRECTORY.parent):
        if directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()


@contextlib.contextmanager
def own(name: str, machine: Machine, progress: Progress) -> Iterator[None]:
    """Hold the lab's lock; what is of no use without the lab goes when there is no lab in the end."""
    with locked(lab_lock_file(name), progress=progress, waiting_for="another `rocmox lab` on this lab"):
        try:
            yield
        finally:
            if not LabPlaces(name=name).directory.exists():
                with machine_locked():
                    lab_lock_file(name).unlink(missing_ok=True)
                    _remove_shared_parts(machine)
