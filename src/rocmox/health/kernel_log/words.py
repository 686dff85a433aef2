"""What each code means for people, and what to do about it."""

from __future__ import annotations

import dataclasses

_REBOOT = "Save what runs, then reboot the host; a card that hangs again after that belongs into another slot or out."
_LINK = "Reseat card, riser and power cables, then set the slot to a lower PCIe generation in the firmware setup."
_UPDATE = "Update kernel and linux-firmware (or amdgpu-dkms); `rocmox health --only firmware` names known-bad versions."
_PROGRAM = "Look at the program that the line names; a fault of its own ends it and leaves the card."
_WATCH = "Nothing to do for one; when it repeats, look at what ran then."
_MEMORY = "Read `rocmox health --only ecc`; a card whose counters grow must go. Slot, riser and power cause it, too."
_COOL = (
    "Give the card air: these cards have no fan of their own. Lower the power cap with `rocm-smi --setpoweroverdrive`."
)
_INIT = (
    "Read the lines before it, check the firmware files in /lib/firmware/amdgpu, then power the host off and on again."
)
_IOMMU = "Boot with `iommu=pt`; when faults stay, take peer-to-peer copies out (`rocmox p2p`) and update the driver."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Words:
    """`meaning` follows the subject; `remedy` is an order."""

    meaning: str
    remedy: str


def _words(meaning: str, remedy: str) -> Words:
    return Words(meaning=meaning, remedy=remedy)


