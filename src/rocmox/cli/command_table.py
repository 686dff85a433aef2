"""Every command of `rocmox` with its one line of help, so that `rocmox --help` loads none of them.

The module of a command has its name (`kernel-log`: `kernel_log.py`). Other packages of this distribution add commands
by the entry point group `rocmox.commands`; a zipapp has none of those.
"""

from __future__ import annotations

import importlib.util

# In the order of the help text.
COMMANDS = {
    "gpus": "list every AMD GPU: PCI address, architecture, device nodes, memory, link, driver, owning container",
    "health": "check driver, devices and services; every problem comes with its remedy",
    "mes": "check the cards' schedulers (MES, HWS): firmware, kernel log, and with --level 2 live queues",
    "kernel-log": "explain what a kernel log says about the cards: incidents, first causes, remedies",
    "read": "recognise a pasted text (lspci, rocm-smi, rocminfo, sensors …) and show what it says",
    "capture": "save everything the checks read for a bug report, without secrets and unrelated data",
    "p2p": "copy data from every card to every other and compare it byte by byte",
    "containers": "compare desired containers (inventory) with actual ones (Proxmox VE): plan, apply, drift, adopt",
    "repair": "at boot on the host: update containers whose cards changed their device numbers",
    "react": "on the host: tell guests what the checks found, act once on each new CRIT (role gpu_health)",
    "llamacpp": "identify a llama.cpp source tree and its features; patch mmvq for gfx906",
    "bench": "measure how fast llama.cpp is, compare runs, draw them, search for the fastest build",
    "host": "on the host: install AMD's driver, build it for each kernel, choose what boots, try a new kernel",
    "compatibility": "show which driver works with which kernel, PVE, ROCm and architecture, with sources",
    "served": "list what a machine serves, where it answers and whether it runs",
    "fit": "tell whether a model fits the cards, where each byte goes, and the largest context",
}
_ADDED_BY = "rocmox.commands"


def module_of(name: str) -> str | None:
    """The module behind a command; None when there is no such command."""
    if name in COMMANDS:
        return f"rocmox.cli.{name.replace('-', '_')}"
    return added_commands().get(name)


def added_commands() -> dict[str, str]:
    """Commands of other packages: name → module, with `SUMMARY` beside what each command has."""
    import importlib.metadata  # noqa: PLC0415 - slow to load, and rocmox's own commands need none of it

    return {point.name: point.value for point in importlib.metadata.entry_points(group=_ADDED_BY)}


def travels(name: str) -> bool:
    """Whether this build holds the command; a zipapp leaves the controller's out."""
    return importlib.util.find_spec(f"rocmox.cli.{name.replace('-', '_')}") is not None
