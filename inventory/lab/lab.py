#!/usr/bin/env python3
"""The embedded lab as an Ansible inventory: addresses, keys and secrets of the lab that `rocmox lab up` started.

Standard library only. The lab's name comes from ROCMOX_LAB (default: `default`). Choices stand in group_vars beside it.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

LABS_DIRECTORY = Path(os.environ.get("ROCMOX_LABS_DIRECTORY", "/var/lib/rocmox/labs"))
GUESTS = {"llm1": {"group": "gpu_guests", "vmid": 101}, "chat1": {"group": "webui_guests", "vmid": 102}}


def inventory(name: str) -> dict[str, Any]:
    """What `ansible-inventory --list` expects; without a lab the hosts alone, so that syntax and lint checks work."""
    state = read_state(name)
    node = state["node"] if state else "pve1"
    hosts: dict[str, dict[str, Any]] = {
        node: node_variables(state) if state else {"ansible_host": "lab.is.not.up.invalid"}
    }
    groups: dict[str, Any] = {"pve_hosts": {"hosts": [node]}, "guests": {"children": ["gpu_guests", "webui_guests"]}}
    for guest, place in GUESTS.items():
        hosts[guest] = {
            **hosts[node],
            "proxmox_vmid": place["vmid"],
            "pve_node_inventory_host": node,
        }
        groups[str(place["group"])] = {"hosts": [guest]}
    return {**groups, "_meta": {"hostvars": hosts}}


def node_variables(state: dict[str, Any]) -> dict[str, Any]:
    """How to reach the node by SSH and by its API; guests are entered through it, so they carry the same."""
    ssh_options = f"-o UserKnownHostsFile={state['known_hosts']} -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes"
    return {
        "ansible_host": state["node_address"],
        "ansible_user": "root",
        "ansible_ssh_private_key_file": state["ssh_private_key"],
        "ansible_ssh_common_args": ssh_options,
        # Multiplexed connections end with the lab: its successor has the same address.
        "ansible_control_path_dir": str(Path(state["known_hosts"]).parent.parent / "ssh"),
        "pve_api_host": state["node_address"],
        "pve_api_user": "root@pam",
        "pve_api_password": Path(state["root_password_file"]).read_text(encoding="utf-8").strip(),
        "pve_api_fingerprint": state["api_fingerprint"],
        "pve_node": state["node"],
        "lab_name": state["name"],
        "lab_gateway": state["gateway"],
        "lab_network_prefix": state["gateway"].rpartition(".")[0],
        "lab_mirror_url": state["mirror_url"],
    }


def read_state(name: str) -> dict[str, Any] | None:
    """The state of a lab that was brought up; None, with the reason on stderr, when there is none to be read."""
    path = LABS_DIRECTORY / name / "state.json"
    try:
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not state["api_fingerprint"]:
            warn(f"lab {name} is half made: run `rocmox lab up --name {name}` again")
            return None
        Path(state["root_password_file"]).read_text(encoding="utf-8")
    except PermissionError:
        warn(f"lab {name}: its state belongs to root; run ansible-playbook as root, for example with sudo")
        return None
    except (OSError, ValueError, KeyError):
        warn(f"no lab named {name} is up: run `make lab` (or `rocmox lab up --name {name}`)")
        return None
    return state


def warn(text: str) -> None:
    """Ansible shows an inventory script's stderr with -v, and all of it when the play cannot reach the host."""
    print(f"inventory/lab: {text}", file=sys.stderr)


def main(arguments: list[str]) -> int:
    """Answer `--list` (everything) or `--host NAME` (nothing: the variables are in `_meta`)."""
    name = os.environ.get("ROCMOX_LAB") or "default"
    document = {} if arguments[:1] == ["--host"] else inventory(name)
    print(json.dumps(document, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
