"""HWS, the scheduler of gfx9 and gfx10, and KFD's queues: kfd_device_queue_manager.c, kfd_mqd_manager.c, kfd_process.c.

A wave hangs → the queues are not preempted in time → KFD calls the command processor unrecoverable → reset.
"""

from __future__ import annotations

from rocmox.health.kernel_log.event import Severity
from rocmox.health.kernel_log.rule import rules

RULES = (
    *rules("HWS_FENCE_TIMEOUT", Severity.FAIL, r"qcm fence wait loop timeout expired", unsigned=True),
    *rules("HWS_UNRECOVERABLE", Severity.CRIT, r"The cp might be in an unrecoverable state", unsigned=True),
    *rules(
        "HWS_PREEMPT_FAILED",
        Severity.FAIL,
        r"(?:XCC \d+: )?Queue preemption failed for queue with doorbell_id",
        r"cp queue preemption time ?out",
        r"cp queue pipe \d+ queue \d+ preemption failed",
        r"CP HQD (?:dequeue request|IQ timer status) time ?out",
        r"Hang detected doorbell",
    ),
    *rules("KFD_QUEUE_REMOVE_FAILED", Severity.FAIL, r"(?:\w+: )?Failed to (?:remove|add) queue \d"),
    *rules(
        "KFD_EVICT_FAILED",
        Severity.FAIL,
        r"Failed to (?:evict|restore|resume|suspend) (?:process )?queues?\b",
        r"Failed to (?:evict|restore) queues of process",
        r"Failed to quiesce KFD",
        r"Failed to (?:suspend|resume) process\b",
        r"Failed to resume KFD",
        r"failed -?\d+ to quiesce KFD queues",
        r"(?:Suspending|Resuming) all queues failed",
        r"Evicting process queues failed",
        r"Couldn't unmap all the queues",
        r"Failed to (?:un)?map (?:all the queues|queue in HW)",
        r"unmap queue failed",
        r"destroy mqd failed",
        r"failed to execute runlist",
    ),
    *rules(
        "KFD_EVICT_FAILED",
        Severity.FAIL,
        r"[Pp]asid 0x\w+ DQM create queue type \d+ failed",
        r"process pid \d+ DQM create queue type \d+ failed",
    ),
    *rules(
        "KIQ_TIMEOUT",
        Severity.FAIL,
        r"timeout waiting for kiq fence",
        r"failed to write reg[ :].* wait reg",
        r"failed to (?:read|write) reg[:.]?\s?\(?(?:0x)?[0-9a-f]+\)?$",
        r"failed to flush HDP via KIQ",
    ),
    *rules("RUNLIST_OVERSUBSCRIBED", Severity.INFO, r"Runlist is getting oversubscribed"),
    *rules("FREEING_QUEUE_BUFFER", Severity.FAIL, r"Freeing queue vital buffer"),
    *rules(
        "QUEUE_RESET_STEP",
        Severity.ATTR,
        r"queue id 0x\w+ at pasid (?:0x)?\w+ is reset",
        r"Queues reset on process",
        r"(?:Attempting )?(?:queue|pipe) reset on XCC",
        r"no vmid pasid mapping supported",
        r"Resetting wave fronts",
    ),
)
