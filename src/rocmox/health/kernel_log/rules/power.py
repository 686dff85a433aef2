"""Temperature and the power controller (SMU): amdgpu_smu.c, smu_cmn.c, smu_v11_0.c, smu_v13_0.c, powerplay/."""

from __future__ import annotations

from rocmox.health.kernel_log.event import Severity
from rocmox.health.kernel_log.rule import rules

SMU_HANG = "SMU_HANG"
SMU_OK = "SMU_OK"
_SMU = r"(?:SMU: )?"

RULES = (
    *rules("THERMAL_SHUTDOWN", Severity.CRIT, r"(?:ERROR: )?System is going to shutdown due to GPU \w+ CTF"),
    *rules(
        "THERMAL_CTF",
        Severity.CRIT,
        r"(?:ERROR: )?GPU over temperature range ?\(SW CTF\)",
        r"(?:ERROR: )?GPU HW Critical Temperature Fault",
        r"(?:ERROR: )?GPU over temperature range",
    ),
    *rules("THERMAL_CTF", Severity.WARN, r"(?:ERROR: )?GPU under temperature range detected"),
    *rules(
        "THERMAL_THROTTLE",
        Severity.WARN,
        r"(?:WARN: )?GPU thermal throttling temperature reached",
        r"(?:WARN: )?GPU is throttled, expect performance decrease",
    ),
    *rules(
        SMU_HANG,
        Severity.FAIL,
        rf"{_SMU}I'm not done with your previous command",
        rf"{_SMU}No response msg_reg",
        r"SMU is in hanged state",
        rf"{_SMU}bus error for message",
        r"(?:\[ ?powerplay ?\] )?No response from smu",
        r"\w+\(0x[0-9a-f]{4}(?:, \S+)?\) (?:timed out after|aborted; SMU still)",
        r"\[? ?powerplay ?\]? ?Failed to send message",
        r"Failed to send message 0x",
    ),
    *rules(
        "SMU_INIT",
        Severity.CRIT,
        r"Failed to setup smc hw!",
        r"Failed to enable requested dpm features!",
        r"SMU (?:Firmware start|load firmware|firmware load|check loaded firmware) failed",
        r"smu firmware loading failed",
        r"SMC (?:engine is not correctly up|is not ready)",
        r"Failed to post smu init",
        r"powerplay hw init failed",
        r"dpm initialization failed",
    ),
    *rules(
        "SMU_CMD_WARN",
        Severity.WARN,
        r"[Ff]ailed to (?:enable|disable) gfxoff",
        r"disable gfxoff timeout and failed",
        r"Failed to export SMU",
        r"SMU: (?:unknown command|I'm very busy|response:0x)",
        r"(?:\[\w+\] ?)?Failed to set (?:soft|hard) (?:min|max)",
        r"Failed to set workload mask",
        r"Failed to get current clock freq",
        r"(?:\[ ?powerplay ?\] ?)?(?:last message was failed ret is|failed to send message \w+ ret is)",
    ),
    *rules(SMU_OK, Severity.ATTR, r"SMU is (?:initialized|resumed) successfully"),
)
