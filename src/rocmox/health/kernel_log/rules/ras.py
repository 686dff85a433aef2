"""Errors of memory and logic that the hardware finds itself: amdgpu_ras.c, amdgpu_ras_eeprom.c, amdgpu_umc.c, ras/.

How many errors a message reports is read in `classify`: zero is not an event.
"""

from __future__ import annotations

from rocmox.health.kernel_log.event import Severity
from rocmox.health.kernel_log.rule import rules

_EVENT_ID = r"(?:\{\d+\}\s?)?"
_WHERE = r"(?:socket: \d+,? ?(?:die|aid): ?\d+,? ?)?"
_HARDWARE_ERROR = r"(?:\[Hardware Error\]: ?)?"
RAS_CE = "RAS_CE"
RAS_UE = "RAS_UE"

RULES = (
    *rules(
        "RAS_FATAL",
        Severity.CRIT,
        rf"{_EVENT_ID}uncorrectable hardware error ?\(ERREVENT_ATHUB_INTERRUPT\) detected",
        r"RAS controller interrupt triggered by NBIF error",
        rf"{_EVENT_ID}socket: \d+, aid: \d+,.* (?:test failed|training failed|load failed)",
    ),
    *rules(
        RAS_CE,
        Severity.WARN,
        rf"{_EVENT_ID}{_HARDWARE_ERROR}{_WHERE}\d+ (?:new )?(?:correctable|deferred) hardware errors? detected",
    ),
    *rules(
        RAS_UE,
        Severity.CRIT,
        rf"{_EVENT_ID}{_HARDWARE_ERROR}{_WHERE}\d+ (?:new )?uncorrectable hardware errors? detected",
        r"Uncorrectable error detected in UMC inst",
        rf"{_EVENT_ID}GPU reset for \S+ RAS poison consumption is issued",
        r"Poison detected in (?:VCN|JPEG)\d",
    ),
    *rules("RAS_BAD_PAGES", Severity.CRIT, r"Saved bad pages \d+ reaches threshold", r"RAS records:\d+ exceed "),
    *rules("RAS_BAD_PAGES", Severity.WARN, r"RAS records:\d+ exceeds 90", r"RAS WARN: bad page table at capacity"),
    *rules(
        "RAS_EEPROM",
        Severity.WARN,
        r"Failed to (?:read|write) EEPROM table",
        r"RAS [Tt]able incorrect checksum or error:-?[1-9]",
        r"RAS header invalid",
        r"RAS table recovery failed",
        r"EEPROM (?:failed reading records|read \d+ out of)",
        r"(?:Reading|Writing) \d+ EEPROM table records error",
    ),
)
