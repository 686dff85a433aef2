"""No card runs a firmware that is known to be bad (`data/known_bad_firmware.toml`, each entry with its source)."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from typing import Any

from rocmox.errors import CannotLookError
from rocmox.facts.firmware import FirmwareTable, read_firmware, read_firmware_info
from rocmox.gpu import Gpu
from rocmox.health.cards import device_file, judged_cards, why_none
from rocmox.health.context import Context
from rocmox.health.data_files import load
from rocmox.health.result import Reporter, Result, Verdict, seen

LEVEL = 1
report = Reporter("firmware")


def run(context: Context) -> Iterator[Result]:
    """One result for each bad firmware of a card, else one for the card."""
    if nothing := why_none(context, report):
        yield nothing
        return
    known = load("known_bad_firmware.toml")["firmware"]
    for gpu in judged_cards(context):
        try:
            source, table = _table(gpu, context)
        except CannotLookError as error:
            yield report.unknown("FIRMWARE_CANNOT_LOOK", gpu.pci_address, error.message, remedy=error.remedy)
            continue
        bad = [entry for entry in known if _matches(entry, gpu, table)]
        yield from (_known_bad(gpu, entry, source, table) for entry in bad)
        if not bad:
            loaded = [entry for entry in table.entries if entry.is_loaded]
            evidence = [seen(source, ", ".join(f"{entry.name} 0x{entry.version:x}" for entry in loaded))]
            summary = f"none of its {len(loaded)} firmwares is known to be bad"
            yield report.passed("FIRMWARE_OK", gpu.pci_address, summary, evidence)


def _table(gpu: Gpu, context: Context) -> tuple[str, FirmwareTable]:
    """Sysfs first, which guests see too; debugfs for kernels that show nothing there."""
    try:
        return device_file(gpu, "fw_version"), context.read(read_firmware, gpu.pci_address)
    except CannotLookError:
        if gpu.card is None:
            raise
        return f"/sys/kernel/debug/dri/{gpu.card}/amdgpu_firmware_info", context.read(read_firmware_info, gpu.card)


def _matches(entry: dict[str, Any], gpu: Gpu, table: FirmwareTable) -> bool:
    if not fnmatch.fnmatchcase(gpu.architecture or "", entry["architecture"]):
        return False
    return table.version(entry["kind"]) in entry["versions"]


def _known_bad(gpu: Gpu, entry: dict[str, Any], source: str, table: FirmwareTable) -> Result:
    version = f"{entry['kind']} 0x{table.version(entry['kind']):x}"
    return report(
        Verdict[entry["verdict"]],
        "FIRMWARE_KNOWN_BAD",
        gpu.pci_address,
        f"{version} on {gpu.architecture}: {entry['what']}",
        [seen(source, version), seen(entry["source"], entry["date"])],
        remedy=entry["remedy"],
    )
