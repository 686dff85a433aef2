"""What the machine says of itself: drivers/acpi/apei, arch/x86/kernel/cpu/mce, arch/x86/kernel/cpu/amd.c."""

from __future__ import annotations

from rocmox.health.kernel_log.event import Severity
from rocmox.health.kernel_log.rule import rules

APEI_UNCORRECTED = "HOST_APEI_UNCORR"
APEI_CORRECTED = "HOST_APEI_CORR"
APEI_CONTEXT = "HOST_APEI_CTX"
# The numbers before the mark tell APEI's records apart.
_MARK = r"(?:mce: )?(?:\{\d+\})?\[Hardware Error\]:\s*"
# MCi_STATUS bit 61 (UC) is the second lowest bit of the first of sixteen digits.
_UNCORRECTED_STATUS = r"[2367abefABEF][0-9a-fA-F]{15}\b"

RULES = (
    *rules(
        "HOST_SYNC_FLOOD",
        Severity.CRIT,
        r"x86/amd: Previous system reset reason \[0x\w+\]: an uncorrected error caused a data fabric sync flood",
    ),
    *rules(
        "HOST_MCE",
        Severity.CRIT,
        rf"{_MARK}System Fatal error",
        rf"{_MARK}CPU:?\s?\d+.{{0,40}}MC\d+_STATUS\[[^\]]*\|UE\|",
        rf"{_MARK}CPU \d+: Machine Check(?: Exception)?: \w+ Bank \d+: {_UNCORRECTED_STATUS}",
    ),
    *rules(APEI_UNCORRECTED, Severity.CRIT, rf"{_MARK}event severity: (?:fatal|recoverable)"),
    *rules(APEI_CORRECTED, Severity.WARN, rf"{_MARK}event severity: corrected"),
    *rules(APEI_CONTEXT, Severity.ATTR, rf"{_MARK}\s*(?:device_id|section_type|secondary_bus): "),
)
