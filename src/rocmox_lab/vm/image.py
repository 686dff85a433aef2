"""The machine's disk image, made once: Debian's packages, Proxmox VE's boot path, the lab's PVE commands, GRUB.

`ROCMOX_CACHE/machines/KEY/` holds `disk.raw`, `www/` (the repositories) and `secrets/`; the key follows the recipe.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import struct
import sys
from importlib import resources
from pathlib import Path

import rocmox_lab
from rocmox.machine import Machine
from rocmox_lab import images, recipe
from rocmox_lab.credentials import Credentials, ensure_credentials
from rocmox_lab.locks import locked
from rocmox_lab.node_files import NodeFile, node_files, user_store, write_into_layer
from rocmox_lab.progress import Progress
from rocmox_lab.settings import cache_directory
from rocmox_lab.state import LabState
from rocmox_lab.vm import first_boot, guest_image, places
from rocmox_lab.vm.places import MachineImage

DISK_GIB = 8
PARTITION_OFFSET = 1 << 20
ROOT_UUID = "0c6f9a52-5d0f-4f0e-9a3c-6d3b1f5e8a10"
_PACKAGES = (
    *("udev", "initramfs-tools", "busybox", "grub-pc", "dkms", "gcc-12", "gcc", "make", "libc6-dev", "gpg", "libelf1"),
    "mokutil",
)
_MASK = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "fstrim.timer", "e2scrub_all.timer", "e2scrub_reap.service"),
    *("dpkg-db-backup.timer", "nginx.service", "lxc.service", "lxc-net.service", "lxc-monitord.service"),
)
_BUILD_SECONDS = 1800
_MAKERS = (
    "amd_packages.py",
    "first_boot.py",
    "guest_image.py",
    "image.py",
    "image_root.py",
    "kernel_packages.py",
    "kernels.py",
    "repositories.py",
)


def machine_recipe(source: recipe.AptSource) -> recipe.ImageRecipe:
    """The lab node's recipe and what a machine of its own needs beside."""
    node = next(each for each in recipe.load_recipes(source) if each.name == "node")
    nginx = tuple(command for command in node.commands if "nginx" in command)
    return dataclasses.replace(node, name="machine", packages=(*node.packages, *_PACKAGES), mask=_MASK, commands=nginx)


