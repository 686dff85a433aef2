"""The KFD topology below `/sys/devices/virtual/kfd/kfd`: one node for the processor, one for each card.

Files, keys and their order are those of kfd_topology.c (`node_show`, `mem_show`, `iolink_show`, `kfd_cache_show`).
`recommended_sdma_engine_id_mask` of a link appears with Linux 6.12 and is left out for older releases.
"""

from __future__ import annotations

from collections.abc import Iterator

from rocmox_lab.gpus.caches import cache_files
from rocmox_lab.gpus.gpu_id import gpu_id
from rocmox_lab.gpus.models import Model
from rocmox_lab.gpus.nodes import FIRST_RENDER_MINOR, KFD_MAJOR
from rocmox_lab.gpus.profiles import Card, Profile
from rocmox_lab.gpus.tree import Tree

_KFD = "/sys/devices/virtual/kfd/kfd"
_NODES = f"{_KFD}/topology/nodes"
_PCIE = 2
_ENABLED, _NON_COHERENT = 1, 2
_SLOWEST_LINK = 312  # MB/s of one PCIe 1.0 lane: what the kernel gives as the least bandwidth of a PCIe link
_FIRST_SIMD_ID = 0x80001000
_SDMA_MASK_SINCE = (6, 12)

Properties = dict[str, int]


def write_kfd(tree: Tree, profile: Profile, kernel: tuple[int, int]) -> None:
    """The whole topology; nothing at all without cards, for then the driver is not loaded."""
    if not profile.cards:
        return
    tree.file(f"{_KFD}/dev", f"{KFD_MAJOR}:0")
    tree.file(f"{_KFD}/uevent", f"MAJOR={KFD_MAJOR}\nMINOR=0\nDEVNAME=kfd")
    tree.directory(f"{_KFD}/proc")
    tree.link("/sys/class/kfd/kfd", _KFD)
    tree.link(f"{_KFD}/subsystem", "/sys/class/kfd")
    tree.link(f"/sys/dev/char/{KFD_MAJOR}:0", _KFD)
    tree.file(f"{_KFD}/topology/generation_id", str(1 + len(profile.cards)))
    system = "platform_oem 4777524452235890003\nplatform_id 85015745549651\nplatform_rev 2"
    tree.file(f"{_KFD}/topology/system_properties", system)
    _write_processor(tree, profile, kernel)
    for number, card in enumerate(profile.cards, start=1):
        _write_card(tree, profile, card, number, kernel)


def _write_processor(tree: Tree, profile: Profile, kernel: tuple[int, int]) -> None:
    links = [
        _link(0, node, 20, _bandwidth(card), _ENABLED | _NON_COHERENT)
        for node, card in enumerate(profile.cards, start=1)
    ]
    properties = _node_properties(
        {"cpu_cores_count": profile.board.logical_processors, "mem_banks_count": 1, "io_links_count": len(links)}
    )
    properties["max_engine_clk_ccompute"] = profile.board.processor_mhz
    bank = {"heap_type": 0, "size_in_bytes": profile.board.memory_bytes, "flags": 0, "width": 0, "mem_clk_max": 0}
    _write_node(tree, 0, 0, "", properties)
    _write(tree, f"{_NODES}/0/mem_banks/0", bank)
    _write_links(tree, 0, "io_links", links, kernel)


def _write_card(tree: Tree, profile: Profile, card: Card, number: int, kernel: tuple[int, int]) -> None:
    model = card.model
    peers = [
        _link(number, node, 40, _bandwidth(peer), _ENABLED | _NON_COHERENT)
        for node, peer in enumerate(profile.cards, start=1)
        if node != number
    ]
    first_simd = _FIRST_SIMD_ID + sum(other.model.shape.compute_units for other in profile.cards[: number - 1])
    caches = list(cache_files(model.shape, first_simd))
    counted = {
        "mem_banks_count": 1,
        "caches_count": len(caches),
        "io_links_count": 1,
        "p2p_links_count": len(peers),
        "simd_id_base": first_simd,
        "location_id": (card.first_bus + 2) << 8,
        "drm_render_minor": FIRST_RENDER_MINOR + number - 1,
    }
    properties = _node_properties({**counted, **_shape_properties(model)})
    properties |= _gpu_properties(card) | {"max_engine_clk_ccompute": profile.board.processor_mhz}
    _write_node(tree, number, gpu_id(card), model.kfd_name, properties)
    bank = {
        "heap_type": 1,
        "size_in_bytes": model.vram_bytes,
        "flags": 0,
        "width": model.vram_width_bits,
        "mem_clk_max": model.memory_clock_mhz,
    }
    _write(tree, f"{_NODES}/{number}/mem_banks/0", bank)
    tree.file(f"{_NODES}/{number}/mem_banks/0/used_memory", "0")
    for index, cache in enumerate(caches):
        tree.file(f"{_NODES}/{number}/caches/{index}/properties", cache)
    _write_links(tree, number, "io_links", [_link(number, 0, 20, _bandwidth(card), _ENABLED)], kernel)
    _write_links(tree, number, "p2p_links", peers, kernel)


