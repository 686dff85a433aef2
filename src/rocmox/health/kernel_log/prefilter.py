"""The literals that a line must hold to be looked at: every rule's line holds at least one of them.

Long and rare ones, because the search for each skips through the text by its own length; the fewer, the faster.
"""

from __future__ import annotations

LITERALS: tuple[bytes, ...] = (
    b"amdgpu",
    b"kfd kfd: ",
    b"*ERROR* ",
    b"qcm fence wait loop",
    b"The cp might be in an unrecoverable",
    b"VRAM is lost",
    b"Skip scheduling IBs",
    b"address space for a large BAR",
    b"memtype_reserve_io",
    b"Bus Error: severity=",
    b"error message received from ",
    b"evice recovery failed",
    b"DPC: containment event",
    b"pciehp: Slot(",
    b"Event logged [",
    b"DMAR: [DMA",
    b"[Hardware Error]: ",
    b"system reset reason [",
    b"vfio-pci 0",
    # AMD's own switch sits on its cards; other bridges of AMD's boards have the vendor 1022.
    b"device [1002:",
    # Where a boot begins, and which bridges and cards the kernel found.
    b"Linux version ",
    b"PCI bridge to [bus ",
    b" type 00 class 0x03",
)
