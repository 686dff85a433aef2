"""Texts as owners post them in issues, mails and wikis: each kind to its facts.

`parse_posted("lspci", text)` gives the facts or raises CannotLookError that says why there are none. The parsers stand
in modules of their own and are imported when their kind is asked for. Reports and tests use them; checks read machines.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, cast

from rocmox.errors import CannotLookError

# Kind → module below rocmox.facts and its function, which takes the text.
KINDS = {
    "kfd_node": ("posted.kfd_text", "parse_topology"),
    "fw_info": ("firmware", "parse_firmware_info"),
    "sysfs_dev": ("posted.sysfs_dump", "parse_card_dump"),
    "rocm_bandwidth_test": ("posted.bandwidth_test", "parse_bandwidth_test"),
    "rocminfo": ("posted.rocminfo", "parse_rocminfo"),
    "lspci": ("posted.lspci", "parse_lspci"),
    "rocm_smi": ("posted.rocm_smi", "parse_rocm_smi"),
    "amd_smi": ("posted.amd_smi", "parse_amd_smi"),
    "gpu_metrics": ("posted.metrics_text", "parse_metrics_text"),
    "hwmon": ("posted.sensors_text", "parse_hwmon_text"),
    "lxc_conf": ("posted.container_text", "parse_container"),
    "groups_devs": ("posted.device_listing", "parse_listing"),
    "pve_boot": ("boot_tool", "parse_kernel_list"),
    "dkms_status": ("posted.dkms_text", "parse_dkms"),
    "bar_dmesg": ("posted.bar_log", "parse_bar_log"),
}


def parser_of(kind: str) -> Callable[[str], Any]:
    """The parser of a kind; CannotLookError for a kind that is not read."""
    if kind not in KINDS:
        raise CannotLookError(f"{kind[:40]!r} is not a kind of posted text", remedy=f"Kinds: {', '.join(KINDS)}.")
    module, function = KINDS[kind]
    return cast("Callable[[str], Any]", getattr(importlib.import_module(f"rocmox.facts.{module}"), function))


def parse_posted(kind: str, text: str) -> Any:
    """The facts in a text of a kind."""
    return parser_of(kind)(text)