def _node_properties(known: Properties) -> Properties:
    names = (
        *("cpu_cores_count", "simd_count", "mem_banks_count", "caches_count", "io_links_count", "p2p_links_count"),
        *("cpu_core_id_base", "simd_id_base", "max_waves_per_simd", "lds_size_in_kb", "gds_size_in_kb", "num_gws"),
        *("wave_front_size", "array_count", "simd_arrays_per_engine", "cu_per_simd_array", "simd_per_cu"),
        *("max_slots_scratch_cu", "gfx_target_version", "vendor_id", "device_id", "location_id", "domain"),
        *("drm_render_minor", "hive_id", "num_sdma_engines", "num_sdma_xgmi_engines", "num_sdma_queues_per_engine"),
        "num_cp_queues",
    )
    return {name: known.get(name, 0) for name in names}


def _shape_properties(model: Model) -> Properties:
    shape = model.shape
    return {
        "simd_count": shape.compute_units * shape.simd_per_cu,
        "max_waves_per_simd": shape.waves_per_simd,
        "lds_size_in_kb": 64,
        "num_gws": 64,
        "wave_front_size": shape.wave_front_size,
        "array_count": shape.array_count,
        "simd_arrays_per_engine": shape.arrays_per_engine,
        "cu_per_simd_array": shape.cu_per_array,
        "simd_per_cu": shape.simd_per_cu,
        "max_slots_scratch_cu": 32,
        "gfx_target_version": model.gfx_target_version,
        "vendor_id": 0x1002,
        "device_id": model.device_id,
        "num_sdma_engines": 2,
        "num_sdma_queues_per_engine": shape.sdma_queues,
        "num_cp_queues": shape.cp_queues,
    }


def _gpu_properties(card: Card) -> Properties:
    return {
        "max_engine_clk_fcompute": card.model.engine_clock_mhz,
        "local_mem_size": 0,
        "fw_version": card.model.firmware["mec"],
        "capability": card.model.capability,
        "debug_prop": card.model.debug_prop,
        "sdma_fw_version": card.model.firmware["sdma"],
        "unique_id": card.unique_id,
        "num_xcc": 1,
    }


def _bandwidth(card: Card) -> int:
    """MB/s that the kernel gives for the slot: lanes x GT/s / 8 (amdgpu_amdkfd_get_pcie_bandwidth_mbytes)."""
    return int(float(card.slot_speed.split()[0]) * 1000 / 8) * card.slot_width


def _link(source: int, destination: int, weight: int, bandwidth: int, flags: int) -> Properties:
    return {
        "type": _PCIE,
        "version_major": 0,
        "version_minor": 0,
        "node_from": source,
        "node_to": destination,
        "weight": weight,
        "min_latency": 0,
        "max_latency": 0,
        "min_bandwidth": _SLOWEST_LINK,
        "max_bandwidth": bandwidth,
        "recommended_transfer_size": 0,
        "recommended_sdma_engine_id_mask": 0,
        "flags": flags,
    }


def _write_node(tree: Tree, number: int, identifier: int, name: str, properties: Properties) -> None:
    place = f"{_NODES}/{number}"
    tree.file(f"{place}/gpu_id", str(identifier))
    tree.file(f"{place}/name", name)
    _write(tree, place, properties)
    for directory in ("mem_banks", "caches", "io_links", "p2p_links", "perf"):
        tree.directory(f"{place}/{directory}")


def _write_links(tree: Tree, node: int, kind: str, links: list[Properties], kernel: tuple[int, int]) -> None:
    for index, link in enumerate(links):
        shown = {
            key: value
            for key, value in link.items()
            if key != "recommended_sdma_engine_id_mask" or kernel >= _SDMA_MASK_SINCE
        }
        _write(tree, f"{_NODES}/{node}/{kind}/{index}", shown)


def _write(tree: Tree, place: str, properties: Properties) -> None:
    tree.file(f"{place}/properties", "\n".join(_lines(properties)))


def _lines(properties: Properties) -> Iterator[str]:
    return (f"{key} {value}" for key, value in properties.items())
