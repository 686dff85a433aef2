"""Snapshots of a running machine, memory included: a later start goes on where it was, within seconds."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import UsageError
from rocmox.machine import LocalMachine
from rocmox_lab.vm import lifecycle, monitor, qemu, reach
from rocmox_lab.vm.places import MachinePlaces, require_state, write_state

_SAVE_SECONDS = 180
_NAME = re.compile(r"[a-z][a-z0-9-]*")


def save(name: str, label: str) -> None:
    """Keep the machine as it is now, in its own disk; one of the same label is replaced."""
    require_state(name)
    if not _NAME.fullmatch(label):
        raise UsageError(f"{label!r} is not a label of a snapshot", remedy="Use lower-case letters, digits and dashes.")
    socket = qemu.monitor_of(MachinePlaces(name=name).pid_file)
    monitor.run_job(socket, "snapshot-delete", tag=label, devices=[qemu.DISK_NODE])
    monitor.run_job(socket, "snapshot-save", tag=label, vmstate=qemu.DISK_NODE, devices=[qemu.DISK_NODE])


def restore(name: str, label: str) -> None:
    """Cut the machine's power and go on from the snapshot; what was written since is gone."""
    state = require_state(name)
    lifecycle.cut(name)
    lifecycle.power_on(state, further=("-loadvm", label))


def copy(name: str, other: str) -> None:
    """Another machine with the same disk and snapshots, powered off; what is called `other` already is removed.

    The machine stands still meanwhile: QEMU writes what it holds back before it does (qemu-doc, monitor: stop).
    """
    state, here, there = require_state(name), MachinePlaces(name=name), MachinePlaces(name=other)
    if name == other:
        raise UsageError(f"machine {name} is not a copy of itself", remedy="Choose another name.")
    lifecycle.down(other)
    there.directory.mkdir(mode=0o700, parents=True)
    monitor.execute(qemu.monitor_of(here.pid_file), "stop")
    try:
        argv = ["cp", "--sparse=always", str(here.disk), str(there.disk)]
        LocalMachine(root="/").run(argv, timeout_seconds=_SAVE_SECONDS).check()
    finally:
        monitor.execute(qemu.monitor_of(here.pid_file), "cont")
    there.stage_file.write_text(here.stage_file.read_text())
    ssh_port, api_port = qemu.free_ports(2)
    host_public_key = here.known_hosts.read_text().partition(" ")[2]
    reach.write_known_hosts(there.known_hosts, port=ssh_port, host_public_key=host_public_key)
    twin = dataclasses.replace(
        state,
        name=other,
        ssh_port=ssh_port,
        api_port=api_port,
        known_hosts=str(there.known_hosts),
        console=str(there.console),
    )
    write_state(twin)
