"""Joins what PCI, DRM, KFD and amdgpu say into one card each."""

from __future__ import annotations

import dataclasses

from rocmox.errors import CannotLookError
from rocmox.facts.amdgpu import read_card
from rocmox.facts.drm import Connector, Minors, read_connectors, read_minors
from rocmox.facts.kfd import KfdNode, Topology, architecture, read_topology
from rocmox.facts.pci import Link, PciFunction, is_amd, read_addresses, read_function, read_link
from rocmox.gpu.card import Gpu
from rocmox.gpu.catalogue import Model, model_of
from rocmox.machine.base import Machine


@dataclasses.dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the machine says about all its cards at once; `unknown` holds the reasons that hold for every card."""

    minors: dict[str, Minors]
    connectors: list[Connector]
    topology: Topology
    unknown: dict[str, str]


def read_gpus(machine: Machine) -> list[Gpu]:
    """Every AMD GPU by PCI address; CannotLookError when the machine shows no PCI devices at all."""
    functions = [read_function(machine, address) for address in read_addresses(machine) if is_amd(machine, address)]
    surroundings = read_surroundings(machine)
    return [_join(machine, function, surroundings) for function in functions if function.is_amd_gpu]


def node_of(topology: Topology, address: str, minors: Minors) -> KfdNode | None:
    """The KFD node of a card: same PCI address, and the same render minor where several nodes share one card."""
    here = [node for node in topology.nodes if node.is_gpu and node.pci_address == address]
    return next((node for node in here if node.render_minor == minors.render), here[0] if here else None)


def read_path_links(machine: Machine, function: PciFunction) -> tuple[Link, ...]:
    """Every link between the processor and the card; CannotLookError when none can be read."""
    links = []
    for address in (*function.bridges, function.address):
        try:
            links.append(read_link(machine, address))
        except CannotLookError:
            continue
    if not links:
        raise CannotLookError(f"{function.address}: neither the card nor a bridge above it reports a link")
    return tuple(links)


def read_surroundings(machine: Machine) -> Surroundings:
    """Minors, outputs and topology; what is missing leaves its reason."""
    unknown: dict[str, str] = {}
    minors: dict[str, Minors] = {}
    connectors: list[Connector] = []
    topology = Topology(nodes=(), unreadable={})
    try:
        minors, connectors = read_minors(machine), read_connectors(machine)
    except CannotLookError as error:
        unknown |= {"card": error.message, "render": error.message}
    try:
        topology = read_topology(machine)
    except CannotLookError as error:
        unknown["kfd_node"] = error.message
    return Surroundings(minors=minors, connectors=connectors, topology=topology, unknown=unknown)


def _join(machine: Machine, function: PciFunction, surroundings: Surroundings) -> Gpu:
    facts = read_card(machine, function.address)
    minors = surroundings.minors.get(function.address, Minors())
    node = node_of(surroundings.topology, function.address, minors)
    links, why_no_link = _links(machine, function)
    device_id = f"{function.device_id:04x}"
    model = model_of(device_id)
    arch = (architecture(node.gfx_target_version) if node else None) or (model.architecture if model else None)
    why_unjoined = _why_unjoined(function, minors, node, surroundings.topology)
    unknown = _why_unnamed(function, model, arch) | why_unjoined | why_no_link | surroundings.unknown | facts.unknown
    return Gpu(
        pci_address=function.address,
        device_id=device_id,
        subsystem_id=function.subsystem_id,
        model=model.name if model else None,
        architecture=arch,
        compute_units=node.compute_units if node else None,
        card=minors.card,
        render=minors.render,
        kfd_node=node.number if node else None,
        gpu_id=node.gpu_id if node else None,
        unique_id=facts.unique_id,
        vram_bytes=facts.vram_bytes,
        visible_vram_bytes=facts.visible_vram_bytes,
        vram_vendor=facts.vram_vendor,
        vbios=facts.vbios,
        driver=function.driver,
        link=min(links, key=lambda link: link.rate) if links else None,
        path_links=links,
        bridges=function.bridges,
        numa_node=function.numa_node,
        connected_displays=_displays(surroundings.connectors, minors.card),
        unknown=unknown,
    )


def _displays(connectors: list[Connector], card: int | None) -> tuple[str, ...]:
    return tuple(output.name for output in connectors if output.card == card and output.status == "connected")


def _links(machine: Machine, function: PciFunction) -> tuple[tuple[Link, ...], dict[str, str]]:
    """The links, or the reason why they are unknown."""
    try:
        return read_path_links(machine, function), {}
    except CannotLookError as error:
        return (), {"link": error.message}


def _why_unnamed(function: PciFunction, model: Model | None, arch: str | None) -> dict[str, str]:
    stranger = f"1002:{function.device_id:04x} is not in the table"
    unknown = {} if model else {"model": stranger}
    return unknown if arch else {**unknown, "architecture": f"no KFD node, and {stranger}"}


def _why_unjoined(function: PciFunction, minors: Minors, node: KfdNode | None, topology: Topology) -> dict[str, str]:
    no_minor = f"no minor in /sys/class/drm; driver: {function.driver or 'none'}"
    unknown = {name: no_minor for name in ("card", "render") if getattr(minors, name) is None}
    if node is None:
        unknown |= {"kfd_node": _why_no_node(topology, function), "compute_units": "only the KFD node tells"}
    return unknown


def _why_no_node(topology: Topology, function: PciFunction) -> str:
    if topology.unreadable:
        refused = ", ".join(f"node {number}: {reason}" for number, reason in topology.unreadable.items())
        return f"no readable KFD node has this address ({refused})"
    return f"no KFD node has this address; driver: {function.driver or 'none'}"
