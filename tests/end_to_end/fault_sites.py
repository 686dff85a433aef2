"""Where a fault campaign starts from: what stands on the node, what is wished, and what belongs to somebody else."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from tests.end_to_end.pretended_world import TEMPLATE, PretendedWorld

_SMALL = {"storage": "local", "template": "debian-12-standard", "memory_mib": 512, "cores": 1, "disk_gib": 1}
LLM = {"vmid": 101, "hostname": "llm1", "gpus": "all", **_SMALL}
CHAT = {"vmid": 102, "hostname": "chat1", **_SMALL}
SECOND = {"vmid": 103, "hostname": "llm2", "gpus": ["0000:06:00.0"], **_SMALL}
FOREIGN = (900, 901, 902)
"""Not in any wish: 900 runs, 901 is stopped, 902 carries our tag and runs."""
REPORT = json.dumps(
    {
        "gpus": [
            {
                "pci_address": f"0000:0{slot}:00.0",
                "architecture": "gfx906",
                "card_path": f"/dev/dri/card{number}",
                "render_path": f"/dev/dri/renderD{128 + number}",
            }
            for number, slot in enumerate((3, 6))
        ]
    }
)
GROUPS = "".join(f"{vmid} render:x:993:\n{vmid} video:x:44:\n" for vmid in (101, 103, 104))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Site:
    """A start: containers that an earlier run made, and those wished now."""

    name: str
    before: tuple[dict[str, Any], ...]
    wished: tuple[dict[str, Any], ...]
    operations: tuple[str, ...]
    """Steps of tasks that the way from one to the other takes, as `operation VMID`."""


SITES = (
    Site(
        name="empty",
        before=(),
        wished=(LLM, CHAT),
        operations=("create_volume 101", "unpack 101", "start 101", "shutdown 101", "unpack 102", "start 102"),
    ),
    Site(name="finished", before=(LLM, CHAT), wished=(LLM, CHAT), operations=()),
    Site(
        name="changed",
        before=(LLM, CHAT),
        wished=(LLM | {"cores": 2, "nesting": False, "disk_gib": 2}, CHAT | {"memory_mib": 768, "disk_gib": 3}),
        operations=("resize_volume 101", "shutdown 101", "start 101", "resize_volume 102"),
    ),
    Site(
        name="fewer cards",
        before=(LLM, CHAT),
        wished=(LLM | {"gpus": ["0000:06:00.0"]}, CHAT | {"nesting": False}),
        operations=("shutdown 101", "start 101", "shutdown 102", "start 102"),
    ),
    Site(
        name="several",
        before=(LLM, SECOND),
        wished=(
            LLM | {"onboot": False},
            SECOND | {"gpus": "gfx906"},
            CHAT,
            {**SECOND, "vmid": 104, "hostname": "llm3"},
        ),
        operations=("shutdown 103", "start 103", "unpack 102", "create_volume 104", "unpack 104", "start 104"),
    ),
)


def site(name: str) -> Site:
    """By its name."""
    return next(each for each in SITES if each.name == name)


def plant_foreign(world: PretendedWorld) -> None:
    """Containers of somebody else; those that run come back with the node."""
    for vmid, running, tags in ((900, 1, ""), (901, 0, ""), (902, 1, "rocmox")):
        words = ["--hostname", f"other{vmid}", "--rootfs", "local:1", "--unprivileged", "1", "--onboot", str(running)]
        words += ["--tags", tags] if tags else []
        made = world.command("pct", "create", str(vmid), f"local:vztmpl/{TEMPLATE}", *words)
        assert made.returncode == 0, made.stderr
        if running:
            assert world.command("pct", "start", str(vmid)).returncode == 0


def seen_of_foreign(world: PretendedWorld) -> dict[str, object]:
    """Everything of the foreign containers that a run could change: configuration, disks, whether they run."""
    running = world.node.runtime.running()
    found: dict[str, object] = {}
    for vmid in FOREIGN:
        file = world.root / f"etc/pve/lxc/{vmid}.conf"
        images = sorted((world.root / f"var/lib/vz/images/{vmid}").iterdir())
        found[f"{vmid}.conf"] = file.read_bytes() if file.exists() else None
        found[f"{vmid} disks"] = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in images]
        found[f"{vmid} runs"] = vmid in running
    return found