def image_key(wanted: recipe.ImageRecipe) -> str:
    """Twelve hex digits over the recipe, the data and the code that make the image."""
    digest = hashlib.sha256(wanted.key.encode())
    top = Path(rocmox_lab.__file__).parent
    makers = [top / "apt_repository.py", top / "node_files.py", *(top / "vm" / name for name in _MAKERS)]
    for path in sorted([*makers, *(top / "data/vm").rglob("*"), *(top / "data/node").iterdir()]):
        if path.is_file():
            digest.update(str(path.relative_to(top)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def ensure_image(machine: Machine, progress: Progress) -> MachineImage:
    """The image from the cache, built when it is not there; whole or not at all, one builder at a time."""
    wanted = machine_recipe(recipe.read_apt_source(machine))
    image = MachineImage(directory=cache_directory() / "machines" / image_key(wanted))
    if image.settings.exists():
        return image
    cache = images.ImageCache(directory=cache_directory())
    template = next(
        r for r in recipe.load_recipes(recipe.read_apt_source(machine)) if r.name.startswith(guest_image.TEMPLATE)
    )
    images.ensure_images(machine, cache, [template], progress)
    lock = image.directory.parent / f".{image.directory.name}.lock"
    with locked(lock, progress=progress, waiting_for="another rocmox that builds the machine's image"):
        if not image.settings.exists():
            building = MachineImage(directory=image.directory.parent / f".building-{image.directory.name}")
            shutil.rmtree(building.directory, ignore_errors=True)
            _build(machine, wanted, building, template=cache.path(template), progress=progress)
            building.directory.rename(image.directory)
    return image


def _build(
    machine: Machine, wanted: recipe.ImageRecipe, image: MachineImage, *, template: Path, progress: Progress
) -> None:
    image.repositories.mkdir(mode=0o755, parents=True)
    root = image.directory / "root"
    hook = f'{sys.executable} -m rocmox_lab.vm.image_root "$1" {image.repositories}'
    with progress.step("machine: packages, kernels"):
        argv = dataclasses.replace(wanted, commands=(*wanted.commands, hook)).mmdebstrap_arguments(str(root))
        machine.run([*images.CONTAINED, *argv], timeout_seconds=_BUILD_SECONDS).check()
    credentials = ensure_credentials(machine, node_state(image), image.secrets)
    write_into_layer(_files(credentials, image), upper=root, lower=root)
    with progress.step("machine: guest"):
        guest_image.create_guest(machine, root, template)
    with progress.step("machine: disk"):
        make_disk(machine, root, image.disk)
    kernel = next((root / "boot").glob("vmlinuz-*"))
    boot = image.directory / "boot"
    boot.mkdir()
    for path in (kernel, kernel.with_name(kernel.name.replace("vmlinuz", "initrd.img"))):
        shutil.copy2(path, boot)
    shutil.rmtree(root)
    with progress.step("machine: boot loader"):
        first_boot.run(image, credentials)
    shutil.rmtree(boot)
    settings = {
        "fingerprints": json.loads((image.repositories / "fingerprints.json").read_text()),
        "api_fingerprint": credentials.fingerprint,
        "host_public_key": credentials.host_public_key,
    }
    image.settings.write_text(json.dumps(settings) + "\n")


def node_state(image: MachineImage) -> LabState:
    """The machine as a node of the lab, for the files that make one."""
    return LabState(
        name="machine",
        node="pve1",
        pve_version="8.4",
        gpus="mi50x3",
        bridge="vmbr0",
        subnet=f"{places.PREFIX}.0/24",
        gateway=places.GATEWAY,
        node_address=places.ADDRESS,
        api_url=f"https://{places.ADDRESS}:8006/api2/json",
        mirror_url=places.REPOSITORIES_URL,
        ssh_private_key=str(image.secrets / "id_ed25519"),
        known_hosts=str(image.secrets / "known_hosts"),
        root_password_file=str(image.secrets / "root_password"),
        mount_namespace="",
    )


def _files(credentials: Credentials, image: MachineImage) -> tuple[NodeFile, ...]:
    state = node_state(image)
    data = resources.files("rocmox_lab").joinpath("data/vm/root")
    settings = {
        "node": state.node,
        "pve_version": state.pve_version,
        "mirror_url": state.mirror_url,
        "gpu_root": "/var/lib/rocmox-lab/gpus",
    }
    own = [
        NodeFile(path="/etc/fstab", content=f"UUID={ROOT_UUID} / ext4 errors=remount-ro 0 0\n"),
        NodeFile(path="/etc/rocmox-lab/node.json", content=json.dumps(settings) + "\n"),
        NodeFile(path="/etc/rocmox-lab/aplinfo.json", content="[]\n"),
        NodeFile(path="/etc/systemd/system/rocmox-lab-gpus.service", content=data.joinpath("gpus.service").read_text()),
        NodeFile(
            path="/etc/systemd/system/multi-user.target.wants/rocmox-lab-gpus.service",
            link_to="../rocmox-lab-gpus.service",
        ),
        NodeFile(path="/etc/udev/rules.d/80-rocmox-lab.rules", content=data.joinpath("gpus.rules").read_text()),
        NodeFile(path="/var/lib/vz/template/cache/.keep"),
    ]
    password = Path(state.root_password_file).read_text().strip()
    return (*node_files(state, credentials, ""), user_store(password), *own)


def make_disk(machine: Machine, root: Path, disk: Path) -> None:
    """An MBR with one bootable partition, and the root file system in it; holes stay holes."""
    size = DISK_GIB << 30
    with disk.open("wb") as stream:
        stream.truncate(size)
        start, count = PARTITION_OFFSET // 512, (size - PARTITION_OFFSET) // 512
        entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x83, b"\xfe\xff\xff", start, count)
        stream.seek(440)
        stream.write(b"RMX1\0\0" + entry + bytes(48) + b"\x55\xaa")
    # GRUB 2.06 reads neither of the two features that newer e2fsprogs switch on.
    features = "^metadata_csum_seed,^orphan_file"
    machine.run(
        [
            *("mkfs.ext4", "-q", "-F", "-U", ROOT_UUID, "-O", features, "-E", f"offset={PARTITION_OFFSET}"),
            *("-d", str(root), str(disk), f"{(size - PARTITION_OFFSET) >> 10}k"),
        ],
        timeout_seconds=300,
    ).check()
