"""PCI Express and IOMMU: drivers/pci (pcie/aer.c, pcie/dpc.c, hotplug/pciehp_ctrl.c), drivers/iommu, vendor-reset.

These are every device's messages. Which of them concern a card is decided in `links`.
"""

from __future__ import annotations

from rocmox.health.kernel_log.event import Severity
from rocmox.health.kernel_log.rule import rules

AER_FATAL = "PCIE_AER_FATAL"
AER_NONFATAL = "PCIE_AER_NONFATAL"
AER_CORRECTED = "PCIE_AER_CORR"
RECOVERY_FAILED = "PCIE_RECOVERY_FAILED"
LINK_DOWN = "PCIE_LINK_DOWN"
IOMMU_FAULT = "IOMMU_PAGE_FAULT"
IOMMU_TIMEOUT = "IOMMU_TIMEOUT"
CONTEXT = "PCIE_CTX"
RECOVERED = "PCIE_RECOVERED"
_AER = r"(?:AER: )?(?:Multiple )?"
_AMD_VI = r"(?:iommu ivhd\d+: )?(?:AMD-Vi: )?Event logged \["

RULES = (
    *rules(
        AER_FATAL,
        Severity.CRIT,
        rf"{_AER}Uncorrect(?:ed|able) \(Fatal\) error (?:message )?received",
        r"(?:AER: )?(?:PCIe|CXL) Bus Error: severity=Uncorrect(?:ed|able) \(Fatal\)",
        r"DPC: containment event",
        r"(?:amdgpu: )?PCIe error recovery failed",
    ),
    *rules(
        AER_NONFATAL,
        Severity.FAIL,
        rf"{_AER}Uncorrect(?:ed|able) \(Non-Fatal\) error (?:message )?received",
        r"(?:AER: )?(?:PCIe|CXL) Bus Error: severity=Uncorrect(?:ed|able) \(Non-Fatal\)",
    ),
    *rules(
        AER_CORRECTED,
        Severity.WARN,
        rf"{_AER}Correct(?:ed|able) error (?:message )?received",
        r"(?:AER: )?(?:PCIe|CXL) Bus Error: severity=Correct(?:ed|able)",
    ),
    *rules(RECOVERY_FAILED, Severity.CRIT, r"(?:AER: )?[Dd]evice recovery failed"),
    *rules(
        LINK_DOWN,
        Severity.CRIT,
        r"(?:pciehp: )?Slot\([^)]*\): (?:Link Down$|Card not present|Power fault|Cannot train link)",
        r"Card not present on Slot",
    ),
    *rules(
        IOMMU_TIMEOUT,
        Severity.FAIL,
        rf"{_AMD_VI}IOTLB_INV_TIMEOUT",
    ),
    *rules(
        IOMMU_FAULT,
        Severity.WARN,
        rf"{_AMD_VI}(?:IO_PAGE_FAULT|ILLEGAL_DEV_TABLE_ENTRY|INVALID_DEVICE_REQUEST|RMP_PAGE_FAULT)",
        r"DMAR: \[(?:DMA|INTR)",
    ),
    *rules("VENDOR_RESET_FAILED", Severity.FAIL, r"AMD_\w+: .{0,60}(?:failed|timed out|could not)"),
    *rules(RECOVERED, Severity.ATTR, r"(?:AER: )?[Dd]evice recovery successful"),
    *rules(
        CONTEXT,
        Severity.ATTR,
        r"device has no AER-aware driver",
        r"(?:AER: )?can't recover \(no error_detected callback\)",
        r"(?:AER: )?\w+ Port link has been reset",
        r"(?:AER: )?broadcast \w+ message",
        r"(?:AER: )?device \[[0-9a-f]{4}:[0-9a-f]{4}\] error status/mask",
        r"PCI error: (?:detected|slot reset|mmio enabled|resume) callback",
        r"not ready \d+ms after .{1,40}; waiting",
        r"(?:amdgpu: )?finishing device",
    ),
)
