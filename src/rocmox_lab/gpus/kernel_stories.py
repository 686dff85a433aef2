"""What the kernel would write while a card fails: kmsg records in the words of amdgpu, amdkfd and the PCIe core.

Addresses, processes and times are made up; the order of the lines is that of the drivers' code.
"""

from __future__ import annotations

import dataclasses

_FIRST_SEQUENCE = 2000
_START_SECONDS = 4711.25
_ERROR, _WARNING, _INFO = 3, 4, 6


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    """`after_seconds` since the story began; `{card}` and `{port}` in the text stand for their PCI addresses."""

    after_seconds: float
    text: str
    priority: int = _ERROR


def _lines(*entries: tuple[float, str]) -> tuple[Line, ...]:
    return tuple(Line(after_seconds=after, text=text) for after, text in entries)


_G = "amdgpu {card}: amdgpu: "
_PORT = "pcieport {port}: "
BOOT = (
    Line(after_seconds=-4700.0, text="Linux version 6.8.12-9-pve (constructed)", priority=5),
    Line(after_seconds=-4695.0, text=_G + "SMU is initialized successfully!", priority=_INFO),
)
STORIES: dict[str, tuple[Line, ...]] = {
    "healthy": (),
    "mes-isolated": _lines((0, _G + "MES failed to respond to msg=INVALIDATE_TLBS")),
    "mes-hang": _lines(
        (0, _G + "MES failed to respond to msg=REMOVE_QUEUE"),
        (0.1, _G + "failed to remove hardware queue from MES, doorbell=0x1202"),
        (0.1, _G + "MES might be in unrecoverable state, issue a GPU reset"),
        (0.2, _G + "Failed to evict queue 1"),
        (0.2, "amdgpu: Failed to evict process queues"),
        (0.3, _G + "GPU reset begin!"),
        (2.4, _G + "MES failed to respond to msg=REMOVE_QUEUE"),
    ),
    "hws-hang": _lines(
        (0, "amdgpu: qcm fence wait loop timeout expired"),
        (0.1, "amdgpu: The cp might be in an unrecoverable state due to an unsuccessful queues preemption"),
        (0.2, _G + "GPU reset begin!"),
        (0.6, _G + "MODE1 reset"),
        (3.1, _G + "GPU reset succeeded, trying to resume"),
        (4.0, _G + "GPU reset(1) succeeded!"),
    ),
    "reset-ok": _lines(
        (0, _G + "ring sdma0 timeout, signaled seq=712, emitted seq=714"),
        (0.1, _G + "GPU reset begin!"),
        (0.5, _G + "MODE1 reset"),
        (3.0, _G + "GPU reset succeeded, trying to resume"),
        (3.1, "[drm] VRAM is lost due to GPU reset!"),
        (4.2, _G + "GPU reset(1) succeeded!"),
    ),
    "reset-failed": _lines(
        (0, _G + "ring comp_1.0.0 timeout, signaled seq=58, emitted seq=61"),
        (0.1, _G + "GPU reset begin!"),
        (0.5, _G + "MODE1 reset"),
        (12.0, _G + "ASIC reset failed with error, -110 for drm dev, {card}"),
        (12.1, _G + "GPU reset(1) failed"),
        (12.1, _G + "GPU reset end with ret = -110"),
    ),
    "aer-corrected": _lines(
        (0, _PORT + "AER: Corrected error message received from {card}"),
        (0, "amdgpu {card}: PCIe Bus Error: severity=Corrected, type=Data Link Layer, (Receiver ID)"),
        (0, "amdgpu {card}:    [ 6] BadTLP"),
    ),
    "aer-fatal": _lines(
        (0, _PORT + "AER: Uncorrected (Fatal) error received: {port}"),
        (0, _PORT + "PCIe Bus Error: severity=Uncorrected (Fatal), type=Transaction Layer, (Receiver ID)"),
        (0.1, "amdgpu {card}: AER: can't recover (no error_detected callback)"),
        (1.1, _PORT + "AER: device recovery failed"),
    ),
    "thermal": _lines(
        (0, _G + "ERROR: GPU over temperature range(SW CTF) detected!"),
        (0, _G + "ERROR: System is going to shutdown due to GPU SW CTF!"),
    ),
    "ecc": _lines((0, _G + "uncorrectable hardware error(ERREVENT_ATHUB_INTERRUPT) detected!")),
    "vm-fault": _lines(
        (0, _G + "[gfxhub0] no-retry page fault (src_id:0 ring:24 vmid:8 pasid:32770)"),
        (0, _G + " for process example pid 4242 thread example pid 4242)"),
        (0, _G + "VM_L2_PROTECTION_FAULT_STATUS:0x00801031"),
    ),
    "other-device": _lines(
        (0, "pcieport 0000:00:1d.0: AER: Corrected error message received from 0000:e1:00.0"),
        (0, "nvme 0000:e1:00.0: PCIe Bus Error: severity=Corrected, type=Physical Layer, (Receiver ID)"),
        (9, "nvme nvme0: I/O 12 QID 3 timeout, aborting"),
    ),
}


def to_kmsg(story: str, *, card: str, port: str) -> str:
    """The story after a quiet boot, as `/dev/kmsg` gives it: `priority,sequence,microseconds,-;text`."""
    records = []
    for number, line in enumerate((*BOOT, *STORIES[story])):
        micro = round((_START_SECONDS + line.after_seconds) * 1e6)
        text = line.text.format(card=card, port=port)
        records.append(f"{line.priority},{_FIRST_SEQUENCE + number},{micro},-;{text}\n")
    return "".join(records)
