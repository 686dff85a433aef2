"""The cards, one tile each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from rocmox.errors import CannotLookError
from rocmox.facts.hwmon import read_sensors
from rocmox.facts.pci import Link
from rocmox.gpu.card import Gpu
from rocmox.gpu.holders import containers_with
from rocmox.gpu.identity import describe
from rocmox.gpu.inventory import GpuInventory
from rocmox.health.context import Context
from rocmox.health.result import Verdict, worst
from rocmox.report.markup import node
from rocmox.report.page.marks import badge, kind
from rocmox.units import format_bytes

if TYPE_CHECKING:
    from rocmox.report.formats import HealthReport

_UNKNOWN = "unknown"


def cards_section(report: HealthReport, inventory: GpuInventory) -> Element:
    """A tile for each card, or that there is none."""
    module = inventory.module
    driver = f"amdgpu {module.kind or ''} {module.version or ''}".strip() if module.loaded else "amdgpu is not loaded"
    line = node("p", f"{driver}, kernel {inventory.kernel_release or _UNKNOWN}", class_="reason")
    if not inventory.gpus:
        line = node("p", "No AMD GPU is on the PCI bus.", class_="reason")
    tiles = [_tile(report, gpu, inventory) for gpu in inventory.gpus]
    return node("section", node("h2", "Cards"), line, node("div", *tiles, class_="cards"), id="cards")


def verdict_on(report: HealthReport, gpu: Gpu) -> Verdict:
    """The worst of what is said about the card itself; pairs of cards have their matrix."""
    return worst(result for result in report.results if result.subject == gpu.pci_address)


def _tile(report: HealthReport, gpu: Gpu, inventory: GpuInventory) -> Element:
    verdict = verdict_on(report, gpu)
    head = node("div", node("h3", describe(gpu)), badge(verdict), class_="head")
    rows = [
        node("div", node("dt", name), node("dd", value))
        for name, value in (*_facts(gpu, inventory), *_sensors(report.context, gpu))
    ]
    address = node("p", node("code", gpu.pci_address), class_="address")
    return node("article", head, address, node("dl", *rows), class_=f"card {kind(verdict)}")


def _facts(gpu: Gpu, inventory: GpuInventory) -> Iterator[tuple[str, str]]:
    yield "Architecture", f"{gpu.architecture or _UNKNOWN}, {gpu.compute_units or '?'} CUs"
    yield "Memory", _memory(gpu)
    yield "Link", link_words(gpu)
    yield "VBIOS", gpu.vbios or _UNKNOWN
    nodes = [gpu.render_path and gpu.render_path.removeprefix("/dev/dri/"), f"KFD {gpu.kfd_node}"]
    yield "Nodes", ", ".join(name for name in nodes if name) if gpu.kfd_node is not None else nodes[0] or "none"
    yield "Driver", gpu.driver or "none"
    holders = containers_with(gpu, inventory.containers)
    yield "Passed to", ", ".join(f"container {vmid}" for vmid in holders) or "no container"


def _memory(gpu: Gpu) -> str:
    if gpu.vram_bytes is None:
        return _UNKNOWN
    if gpu.visible_vram_bytes is None or gpu.visible_vram_bytes >= gpu.vram_bytes:
        return format_bytes(gpu.vram_bytes)
    return f"{format_bytes(gpu.vram_bytes)}, {format_bytes(gpu.visible_vram_bytes)} visible"


def _sensors(context: Context, gpu: Gpu) -> Iterator[tuple[str, str]]:
    try:
        sensors = context.read(read_sensors, gpu.pci_address)
    except CannotLookError:
        return
    temperatures = [f"{sensor.label} {sensor.millicelsius / 1000:.0f} °C" for sensor in sensors.temperatures]
    if temperatures:
        yield "Temperature", ", ".join(temperatures)
    if sensors.power_microwatts is not None:
        cap = f" of {sensors.power_cap_microwatts / 1e6:.0f} W" if sensors.power_cap_microwatts else ""
        yield "Power", f"{sensors.power_microwatts / 1e6:.0f} W{cap}"


def is_slowed(now: Link, possible: tuple[float, int] | None) -> bool:
    """Whether the link carries less than it could."""
    return possible is not None and (now.speed_gts < possible[0] or now.width < possible[1])


def link_words(gpu: Gpu) -> str:
    """`8 GT/s x16`, and what it could be where that is more."""
    if gpu.link is None:
        return _UNKNOWN
    now = f"{gpu.link.speed_gts:g} GT/s x{gpu.link.width}"
    if is_slowed(gpu.link, gpu.possible_link) and gpu.possible_link:
        return f"{now} (could {gpu.possible_link[0]:g} GT/s x{gpu.possible_link[1]})"
    return now
