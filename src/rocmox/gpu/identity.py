"""Is a card what it says it is: compute units, VRAM, VBIOS, ECC and unique ids against what is known of its kind.

Cards sold as MI50 are often other Vega 20 boards with another label or image. Nothing here opens a card: each statement
carries the evidence, and an owner judges.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from rocmox.gpu.card import Gpu
from rocmox.gpu.catalogue import Shape, shapes_of, vbios_images
from rocmox.units import format_bytes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Oddity:
    """Something about a card that does not fit: a stable code, what it is, and where each part was read."""

    code: str
    summary: str
    evidence: tuple[tuple[str, str], ...]


def describe(gpu: Gpu) -> str:
    """The names that fit the card's evidence, such as `Instinct MI50 / Radeon Pro VII`."""
    fitting = [shape.name for shape in shapes_of(gpu.device_id) if shape.compute_units and _fits(gpu, shape)]
    return " / ".join(fitting) or gpu.model or f"1002:{gpu.device_id}"


def oddities(gpu: Gpu, all_gpus: Sequence[Gpu], *, has_ecc: bool | None) -> list[Oddity]:
    """Everything that does not fit about one card; `has_ecc` is whether the driver counts memory errors (None: unseen).

    What is unknown about a card is never odd.
    """
    return [*_units(gpu), *_vram(gpu), *_image(gpu), *_ecc(gpu, has_ecc=has_ecc), *_twins(gpu, all_gpus)]


def _fits(gpu: Gpu, shape: Shape) -> bool:
    units_fit = gpu.compute_units is None or shape.has_units(gpu.compute_units)
    return units_fit and (gpu.vram_bytes is None or shape.has_vram(gpu.vram_bytes))


def _units(gpu: Gpu) -> Iterator[Oddity]:
    shapes = shapes_of(gpu.device_id)
    if gpu.compute_units is None or not shapes or any(shape.has_units(gpu.compute_units) for shape in shapes):
        return
    known = {shape.compute_units: shape.name for shape in shapes}
    wanted = " or ".join(f"{units} ({name})" for units, name in sorted(known.items()))
    yield Oddity(
        code="IDENTITY_COMPUTE_UNITS",
        summary=f"{gpu.compute_units} compute units, and cards with this id have {wanted}",
        evidence=(_kfd(gpu, f"{gpu.compute_units} compute units"), _device(gpu)),
    )


def _vram(gpu: Gpu) -> Iterator[Oddity]:
    shapes = shapes_of(gpu.device_id)
    if gpu.vram_bytes is None or not shapes or any(shape.has_vram(gpu.vram_bytes) for shape in shapes):
        return
    wanted = " or ".join(f"{size} GiB" for size in sorted({shape.vram_gib for shape in shapes}))
    yield Oddity(
        code="IDENTITY_VRAM",
        summary=f"{format_bytes(gpu.vram_bytes)} of VRAM, and cards with this id have {wanted}",
        evidence=(_sysfs(gpu, "mem_info_vram_total", str(gpu.vram_bytes)), _device(gpu)),
    )


def _image(gpu: Gpu) -> Iterator[Oddity]:
    image = vbios_images().get(gpu.vbios or "")
    if image is None:
        return
    evidence = (_sysfs(gpu, "vbios_version", image.part), (image.source, image.note))
    if image.verdict != "ok":
        yield Oddity(code="IDENTITY_VBIOS_LIMITED", summary=f"its VBIOS {image.part} {image.note}", evidence=evidence)
    if image.vram_bytes and gpu.vram_bytes and image.vram_bytes != gpu.vram_bytes:
        made, has = format_bytes(image.vram_bytes), format_bytes(gpu.vram_bytes)
        yield Oddity(
            code="IDENTITY_VBIOS_OTHER_CARD",
            summary=f"its VBIOS {image.part} belongs to a {image.made_for} ({made}), and the card shows {has}",
            evidence=(*evidence, _sysfs(gpu, "mem_info_vram_total", str(gpu.vram_bytes))),
        )


def _ecc(gpu: Gpu, *, has_ecc: bool | None) -> Iterator[Oddity]:
    shapes = shapes_of(gpu.device_id)
    if has_ecc is not False or not shapes or not all(shape.ecc for shape in shapes):
        return
    yield Oddity(
        code="IDENTITY_NO_ECC",
        summary=f"no error correction, which every {shapes[0].name} has",
        evidence=(_sysfs(gpu, "ras", "missing"), _device(gpu)),
    )


def _twins(gpu: Gpu, all_gpus: Sequence[Gpu]) -> Iterator[Oddity]:
    """Partitions of one card share bus and device, and rightly share the id; two boards never do."""
    slot = gpu.pci_address.rpartition(".")[0]
    twins = [
        other
        for other in all_gpus
        if gpu.unique_id and other.unique_id == gpu.unique_id and other.pci_address.rpartition(".")[0] != slot
    ]
    if twins:
        others = ", ".join(other.pci_address for other in twins)
        yield Oddity(
            code="IDENTITY_SAME_UNIQUE_ID",
            summary=f"its unique id {gpu.unique_id} is also that of {others}: one image with its data was copied",
            evidence=tuple(_sysfs(card, "unique_id", card.unique_id or "") for card in (gpu, *twins)),
        )


def _sysfs(gpu: Gpu, name: str, value: str) -> tuple[str, str]:
    return f"/sys/bus/pci/devices/{gpu.pci_address}/{name}", value


def _device(gpu: Gpu) -> tuple[str, str]:
    return _sysfs(gpu, "device", f"1002:{gpu.device_id}")


def _kfd(gpu: Gpu, value: str) -> tuple[str, str]:
    return f"/sys/class/kfd/kfd/topology/nodes/{gpu.kfd_node}/properties", value