_TABLE = {
    "MES_UNRECOVERABLE": _words("the scheduler firmware (MES) is beyond recovery", f"{_UPDATE} {_REBOOT}"),
    "MES_NO_RESPONSE": _words("the scheduler firmware (MES) did not answer", f"{_WATCH} {_UPDATE}"),
    "MES_RING_FULL": _words("the scheduler firmware (MES) takes no more work", _UPDATE),
    "MES_QUEUE_OP_FAILED": _words("a queue could not be given to or taken from MES", _UPDATE),
    "MES_GANG_FAILED": _words("MES could not suspend or resume the queues", f"{_UPDATE} {_REBOOT}"),
    "MES_LEGACY_QUEUE": _words("MES could not map or unmap a kernel queue", _UPDATE),
    "MES_RESET_FALLBACK": _words("a queue reset through MES failed", _UPDATE),
    "MES_FW_LOAD": _words("the firmware of MES could not be loaded", _UPDATE),
    "KFD_QUEUE_REMOVE_FAILED": _words("KFD could not remove a queue", _REBOOT),
    "HWS_FENCE_TIMEOUT": _words("the hardware scheduler did not preempt the queues in time", _REBOOT),
    "HWS_UNRECOVERABLE": _words("the command processor is beyond recovery", _REBOOT),
    "HWS_PREEMPT_FAILED": _words("a queue could not be preempted", _REBOOT),
    "KFD_EVICT_FAILED": _words("KFD could not evict or restore queues", _REBOOT),
    "KIQ_TIMEOUT": _words("the kernel's own queue (KIQ) did not answer", _REBOOT),
    "RUNLIST_OVERSUBSCRIBED": _words("more queues than the hardware has", "Run fewer processes on the card."),
    "FREEING_QUEUE_BUFFER": _words("a program freed the memory of its running queue", _PROGRAM),
    "RING_SOFT_RECOVERED": _words("a ring stood still and recovered by itself", _WATCH),
    "RING_TIMEOUT": _words("a ring stood still", _PROGRAM),
    "RING_RESET_FAILED": _words("a ring could not be reset", _REBOOT),
    "RING_TEST_FAILED": _words("an engine does not answer", _INIT),
    "CP_QUEUE_ENABLE": _words("the command processor's queues could not be switched", _REBOOT),
    "GPU_RESET_BEGIN": _words("the driver resets the card", "Restart what used the card."),
    "GPU_RESET_OK": _words("the card was reset", "Restart what used the card."),
    "GPU_RESET_FAILED": _words("a reset of the card failed", _REBOOT),
    "VRAM_LOST": _words("everything in VRAM is lost", "Restart what used the card."),
    "DEVICE_LOST": _words("the card is gone from the bus", f"Power the host off and on again. {_LINK}"),
    "SCHED_SKIP_IB": _words("work for the card is thrown away", "Restart what used the card."),
    "ILLEGAL_OPCODE": _words("a program sent the card something it cannot execute", _PROGRAM),
    "FENCE_FALLBACK": _words("an interrupt of the card got lost", _LINK),
    "VM_FAULT_KERNEL": _words("a page fault in the driver's own context", f"{_UPDATE} {_IOMMU}"),
    "VM_FAULT_USER": _words("a program reached beyond its memory on the card", _PROGRAM),
    "VM_FAULT_DETAIL": _words("details of a page fault whose first line is missing", _PROGRAM),
    "SQ_INTR_ERROR": _words("a wave reported an error", _PROGRAM),
    "TLB_FLUSH_TIMEOUT": _words("the card did not flush its address cache", _REBOOT),
    "IH_OVERFLOW": _words("interrupts of the card got lost", _WATCH),
    "RAS_FATAL": _words("the hardware reports an error it cannot correct (card, slot, power or riser)", _MEMORY),
    "RAS_UE": _words("memory errors that could not be corrected", _MEMORY),
    "RAS_CE": _words("memory errors that were corrected", _MEMORY),
    "RAS_BAD_PAGES": _words("too many pages of VRAM are bad", "Replace the card."),
    "RAS_EEPROM": _words("the list of bad pages cannot be read", _MEMORY),
    "THERMAL_SHUTDOWN": _words("the host is switched off because of the card's temperature", _COOL),
    "THERMAL_CTF": _words("the card is too hot", _COOL),
    "THERMAL_THROTTLE": _words("the card slows down because of its temperature", _COOL),
    "SMU_HANG": _words("the power controller (SMU) does not answer: sensors are unknown", _REBOOT),
    "SMU_INIT": _words("the power controller (SMU) does not start", _INIT),
    "SMU_CMD_WARN": _words("the power controller (SMU) refused a command", _WATCH),
    "FW_MISSING": _words(
        "a firmware file is missing", "Install firmware-amd-graphics (Debian), pve-firmware or linux-firmware."
    ),
    "PSP_FAIL": _words("the security processor (PSP) refuses firmware", _INIT),
    "IP_BLOCK_FAIL": _words("a part of the card could not be started or stopped", _INIT),
    "GPU_INIT_FATAL": _words("the driver gave the card up", _INIT),
    "DRIVER_NOT_LOADED": _words(
        "the driver does not fit this kernel", "Build it for this kernel (`dkms autoinstall`) or boot the one it fits."
    ),
    "VENDOR_RESET_FAILED": _words("the card set aside for a guest could not be reset", _REBOOT),
    "KFD_NO_ATOMICS": _words(
        "no compute on this card: its slot has no PCIe atomics",
        "Use a slot that hangs on the processor; risers and chipset slots often lack atomics.",
    ),
    "KFD_NOT_ADDED": _words("no compute on this card: KFD gave it up", _INIT),
    "XGMI_FAILED": _words("the cards' own link (XGMI) does not start", "Reseat the bridge between the cards."),
    "P2P_CHIPSET_REFUSED": _words(
        "the chipset forwards no copies between these cards", "`rocmox health --only host_bridge,acs` says why."
    ),
    "P2P_MAP_FAILED": _words("a card's memory could not be mapped for another", "`rocmox p2p` tests each pair."),
    "BAR_SMALL": _words(
        "not all VRAM is visible on the bus",
        "Switch on Above 4G Decoding and Resizable BAR in the firmware setup; `rocmox health --only bar` says more.",
    ),
    "PCIE_AER_FATAL": _words("the PCIe link broke", _LINK),
    "PCIE_AER_NONFATAL": _words("the PCIe link lost a request", _LINK),
    "PCIE_AER_CORR": _words("the PCIe link repeats packets", _LINK),
    "PCIE_RECOVERY_FAILED": _words("the PCIe link did not recover", _LINK),
    "PCIE_LINK_DOWN": _words("the PCIe link is down", _LINK),
    "IOMMU_PAGE_FAULT": _words("the IOMMU refused the card's accesses", _IOMMU),
    "IOMMU_TIMEOUT": _words("the card does not answer the IOMMU", _REBOOT),
    "HOST_SYNC_FLOOD": _words(
        "the last boot ended in a data fabric sync flood", f"Read the log of the boot before. {_LINK}"
    ),
    "HOST_APEI_UNCORR": _words(
        "the firmware reports an error that could not be corrected", "Read the record's device."
    ),
    "HOST_APEI_CORR": _words("the firmware reports corrected errors", _WATCH),
    "HOST_MCE": _words("a machine check that could not be corrected", "Test processor, memory and power supply."),
}
_UNKNOWN = _words("a message that concerns the card", "Read the lines around it.")


def words_for(code: str) -> Words:
    """Of every code; the rules' details have none of their own."""
    return _TABLE.get(code, _UNKNOWN)
