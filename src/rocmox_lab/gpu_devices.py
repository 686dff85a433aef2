"""The node's device nodes and its constructed GPUs, as systemd-tmpfiles lines that hold across its reboots."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from rocmox_lab.gpus import DeviceNode, Profile, build

_LOOP_DEVICES = 64
_FIXED = (
    "c /dev/loop-control 0660 root disk - 10:237",
    "c /dev/fuse 0666 root root - 10:229",
    "d /dev/net 0755 root root - -",
    "c /dev/net/tun 0666 root root - 10:200",
)


def device_lines(devices: Iterable[DeviceNode]) -> str:
    """tmpfiles.d(5) lines: loop devices, tun and fuse as on every PVE host, and the cards'."""
    lines = ["# Written by `rocmox lab up`.", *_FIXED]
    lines += [f"b /dev/loop{number} 0660 root disk - 7:{number}" for number in range(_LOOP_DEVICES)]
    cards = [
        f"c {device.path} {device.mode:04o} root {device.group} - {device.major}:{device.minor}" for device in devices
    ]
    if cards:
        lines += ["d /dev/dri 0755 root root - -", *cards]
    return "\n".join(lines) + "\n"


def build_gpu_tree(profile: str | Profile, place: Path) -> str:
    """Build the profile's tree at `place`, replacing what stood there; returns the device lines that go with it."""
    new, old = place.with_name(f".{place.name}.new"), place.with_name(f".{place.name}.old")
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    new.mkdir(mode=0o755)
    devices = build(profile, new)
    if place.exists():
        place.rename(old)
    new.rename(place)
    shutil.rmtree(old, ignore_errors=True)
    return device_lines(devices)
