"""Everything `rocmox gpus` tells about a machine, in one object that travels as JSON from node to guest."""

from __future__ import annotations

import dataclasses
from typing import Any

from rocmox.errors import CannotLookError
from rocmox.facts.amdgpu import Module, read_module
from rocmox.facts.container_config import ContainerConfig, PassedDevice, read_configs
from rocmox.facts.kernel import read_release
from rocmox.gpu.card import Gpu
from rocmox.gpu.details import CardDetails
from rocmox.gpu.holders import containers_with
from rocmox.gpu.join import read_gpus
from rocmox.machine import Machine, is_constructed

SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class GpuInventory:
    """A machine's cards, its driver, and the containers of the node with the devices passed to them.

    `constructed` says that `/sys` was read below another root: there is no driver behind the device nodes.
    """

    machine: str
    constructed: bool
    kernel_release: str | None
    module: Module
    gpus: tuple[Gpu, ...]
    containers: tuple[ContainerConfig, ...]


def read_inventory(machine: Machine) -> GpuInventory:
    """CannotLookError when the machine shows no PCI devices."""
    try:
        release = read_release(machine)
    except CannotLookError:
        release = None
    return GpuInventory(
        machine=machine.name,
        constructed=is_constructed(machine),
        kernel_release=release,
        module=read_module(machine),
        gpus=tuple(read_gpus(machine)),
        containers=tuple(read_configs(machine)),
    )


def to_json(inventory: GpuInventory, details: dict[str, CardDetails] | None = None) -> dict[str, Any]:
    """The document of `rocmox gpus --json`; `details` adds what goes beyond the join of a card's names."""
    return {
        "schema_version": SCHEMA_VERSION,
        "machine": inventory.machine,
        "constructed": inventory.constructed,
        "kernel_release": inventory.kernel_release,
        "driver": {"name": "amdgpu", **dataclasses.asdict(inventory.module)},
        "gpus": [
            _gpu_to_json(gpu, inventory.containers) | _details_to_json(gpu, (details or {}).get(gpu.pci_address))
            for gpu in inventory.gpus
        ],
        "containers": [dataclasses.asdict(config) for config in inventory.containers],
    }


def _gpu_to_json(gpu: Gpu, containers: tuple[ContainerConfig, ...]) -> dict[str, Any]:
    return {
        **dataclasses.asdict(gpu),
        "card_path": gpu.card_path,
        "render_path": gpu.render_path,
        "containers": containers_with(gpu, containers),
    }


def _details_to_json(gpu: Gpu, details: CardDetails | None) -> dict[str, Any]:
    """Firmware as name → version in hexadecimal; the rest by the names of `CardDetails`."""
    if details is None:
        return {}
    found = dataclasses.asdict(details)
    found["firmware"] = {entry.name: f"0x{entry.version:08x}" for entry in details.firmware}
    found["oddities"] = [
        {
            "code": odd.code,
            "summary": odd.summary,
            "evidence": [{"source": source, "value": value} for source, value in odd.evidence],
        }
        for odd in details.oddities
    ]
    found["unknown"] = gpu.unknown | details.unknown
    return found


@dataclasses.dataclass(frozen=True, kw_only=True)
class Passthrough:
    """What a node says about one of its containers: the devices passed to it, and the nodes of every card."""

    vmid: int
    constructed: bool
    devices: tuple[PassedDevice, ...]
    card_nodes: tuple[str, ...]
    raw_lines: tuple[tuple[str, str], ...] = ()


def passthrough_from_json(document: Any, vmid: int) -> Passthrough:
    """Reads the node's `rocmox gpus --json`; CannotLookError when it is none, or does not know the container."""
    try:
        found = next((entry for entry in document["containers"] if entry["vmid"] == vmid), None)
        nodes = [gpu[name] for gpu in document["gpus"] for name in ("render_path", "card_path") if gpu[name]]
        constructed = bool(document["constructed"])
        devices = tuple(PassedDevice(**device) for device in found["devices"]) if found else ()
        raw = tuple((str(key), str(value)) for key, value in found.get("raw_lines", ())) if found else ()
    except (KeyError, TypeError) as error:
        raise CannotLookError(
            f"the node's facts are not what `rocmox gpus --json` writes: {error!r}",
            remedy="Run `rocmox gpus --json` of the same release on the node and hand its output over unchanged.",
        ) from error
    if found is None:
        raise CannotLookError(
            f"the node's facts hold no container {vmid}",
            remedy="Ask the node on which the container lives; `pct list` there shows its containers.",
        )
    return Passthrough(vmid=vmid, constructed=constructed, devices=devices, card_nodes=tuple(nodes), raw_lines=raw)
