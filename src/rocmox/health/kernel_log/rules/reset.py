"""Rings that time out, resets and how they end: amdgpu_job.c, amdgpu_ring.c, amdgpu_device.c, gfx_v*.c."""

from __future__ import annotations

from rocmox.health.kernel_log.event import Severity
from rocmox.health.kernel_log.rule import rules

# A dead engine of these leaves compute running.
_MEDIA_RING = r"(?:sdma|vcn|uvd|vce|jpeg|vpe|isp)"
_PHASE = r"(?:early_init|hw_init|sw_init|late_init|resume|suspend|hw_fini|sw_fini|early_fini|late_fini|prepare_suspend)"

RULES = (
    *rules("RING_SOFT_RECOVERED", Severity.WARN, r"ring \S+ timeout, but soft recovered", unsigned=True),
    *rules(
        "RING_TIMEOUT", Severity.FAIL, r"ring [a-z]\S* timeout(?:,|$|!)", r"\S+ queue hung, but ring reset disabled"
    ),
    *rules(
        "RING_RESET_FAILED",
        Severity.FAIL,
        r"Ring \S+ reset fail(?:ed|ure)",
        r"VPE queue reset failed",
        r"kiq ring test failed after ring: \S+ queue reset",
    ),
    *rules(
        "RING_RESET_STEP",
        Severity.ATTR,
        r"Starting \S+ ring reset",
        r"Ring \S+ reset succeeded",
        r"reset (?:compute|gfx|sdma) queue \(",
        r"ring: \S+ pipe reset",
        r"fail(?:ed)?(?:\(-?\d+\))? to (?:wait on (?:gfx )?hqd deactiv|reset kcq)",
        r"device wedged",
        r"Failed to initialize parser",
    ),
    *rules("PROCESS", Severity.ATTR, r"Process (?:information: process )?\S.* pid \d+"),
    *rules("RING_TEST_FAILED", Severity.FAIL, rf"IB test failed on {_MEDIA_RING}"),
    *rules(
        "RING_TEST_FAILED",
        Severity.CRIT,
        r"ring \S+ test failed",
        r"IB test failed on ",
        r"ib ring test failed",
        r"IB test timed out",
    ),
    *rules(
        "CP_QUEUE_ENABLE",
        Severity.CRIT,
        r"(?:XCD \d+ )?K[CG]Q (?:enable|disable) failed",
        r"failed to (?:un)?halt cp gfx",
        r"KIQ failed to set resources",
        r"failed to remap k[cg]q",
    ),
    *rules("GPU_RESET_BEGIN", Severity.FAIL, r"GPU [a-z][\w -]{0,40}begin!"),
    *rules(
        "GPU_RESET_FAILED",
        Severity.CRIT,
        r"GPU reset\(\d+\) failed",
        r"GPU reset end with ret = -",
        r"GPU Recovery Failed: -",
        r"GPU (?:mode\d|link|pre asic|pci config) reset failed",
        r"ASIC reset failed with error",
        r"asic reset (?:on init|on \S+) failed",
        r"[Mm]ode\d? ?reset failed",
        r"Failed to mode\d? ?reset",
        r"GPU recovery disabled",
        r"asic atom init failed!",
    ),
    *rules(
        "GPU_RESET_OK",
        Severity.WARN,
        r"GPU reset succeeded, trying to resume",
        r"GPU reset\(\d+\) succe(?:eded|ssed)",
    ),
    *rules(
        "GPU_RESET_METHOD",
        Severity.ATTR,
        r"(?:MODE\d|BACO|PCI CONFIG|PCI|Link) reset$",
        r"GPU (?:smu |psp )?(?:mode\d|link|pci config) reset$",
        r"aldebaran perform hw reset",
        r"IP block:\s?\S+ is hung!",
        r"Dumping IP State",
        r"soft reset failed, will fallback",
        r"\[?AMDGPU device core ?dump file",
        r"AMDGPU device core dump file",
    ),
    *rules("VRAM_LOST", Severity.CRIT, r"VRAM is lost", unsigned=True),
    *rules(
        "DEVICE_LOST",
        Severity.CRIT,
        r"device lost from bus!",
        r"\w+ - device unplugged skipping recovery",
        r"not ready \d+ms after .{1,40}; giving up",
        r"Unable to change power state from \S+ to D0, device inaccessible",
        r"Refused to change power state, currently in D3",
        r"Refused to change power state from D3\w* to D0",
    ),
    *rules("DEVICE_LOST", Severity.WARN, r"Refused to change power state from D\d\w* to D[1-3]"),
    *rules("SCHED_SKIP_IB", Severity.FAIL, r"Skip scheduling IBs", unsigned=True),
    *rules("SCHED_SKIP_IB", Severity.FAIL, r"Error scheduling IBs \(-\d+\)"),
    *rules("PROBE_WARNING", Severity.ATTR, r"WARNING: .*memtype_reserve_io", unsigned=True),
    *rules("FENCE_FALLBACK", Severity.WARN, r"Fence fallback timer expired on ring"),
    *rules(
        "IP_BLOCK_FAIL",
        Severity.CRIT,
        rf"{_PHASE} of IP block <\S+> failed -?\d",
        unsigned=True,
    ),
)
