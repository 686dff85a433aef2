"""The KFD topology (`rocminfo`, `rocm-smi --showtopo`): nodes and links below `/sys/class/kfd/kfd/topology`.

Every file is lines of `key value` with decimal numbers (kfd_topology.c). In a container the kernel answers EPERM for
nodes whose render device the container's device cgroup refuses (kfd_devcgroup_check_permission).
"""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.reading import list_names, parse_whole_number, read_text
from rocmox.machine.base import Machine

NODES = "/sys/class/kfd/kfd/topology/nodes"
_LINE = re.compile(r"(?P<key>[a-z][a-z0-9_]*) (?P<value>\d{1,20})")
_PROCESSOR_ONLY = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class KfdLink:
    """A link between two nodes: type 2 is PCIe, 11 XGMI; bandwidth in MB/s as the slot could give it."""

    source: int
    destination: int
    type: int
    weight: int
    max_bandwidth: int
    flags: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class KfdNode:
    """One node: a processor (`compute_units` 0), a card, or a processor with an integrated GPU, which is both."""

    number: int
    processors: int
    compute_units: int
    gfx_target_version: int
    vendor_id: int
    device_id: int
    pci_address: str | None
    render_minor: int | None
    unique_id: int | None
    fw_version: int | None
    has_p2p_directory: bool
    gpu_id: int | None = None

    @property
    def is_gpu(self) -> bool:
        """Whether the node computes with SIMDs."""
        return self.compute_units > _PROCESSOR_ONLY


@dataclasses.dataclass(frozen=True, kw_only=True)
class Topology:
    """What could be read, and node number → reason for the rest."""

    nodes: tuple[KfdNode, ...]
    unreadable: dict[int, str]


def parse_properties(text: str) -> dict[str, int]:
    """`key value` lines as a dict; CannotLookError that quotes the first line of another form."""
    found: dict[str, int] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            # `sibling_map 1,1,0` of a cache is the one list among the properties.
            if line.startswith("sibling_map "):
                continue
            raise CannotLookError(f"{line.strip()[:60]!r} is not a line of a KFD properties file")
        found[match["key"]] = int(match["value"])
    return found


def parse_node(number: int, text: str) -> KfdNode:
    """A node's `properties`; CannotLookError when it holds no node."""
    values = parse_properties(text)
    if "simd_count" not in values or "cpu_cores_count" not in values:
        raise CannotLookError("no cpu_cores_count and simd_count: this is not a KFD node")
    simds, per_cu = values["simd_count"], values.get("simd_per_cu", 0)
    is_gpu = simds > 0
    return KfdNode(
        number=number,
        processors=values["cpu_cores_count"],
        compute_units=simds // per_cu if per_cu else simds,
        gfx_target_version=values.get("gfx_target_version", 0),
        vendor_id=values.get("vendor_id", 0),
        device_id=values.get("device_id", 0),
        pci_address=_pci_address(values) if is_gpu else None,
        render_minor=values.get("drm_render_minor") if is_gpu else None,
        unique_id=values.get("unique_id") or None,
        fw_version=values.get("fw_version"),
        has_p2p_directory="p2p_links_count" in values,
    )


def parse_link(text: str) -> KfdLink:
    """An `io_links` or `p2p_links` entry; CannotLookError when it names no two nodes."""
    values = parse_properties(text)
    try:
        return KfdLink(
            source=values["node_from"],
            destination=values["node_to"],
            type=values["type"],
            weight=values.get("weight", 0),
            max_bandwidth=values.get("max_bandwidth", 0),
            flags=values.get("flags", 0),
        )
    except KeyError as error:
        raise CannotLookError(f"no {error.args[0]}: this is not a KFD link") from error


def architecture(gfx_target_version: int) -> str | None:
    """90006 as gfx906, 90010 as gfx90a, 110000 as gfx1100: major, minor and stepping, the last two in hexadecimal."""
    major, rest = divmod(gfx_target_version, 10000)
    minor, stepping = divmod(rest, 100)
    return f"gfx{major}{minor:x}{stepping:x}" if major else None


def read_topology(machine: Machine) -> Topology:
    """Every node; CannotLookError when there is no topology at all (amdgpu is not loaded, or has no KFD)."""
    nodes, unreadable = [], {}
    for name in list_names(machine, NODES):
        if not name.isdecimal():
            continue
        number = int(name)
        try:
            node = parse_node(number, read_text(machine, f"{NODES}/{name}/properties"))
            nodes.append(dataclasses.replace(node, gpu_id=_read_gpu_id(machine, number)))
        except CannotLookError as error:
            unreadable[number] = error.message
    return Topology(nodes=tuple(sorted(nodes, key=lambda node: node.number)), unreadable=unreadable)


def read_links(machine: Machine, node: int, kind: str) -> list[KfdLink]:
    """The `io_links` or `p2p_links` of a node, in their order; those that cannot be read are left out."""
    links = []
    for name in sorted(list_names(machine, f"{NODES}/{node}/{kind}"), key=lambda name: (len(name), name)):
        try:
            links.append(parse_link(read_text(machine, f"{NODES}/{node}/{kind}/{name}/properties")))
        except CannotLookError:
            continue
    return links


def _read_gpu_id(machine: Machine, node: int) -> int | None:
    """The card's number in KFD's own accounts; None for a processor, whose file says 0."""
    path = f"{NODES}/{node}/gpu_id"
    try:
        return parse_whole_number(read_text(machine, path), path) or None
    except CannotLookError:
        return None


def _pci_address(values: dict[str, int]) -> str | None:
    """`location_id` is bus << 8 | device << 3 | function; the domain stands apart (kfd_topology.c)."""
    location = values.get("location_id")
    if location is None or location >> 16:
        return None
    bus, device, function = location >> 8, location >> 3 & 0x1F, location & 0x7
    return f"{values.get('domain', 0):04x}:{bus:02x}:{device:02x}.{function}"
