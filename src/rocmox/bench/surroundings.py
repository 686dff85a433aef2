"""What a speed was measured on: cards, kernel, driver, ROCm, processor, llama.cpp. Two runs differ by one of these."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

from rocmox.bench.held import held_cards
from rocmox.engines.llamacpp.bench.build_notes import read_notes
from rocmox.errors import CannotLookError, CommandError
from rocmox.facts.kernel import read_release
from rocmox.facts.rocm import read_version
from rocmox.gpu.card import Gpu
from rocmox.gpu.inventory import GpuInventory, read_inventory
from rocmox.machine import Machine

_VERSION = re.compile(r"version: (?:\S+ )?\(?(?:build )?(\d+)\D+?([0-9a-f]{7,40})")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """A card that may have worked: `device_id` is the PCI one."""

    pci_address: str
    device_id: str
    name: str
    architecture: str | None
    vram_bytes: int | None
    vbios: str | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The machine at the time of a run. What is None could not be read.

    `cards` are those that it may open. `llama_options` are what the build was made with, CMake's options and the patch,
    where `build.json` beside the programs tells. `rpc` are the servers whose devices worked too.
    """

    machine: str
    cards: tuple[Card, ...]
    kernel: str | None
    driver: str | None
    rocm: str | None
    processor: str | None
    processor_threads: int | None
    llama_build: int | None
    llama_commit: str | None
    llama_path: str
    llama_options: tuple[str, ...] = ()
    rpc: tuple[str, ...] = ()

    def differences(self, other: Surroundings) -> list[str]:
        """`kernel: a → b` for everything that is not the same."""
        mine, theirs = dataclasses.asdict(self), dataclasses.asdict(other)
        return [_difference(name, mine[name], theirs[name]) for name in mine if mine[name] != theirs[name]]


def _difference(name: str, mine: Any, theirs: Any) -> str:
    """Of lists only what one of them lacks."""
    words = name.replace("_", " ").replace("llama", "llama.cpp's")
    if isinstance(mine, (tuple, list)):
        gone = [_word(one) for one in mine if one not in theirs]
        come = [_word(one) for one in theirs if one not in mine]
        return f"{words}: {', '.join(gone) or 'none'} → {', '.join(come) or 'none'}"
    return f"{words}: {mine or 'unknown'} → {theirs or 'unknown'}"


def _word(entry: Any) -> str:
    return f"{entry['name']} ({entry['pci_address']})" if isinstance(entry, dict) else str(entry)


def read_surroundings(machine: Machine, *, programs: str, rpc: Sequence[str] = ()) -> Surroundings:
    """Reads them all; `programs` is the folder of llama.cpp's programs."""
    inventory = _inventory(machine)
    processor, threads = _read_processor(machine)
    build, commit = _read_llama(machine, programs)
    return Surroundings(
        machine=machine.name,
        cards=_cards(held_cards(machine, inventory.gpus) if inventory else ()),
        kernel=_release(machine),
        driver=inventory.module.version if inventory else None,
        rocm=_rocm(machine),
        processor=processor,
        processor_threads=threads,
        llama_build=build,
        llama_commit=commit,
        llama_path=programs,
        llama_options=_read_options(machine, programs),
        rpc=tuple(rpc),
    )


def parse_llama_version(text: str) -> tuple[int | None, str | None]:
    """Build and commit from `version: 6170 (4227c9be)` and from `version: 0.5.0-dev (build 11434, commit 0c1e570)`."""
    found = _VERSION.search(text)
    return (int(found[1]), found[2]) if found else (None, None)


def _read_llama(machine: Machine, programs: str) -> tuple[int | None, str | None]:
    try:
        done = machine.run([f"{programs}/llama-server", "--version"])
    except CommandError:
        return None, None
    return parse_llama_version(done.stdout + done.stderr)


def _read_options(machine: Machine, programs: str) -> tuple[str, ...]:
    notes = read_notes(machine, programs)
    patch = notes.get("mmvq")
    return (*map(str, notes.get("options") or ()), *([str(patch)] if patch else ()))


def _cards(gpus: Sequence[Gpu]) -> tuple[Card, ...]:
    return tuple(
        Card(
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
