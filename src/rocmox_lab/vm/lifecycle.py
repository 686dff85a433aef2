"""`rocmox lab machine up|down|cut|offer`: a machine of its own on the image of the cache."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from rocmox.errors import UsageError
from rocmox.machine import LocalMachine, Machine
from rocmox.machine.ssh import SshMachine
from rocmox_lab.progress import Progress
from rocmox_lab.vm import first_boot, qemu, reach
from rocmox_lab.vm.image import ensure_image
from rocmox_lab.vm.places import (
    MACHINES_DIRECTORY,
    MachineImage,
    MachinePlaces,
    MachineState,
    read_state,
    require_state,
    write_state,
)
from rocmox_lab.vm.repositories import STAGES

_OFF_SECONDS = 600
_SECONDS = 600  # an emulated machine on a busy computer


def up(machine: Machine, name: str, progress: Progress) -> MachineState:
    """Make the machine, or power it on; its code is the one that is here."""
    where = MachinePlaces(name=name)
    state = read_state(name)
    if state is None:
        state = _create(machine, where, progress)
    if qemu.running_pid(where.pid_file) is None:
        power_on(state)
    with progress.step(f"machine {name}") as step:
        guest = machine_of(state)
        step.outcome = reach.wait_until_up(guest, where.console)
        first_boot.place_code(guest)
        restart = ("systemctl", "restart", "rocmox-lab-gpus.service", "rocmox-lab-api.service")
        guest.run(restart, timeout_seconds=_SECONDS).check()
    progress.say(f"ssh -p {state.ssh_port} -i {state.ssh_private_key} root@127.0.0.1; console {where.console}")
    return state


def _create(machine: Machine, where: MachinePlaces, progress: Progress) -> MachineState:
    image = ensure_image(machine, progress)
    shutil.rmtree(where.directory, ignore_errors=True)
    where.directory.mkdir(mode=0o700, parents=True)
    settings = json.loads(image.settings.read_text())
    ssh_port, api_port = qemu.free_ports(2)
    reach.write_known_hosts(where.known_hosts, port=ssh_port, host_public_key=settings["host_public_key"])
    where.stage_file.write_text(f"{STAGES[0]}\n")
    make_layer(image.disk, where.disk, backing_format="raw")
    state = MachineState(
        name=where.name,
        image=str(image.directory),
        ssh_port=ssh_port,
        api_port=api_port,
        ssh_private_key=str(image.secrets / "id_ed25519"),
        known_hosts=str(where.known_hosts),
        root_password_file=str(image.secrets / "root_password"),
        api_fingerprint=settings["api_fingerprint"],
        console=str(where.console),
        amd_fingerprint=settings["fingerprints"]["amd"],
        proxmox_fingerprint=settings["fingerprints"]["proxmox"],
        other_fingerprint=settings["fingerprints"]["other"],
    )
    write_state(state)
    return state


def make_layer(backing: Path, layer: Path, *, backing_format: str) -> None:
    """A disk that begins as the other one and leaves it alone."""
    options = ("-q", "-f", "qcow2", "-b", str(backing), "-F", backing_format)
    LocalMachine(root="/").run(["qemu-img", "create", *options, str(layer)]).check()


def power_on(state: MachineState, *, further: tuple[str, ...] = ()) -> None:
    """Start QEMU; what boots is the boot loader's matter. `further` are options of QEMU."""
    where, image = MachinePlaces(name=state.name), MachineImage(directory=Path(state.image))
    qemu.start(
        qemu.Hardware(
            disk=where.disk,
            disk_format="qcow2",
            console=where.console,
            pid_file=where.pid_file,
            ssh_port=state.ssh_port,
            api_port=state.api_port,
            repositories=image.repositories,
            stage_file=where.stage_file,
            further=further,
        )
    )


def machine_of(state: MachineState) -> SshMachine:
    """The way in."""
    return reach.ssh_machine(state.ssh_port, Path(state.ssh_private_key), Path(state.known_hosts))


def cut(name: str) -> bool:
    """The power cut; True when the machine ran."""
    require_state(name)
    return qemu.cut_power(MachinePlaces(name=name).pid_file)


def power_off(name: str) -> None:
    """Shut the machine down in order; what does not obey in two minutes is cut."""
    where = MachinePlaces(name=name)
    if qemu.running_pid(where.pid_file) is None:
        return
    machine_of(require_state(name)).run(["systemctl", "poweroff"], timeout_seconds=30)
    if not qemu.wait_until_off(where.pid_file, timeout_seconds=_OFF_SECONDS):
        qemu.cut_power(where.pid_file)


def offer(name: str, stage: str) -> None:
    """Let the machine's next `apt-get update` see another stage of Proxmox's repository."""
    require_state(name)
    if stage not in STAGES:
        raise UsageError(f"{stage!r} is not a stage of the repository", remedy=f"Choose from {', '.join(STAGES)}.")
    MachinePlaces(name=name).stage_file.write_text(f"{stage}\n")


def down(name: str) -> None:
    """Cut its power and remove it; the image stays in the cache."""
    where = MachinePlaces(name=name)
    qemu.cut_power(where.pid_file)
    shutil.rmtree(where.directory, ignore_errors=True)


def machine_names() -> list[str]:
    """Names of all machines of this computer."""
    return sorted(path.name for path in MACHINES_DIRECTORY.glob("*") if path.is_dir())
