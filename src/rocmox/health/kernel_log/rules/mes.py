"""MES, the scheduler firmware of gfx11 and newer: mes_v1*.c, amdgpu_mes.c, kfd_device_queue_manager.c.

MES stands still → the driver's packet times out after 2.1 s → a queue operation fails → the GPU is reset.
"""

from __future__ import annotations

from rocmox.health.kernel_log.event import Severity
from rocmox.health.kernel_log.rule import rules

# Numbers of the old `msg=%d` form: include/mes_v11_api_def.h.
OPCODES = {
    "0": "SET_HW_RSRC",
    "1": "SET_SCHEDULING_CONFIG",
    "2": "ADD_QUEUE",
    "3": "REMOVE_QUEUE",
    "4": "PERFORM_YIELD",
    "5": "SET_GANG_PRIORITY_LEVEL",
    "6": "SUSPEND",
    "7": "RESUME",
    "8": "RESET",
    "9": "SET_LOG_BUFFER",
    "10": "CHANGE_GANG_PRORITY",
    "11": "QUERY_SCHEDULER_STATUS",
    "12": "PROGRAM_GDS",
    "13": "SET_DEBUG_VMID",
    "14": "MISC",
    "15": "UPDATE_ROOT_PAGE_TABLE",
    "16": "AMD_LOG",
    "19": "SET_HW_RSRC_1",
}
# Without these no queue comes or goes: the scheduler does not do its work any more.
ESSENTIAL = frozenset({"ADD_QUEUE", "REMOVE_QUEUE", "SUSPEND", "RESUME", "RESET", "SET_HW_RSRC"})
NO_RESPONSE = "MES_NO_RESPONSE"
_MES = r"MES(?:\s?\(\d+(?:, ?\d+)?\))?"

RULES = (
    *rules(NO_RESPONSE, Severity.WARN, rf"{_MES} failed to respon(?:d|se)\b", unsigned=True),
    *rules("MES_RING_FULL", Severity.FAIL, rf"{_MES} ring buffer is full", unsigned=True),
    *rules(
        "MES_GANG_FAILED",
        Severity.CRIT,
        r"failed to (?:suspend|resume) all gangs",
        r"failed to (?:suspend|resume) gangs from MES",
        unsigned=True,
    ),
    *rules("MES_UNRECOVERABLE", Severity.CRIT, r"MES might be in unrecoverable state", unsigned=True),
    *rules(
        "MES_QUEUE_OP_FAILED",
        Severity.FAIL,
        r"failed to (?:add|remove) hardware queue (?:to|from) MES",
        unsigned=True,
    ),
    *rules("MES_QUEUE_OP_FAILED", Severity.FAIL, r"failed to (?:add|remove|reset) hardware queue\b"),
    *rules("MES_LEGACY_QUEUE", Severity.FAIL, r"failed to (?:un)?map legacy queue", r"failed to reset legacy queue"),
    *rules(
        "MES_RESET_FALLBACK",
        Severity.FAIL,
        r"reset via MES failed",
        r"The CPFW hasn't support pipe reset",
        r"Failed to detect (?:and reset )?(?:hung )?queues",
    ),
    *rules(
        "MES_FW_LOAD",
        Severity.CRIT,
        r"failed to (?:load )?MES (?:kiq )?fw, r=",
        r"\(-?\d+\) failed to create mes (?:data )?fw bo",
    ),
)
