"""What keeps a card from coming up: amdgpu_psp.c, amdgpu_kms.c, amdgpu_bios.c, kfd_device.c, firmware loader."""

from __future__ import annotations

from rocmox.health.kernel_log.event import Severity
from rocmox.health.kernel_log.rule import rules

FW_MISSING = "FW_MISSING"
# Trusted applications and helpers that the driver does without, and files it has a fallback for (`try to fall back`).
_OPTIONAL_FILE = r"(?:ta|cap|isp\w*|vpe\w*|umsch\w*|uni_mes|mes_?2|mes1?|kicker|sjt_mec2?|hdcp|ip_discovery)"
_FILE = rf"\"?amdgpu/(?!(?:\w*_)?{_OPTIONAL_FILE}(?:_kicker)?\.bin)\w+\.bin\"?"
# Commands about trusted applications (`psp_gfx_cmd_id` LOAD_TA, UNLOAD_TA, INVOKE_CMD …) fail on healthy cards.
_ESSENTIAL_COMMAND = r"(?:LOAD_IP_FW|LOAD_TOC|SETUP_TMR|DESTROY_TMR|AUTOLOAD_RLC|LOAD_ASD|SAVE_RESTORE_IP_FW|SETUP_VMR)"

RULES = (
    *rules(
        FW_MISSING,
        Severity.CRIT,
        rf"Direct firmware load for {_FILE} failed with error -",
        rf"firmware: failed to load {_FILE}",
        rf"\w+: Failed to load firmware {_FILE}",
        r"Failed to (?:get|load) gpu_info firmware",
        r"fail to (?:request/validate|initialize|init) \w+ microcode",
        r"Failed to load (?:gfx|mc|MC|imu|sdma) firmware!",
    ),
    *rules(
        "PSP_FAIL",
        Severity.CRIT,
        r"failed to load ucode [A-Z]",
        rf"psp gfx command {_ESSENTIAL_COMMAND}\(0x\w+\) failed and response status is",
        r"PSP (?:create ring|ring init|tmr init) failed",
        r"PSP firmware loading failed",
        r"PSP resume failed",
        r"PSP load (?:kdb|spl|sys drv|soc drv|intf drv|dbg drv|ras_drv|ipkeymgr_drv|sos|tmr|asd|RL|smu) failed",
        r"Failed to load psp firmware",
        r"PSP firmware is invalid",
    ),
    *rules(
        "GPU_INIT_FATAL",
        Severity.CRIT,
        r"amdgpu_device_ip_(?:late_)?(?:init|resume) failed",
        r"Fatal error during GPU init",
        r"gpu post error!",
        r"no vBIOS found",
        r"Unable to locate a BIOS ROM",
        r"amdgpu asic init failed",
        r"amdgpu_atombios_init failed",
        r"atombios stuck (?:in loop|executing)",
        r"probe (?:with driver \w+|of \S+) failed with error -",
    ),
    *rules(
        "DRIVER_NOT_LOADED",
        Severity.CRIT,
        r"Unknown symbol \S+ \(err -",
        r"disagrees about version of symbol",
        r"version magic '.*' should be",
        r"exports duplicate symbol",
    ),
    *rules("KFD_NO_ATOMICS", Severity.CRIT, r"skipped device [0-9a-f]{1,4}:[0-9a-f]{1,4}, PCI rejects atomics"),
    *rules(
        "KFD_NOT_ADDED",
        Severity.CRIT,
        r"device [0-9a-f]{1,4}:[0-9a-f]{1,4} NOT added due to errors",
        r"Error (?:initializing queue manager|starting queue manager for device)",
    ),
    *rules(
        "XGMI_FAILED",
        Severity.FAIL,
        r"XGMI: Failed to (?:initialize|add node|get (?:hive|node) id)",
        r"XGMI: (?:[GS]et topology failure)",
    ),
)
