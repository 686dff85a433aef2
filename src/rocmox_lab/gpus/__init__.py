"""Constructed GPUs: trees of `/sys`, `/proc` and `/boot` as a PVE host with AMD cards shows them.

`build` writes one profile below a folder; read it back with `ROCMOX_ROOT=folder rocmox gpus`. Standard library only: it
runs on the lab's node as well. Every figure is constructed; formats, file names, keys and their order are the kernel's.
"""

from __future__ import annotations

from pathlib import Path

from rocmox_lab.gpus.amdgpu import write_amdgpu
from rocmox_lab.gpus.drm import write_drm
from rocmox_lab.gpus.host import write_host
from rocmox_lab.gpus.kfd import write_kfd
from rocmox_lab.gpus.nodes import DeviceNode, device_nodes
from rocmox_lab.gpus.pci import write_pci
from rocmox_lab.gpus.profiles import PROFILES, Profile, profile_named
from rocmox_lab.gpus.tree import Tree

__all__ = ["PROFILES", "DeviceNode", "Profile", "build"]

DEFAULT_KERNEL_RELEASE = "6.8.12-9-pve"


def build(profile: str | Profile, root: Path, *, kernel_release: str = DEFAULT_KERNEL_RELEASE) -> list[DeviceNode]:
    """Write a profile's tree below `root`, an empty or missing folder; returns the device nodes that go with it.

    UsageError when no such profile exists. The nodes themselves are made by the caller, who knows the group ids.
    """
    chosen = profile_named(profile) if isinstance(profile, str) else profile
    major, minor = (int(number) for number in kernel_release.split(".")[:2])
    tree = Tree(root)
    tree.directory("/")
    places = write_pci(tree, chosen)
    write_drm(tree, chosen, places)
    for index, card in enumerate(chosen.cards):
        number = chosen.first_card_minor + index
        write_amdgpu(tree, card, places[card.address], hwmon=index + 2, minor=number)
    write_kfd(tree, chosen, (major, minor))
    write_host(tree, chosen, kernel_release)
    return device_nodes(chosen)
