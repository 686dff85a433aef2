"""Faults of programs and of the driver's own context: gmc_v*.c, gfxhub_v*.c, mmhub_v*.c, kfd_int_process_v*.c.

VM faults are told apart by their VMID in `classify`: VMID 0 is the driver's own context.
"""

from __future__ import annotations

from rocmox.health.kernel_log.event import Severity
from rocmox.health.kernel_log.rule import rules

VM_FAULT_USER = "VM_FAULT_USER"
VM_FAULT_KERNEL = "VM_FAULT_KERNEL"
VM_FAULT_DETAIL = "VM_FAULT_DETAIL"
VM_FAULT_STATUS = r"(?:GC|MM)?VM_L2_PROTECTION_FAULT_STATUS(?:_LO32)?:"

RULES = (
    *rules(
        VM_FAULT_USER,
        Severity.WARN,
        r"\[\S+\] ?(?:VMC |no-retry |retry )?page fault \(src_id:",
        r"GPU fault detected: \d+ 0x",
        r"VM fault \(0x\w+, vmid",
    ),
    *rules(
        VM_FAULT_DETAIL,
        Severity.ATTR,
        VM_FAULT_STATUS,
        r"Faulty UTCL2 client ID",
        r"(?:in )?page starting at address",
        r"at page 0x",
        r"cookie node_id \d+ fault from die",
        r"for process \S* ?pid \d+",
        r"VM_CONTEXT1_PROTECTION_FAULT",
        r"(?:MORE_FAULTS|WALKER_ERROR|PERMISSION_FAULTS|MAPPING_ERROR|RW): 0x",
    ),
    *rules(
        "ILLEGAL_OPCODE",
        Severity.FAIL,
        r"Illegal (?:opcode|instruction|register access) in (?:SDMA )?command stream",
        r"SDMA gets an? .{1,60} command in non-privilege command buffer",
    ),
    *rules("SQ_INTR_ERROR", Severity.WARN, r"sq_intr: error"),
    *rules(
        "TLB_FLUSH_TIMEOUT",
        Severity.FAIL,
        r"Timeout waiting for VM flush",
        r"Timeout waiting for sem acquire in VM flush",
    ),
    *rules(
        "IH_OVERFLOW",
        Severity.WARN,
        r"(?:IH|\S+) (?:soft )?ring buffer overflow",
        r"KFD node \d+ ih_fifo overflow",
    ),
    *rules(
        "P2P_CHIPSET_REFUSED",
        Severity.WARN,
        r"PCIe P2P access from peer device \S+ is not supported",
        r"cannot be used for peer-to-peer DMA",
        r"Host bridge not in P2PDMA whitelist",
    ),
    *rules("P2P_MAP_FAILED", Severity.FAIL, r"Failed to map peer:"),
    *rules(
        "BAR_SMALL",
        Severity.WARN,
        r"Not enough PCI address space for a large BAR",
        r"Problem resizing BAR\d",
        unsigned=True,
    ),
    *rules("BAR_SMALL", Severity.WARN, r"Alloc host visible vram on small bar is not allowed"),
)
