"""From a line to what it means, before anything is known about the lines around it."""

from __future__ import annotations

import dataclasses
import re

from rocmox.facts.kernel_log import LogLine
from rocmox.health.kernel_log.event import Severity
from rocmox.health.kernel_log.rule import Rule
from rocmox.health.kernel_log.rules import BUS_BOOK, GPU_BOOK, HOST_BOOK, UNSIGNED_BOOK, bus, fault, host, mes, ras

_GPU_DRIVERS = frozenset({"amdgpu", "kfd", "amdkfd"})
# A message of the PCI core bears the name of the driver that holds the device.
_FOREIGN_SIGNS = re.compile(r"(?:radeon|i915|xe|nouveau|nvidia|NVRM|ast|mgag200)\b")
_OPCODE = re.compile(r"msg=(\w+)")
_VMID = re.compile(r"\bvmid[: ](\d+)")
_COUNT = re.compile(r"(\d+) (?:new )?(?:un)?(?:correctable|deferred)")
_ADDRESS = r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-1][0-9a-f]\.[0-7]"
_NAMED_SOURCE = re.compile(
    rf"(?:received(?: from)?:? |device=|device \[|device_id: )(?:0x)?({_ADDRESS}|[0-9a-f]{{2}}:[0-9a-f]{{2}}\.[0-7])"
)
# Sixteen registers that read as all ones: the GPU sleeps (16 times 0xFFFF).
_ALL_ONES = 0xFFFF


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Meaning:
    """`is_bus`: PCI or IOMMU, which concerns a card only by its address; `source` is the device that the words name."""

    code: str
    severity: Severity
    detail: str = ""
    is_bus: bool = False
    is_host: bool = False
    source: str | None = None


def classify(line: LogLine) -> Meaning | None:
    """None for everything that no rule knows, and for what programs wrote."""
    if not line.is_kernel:
        return None
    words = line.words
    if line.driver in _GPU_DRIVERS and (rule := GPU_BOOK.find(words)):
        return _gpu(rule, words)
    if rule := BUS_BOOK.find(words):
        return Meaning(code=rule.code, severity=rule.severity, is_bus=True, source=_source(words))
    if not line.driver and (rule := HOST_BOOK.find(words)):
        return Meaning(code=rule.code, severity=rule.severity, is_host=True, source=_source(words))
    return _of_no_driver(line)


def _of_no_driver(line: LogLine) -> Meaning | None:
    """Messages of the PCI core about a card that is set aside for a guest, and words that amdgpu alone uses."""
    if line.driver in {"vfio-pci", "pci"}:
        rule = GPU_BOOK.find(line.words)
        is_lost = rule is not None and rule.code == "DEVICE_LOST"
        return Meaning(code="DEVICE_LOST", severity=rule.severity, is_bus=True) if rule and is_lost else None
    if line.driver or _FOREIGN_SIGNS.match(line.words):
        return None
    rule = UNSIGNED_BOOK.find(line.words)
    return _gpu(rule, line.words) if rule else None


def _gpu(rule: Rule, words: str) -> Meaning | None:
    code, severity, detail = rule.code, rule.severity, ""
    if code == mes.NO_RESPONSE:
        match = _OPCODE.search(words)
        detail = mes.OPCODES.get(match[1], match[1]) if match else ""
        severity = Severity.FAIL if detail in mes.ESSENTIAL else severity
    elif code == fault.VM_FAULT_USER:
        match = _VMID.search(words)
        if match and int(match[1]) == 0:
            code, severity = fault.VM_FAULT_KERNEL, Severity.FAIL
    elif code in {ras.RAS_CE, ras.RAS_UE} and (match := _COUNT.search(words)):
        count = int(match[1])
        if count == 0:
            return None
        detail = f"{count} errors"
        if count % _ALL_ONES == 0:
            severity, detail = Severity.WARN, f"{detail}: the registers read as all ones, not trustworthy"
    return Meaning(code=code, severity=severity, detail=detail)


def _source(words: str) -> str | None:
    """The device that a bus message names, as a full PCI address."""
    match = _NAMED_SOURCE.search(words)
    if match is None:
        return None
    has_domain = len(match[1]) > len("00:00.0")
    return match[1] if has_domain else f"0000:{match[1]}"


__all__ = ["Meaning", "bus", "classify", "host"]
