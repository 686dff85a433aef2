"""What the lab claims to answer as Proxmox VE does: decided per endpoint or command, never per case.

An endpoint is in scope when the lab has a handler for it, and also when PVE has none either (both answer 501).
"""

from __future__ import annotations

import rocmox_lab.pve.endpoints  # noqa: F401 - registers what the lab answers
from rocmox_lab.pve.call import ROUTES
from rocmox_lab.pve.schema import load

COMMANDS = {"pct", "pvesh", "pveam", "pvesm", "pveversion"}
# Paths of PVE that no table here holds: virtual machines and high availability are no business of the lab.
OUTSIDE = ("/nodes/{node}/qemu", "/cluster/ha", "/cluster/replication")
# In the tables, never called by this project or by community.proxmox's container modules, and left out.
LEFT_OUT = {
    "rrddata": "history graphs",
    "services": "the node's services are its own",
    "syslog": "read over SSH",
    "vzdump": "backups",
    "hardware": "PCI devices of the machine below",
}
# Subcommands whose output is PVE's manual, which is not reproduced.
MANUAL = {("pvesh", "usage")}


def endpoint_reason(pve: str, verb: str, path: str) -> str | None:
    """None when a call is in scope, else why not."""
    schema = load(pve)
    template, _ = schema.match(path)
    if template is None:
        outside = any(path.startswith(prefix.replace("{node}", "pve")) for prefix in OUTSIDE)
        return "PVE's virtual machines and cluster services" if outside else None
    reason = next((why for word, why in LEFT_OUT.items() if f"/{word}" in template), None)
    if reason:
        return reason
    if verb in schema.verbs(template) and f"{verb} {template}" not in ROUTES:
        return "no handler: nothing here calls it"
    return None


def command_reason(pve: str, argv: list[str]) -> str | None:
    """None when a command line is in scope, else why not."""
    if argv[0] not in COMMANDS:
        return f"`{argv[0]}` is no command of the lab"
    if tuple(argv[:2]) in MANUAL:
        return "PVE's manual"
    verbs = {"get": "GET", "set": "PUT", "create": "POST", "delete": "DELETE"}
    if argv[0] == "pvesh" and len(argv) > 2 and argv[1] in verbs:
        return endpoint_reason(pve, verbs[argv[1]], argv[2])
    return None
