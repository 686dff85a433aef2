"""What a speed was measured on: cards, kernel, driver, ROCm, processor, engine. Two runs differ by one of these."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from rocmox.bench.held import held_cards
from rocmox.errors import CannotLookError
from rocmox.facts.kernel import read_release
from rocmox.facts.rocm import read_version
from rocmox.gpu.card import Gpu
from rocmox.gpu.inventory import GpuInventory, read_inventory
from rocmox.machine import Machine


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeasuredCard:
    """A card that may have worked: `device_id` is the PCI one."""

    pci_address: str
    device_id: str
    name: str
    architecture: str | None
    vram_bytes: int | None
    vbios: str | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class EngineBuild:
    """What computed. `version` is as its makers write it (`b6170`, `0.11.0`), `programs` the folder it lies in.

    `options` are what it was built with, empty where nothing tells.
    """

    name: str
    version: str | None
    commit: str | None
    programs: str
    options: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The machine at the time of a run. What is None could not be read.

    `cards` are those that it may open. `rpc` are the servers whose devices worked too.
    """

    machine: str
    cards: tuple[MeasuredCard, ...]
    kernel: str | None
    driver: str | None
    rocm: str | None
    processor: str | None
    processor_threads: int | None
    engine: EngineBuild
    rpc: tuple[str, ...] = ()

    def differences(self, other: Surroundings) -> list[str]:
        """`kernel: a → b` for everything that is not the same."""
        mine, theirs = (_flat(around, self.engine.name) for around in (self, other))
        return [_difference(name, mine[name], theirs[name]) for name in mine if mine[name] != theirs[name]]


def _flat(around: Surroundings, engine_name: str) -> dict[str, Any]:
    """Everything by the words that a difference is said with."""
    values = dataclasses.asdict(around)
    engine = values.pop("engine")
    named = {f"{engine_name}'s {field}": value for field, value in engine.items() if field != "name"}
    return {name.replace("_", " "): value for name, value in {**values, "engine": around.engine.name}.items()} | named


def _difference(name: str, mine: Any, theirs: Any) -> str:
    """Of lists only what one of them lacks."""
    if isinstance(mine, (tuple, list)):
        gone = [_word(one) for one in mine if one not in theirs]
        come = [_word(one) for one in theirs if one not in mine]
        return f"{name}: {', '.join(gone) or 'none'} → {', '.join(come) or 'none'}"
    return f"{name}: {mine or 'unknown'} → {theirs or 'unknown'}"


def _word(entry: Any) -> str:
    return f"{entry['name']} ({entry['pci_address']})" if isinstance(entry, dict) else str(entry)


def read_surroundings(machine: Machine, engine: EngineBuild, *, rpc: Sequence[str] = ()) -> Surroundings:
    """Reads them all but what computed."""
    inventory = _inventory(machine)
    processor, threads = _read_processor(machine)
    return Surroundings(
        machine=machine.name,
        cards=_cards(held_cards(machine, inventory.gpus) if inventory else ()),
        kernel=_release(machine),
        driver=inventory.module.version if inventory else None,
        rocm=_rocm(machine),
        processor=processor,
        processor_threads=threads,
        engine=engine,
        rpc=tuple(rpc),
    )


def _cards(gpus: Sequence[Gpu]) -> tuple[MeasuredCard, ...]:
    return tuple(
        MeasuredCard(
            pci_address=gpu.pci_address,
            device_id=gpu.device_id,
            name=gpu.model or gpu.device_id,
            architecture=gpu.architecture,
            vram_bytes=gpu.vram_bytes,
            vbios=gpu.vbios,
        )
        for gpu in gpus
    )


def _inventory(machine: Machine) -> GpuInventory | None:
    try:
        return read_inventory(machine)
    except CannotLookError:
        return None


def _release(machine: Machine) -> str | None:
    try:
        return read_release(machine)
    except CannotLookError:
        return None


def _rocm(machine: Machine) -> str | None:
    try:
        return ".".join(map(str, read_version(machine)))
    except CannotLookError:
        return None


def _read_processor(machine: Machine) -> tuple[str | None, int | None]:
    try:
        text = machine.read_bytes("/proc/cpuinfo").decode(errors="replace")
    except OSError:
        return None, None
    models = re.findall(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return (models[0], len(models)) if models else (None, None)
