"""The image's first boot, past the boot loader: GRUB comes onto the disk."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from rocmox.machine.ssh import SshMachine
from rocmox_lab.credentials import Credentials
from rocmox_lab.node_files import CODE_IN_NODE
from rocmox_lab.package_copy import running_packages
from rocmox_lab.vm import qemu, reach
from rocmox_lab.vm.places import MachineImage

_SECONDS = 600
_NOT_NEEDED = ("pve-guests.service", "rocmox-lab-api.service", "rocmox-lab-gpus.service")
_ROOT_DEVICE = "/dev/vda1"


def run(image: MachineImage, credentials: Credentials) -> None:
    """Boot, set up, power off; the disk of the image is changed."""
    ssh_port, api_port = qemu.free_ports(2)
    known_hosts = image.directory / "known_hosts"
    reach.write_known_hosts(known_hosts, port=ssh_port, host_public_key=credentials.host_public_key)
    stage = image.directory / "stage"
    stage.write_text("a\n")
    hardware = qemu.Hardware(
        disk=image.disk,
        disk_format="raw",
        console=image.directory / "console.log",
        pid_file=image.directory / "qemu.pid",
        ssh_port=ssh_port,
        api_port=api_port,
        repositories=image.repositories,
        stage_file=stage,
        further=_past_the_loader(image.directory / "boot"),
    )
    qemu.start(hardware)
    try:
        guest = reach.ssh_machine(ssh_port, image.secrets / "id_ed25519", known_hosts)
        reach.wait_until_up(guest, hardware.console)
        _set_up(guest)
        guest.run(["systemctl", "poweroff"], timeout_seconds=30)
        qemu.wait_until_off(hardware.pid_file, timeout_seconds=120)
    finally:
        qemu.cut_power(hardware.pid_file)


def _past_the_loader(boot: Path) -> tuple[str, ...]:
    kernel, initrd = next(boot.glob("vmlinuz-*")), next(boot.glob("initrd.img-*"))
    masked = " ".join(f"systemd.mask={unit}" for unit in _NOT_NEEDED)
    words = f"root={_ROOT_DEVICE} ro console=ttyS0 net.ifnames=0 panic=10 mitigations=off {masked}"

    return ("-kernel", str(kernel), "-initrd", str(initrd), "-append", words, "-no-reboot")


def _set_up(guest: SshMachine) -> None:
    guest.run(["grub-install", "--target=i386-pc", "/dev/vda"], timeout_seconds=_SECONDS).check()
    guest.run(["update-grub"], timeout_seconds=_SECONDS).check()
    guest.run(["sync"], timeout_seconds=_SECONDS).check()


def place_code(guest: SshMachine) -> None:
    """The packages as they are here, where the machine's PVE commands look for it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive:
        for name, content in running_packages().items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    place = f"mkdir -p {CODE_IN_NODE} && tar -xzf - -C {CODE_IN_NODE}"
    guest.run(["sh", "-c", place], stdin=stream.getvalue(), timeout_seconds=_SECONDS).check()
