"""Every command of `rocmox` with its one line of help, so that `rocmox --help` loads none of them.

The module of a command has its name (`kernel-log`: `kernel_log.py`). Other packages of this distribution add commands
by the entry point group `rocmox.commands`; a zipapp has none of those.
"""

from __future__ import annotations

import importlib.util

# In the order of the help text.
COMMANDS = {
    "gpus": "every AMD GPU: PCI address, architecture, nodes, memory, link, driver, owning container",
    "health": "checks of driver, devices and services, with remedies",
    "mes": "the cards' schedulers (MES, HWS): firmware, what the logs say, and with --level 2 live queues",
    "kernel-log": "what a kernel log says about the cards: incidents, their first cause, remedies",
    "read": "which tool's output a pasted text is (lspci, rocm-smi, rocminfo, sensors …) and what it says",
    "capture": "everything the checks read, secrets and unrelated data left out, for a bug report",
    "p2p": "copies from every card to every other, compared byte by byte",
    "containers": "wished containers (inventory) against found ones (Proxmox VE): plan, apply, drift, adopt",
    "repair": "on the node, at boot: containers follow cards that changed their numbers",
    "react": "tells guests what the node found and acts once on each new CRIT, as the role gpu_health set it up",
    "llamacpp": "which llama.cpp a source tree is and what it can do; patch mmvq for gfx906",
    "bench": "how fast llama.cpp is here: measured, stored, compared, drawn; the fastest build searched for",
    "host": "on the node: AMD's driver and the kernels it is built for; what boots; a kernel on trial",
    "compatibility": "which driver works with which kernel, PVE, ROCm and architecture; every row with its source",
    "fit": "does a model fit on these cards, where does each byte go, what context is the most",
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
