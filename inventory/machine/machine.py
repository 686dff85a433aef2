#!/usr/bin/env python3
"""The lab's booted machine as an Ansible inventory: what `rocmox lab machine up` started.

Standard library only. The machine's name comes from ROCMOX_MACHINE (default: `default`). Choices stand in group_vars
beside it.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

MACHINES_DIRECTORY = Path(os.environ.get("ROCMOX_MACHINES_DIRECTORY", "/var/lib/rocmox/machines"))
GUEST = {"name": "llm1", "vmid": 101}


def inventory(name: str) -> dict[str, Any]:
    """What `ansible-inventory --list` expects; without a machine the hosts alone, so that syntax checks work."""
    state = read_state(name)
    node = state["node"] if state else "pve1"
    variables = node_variables(state) if state else {"ansible_host": "machine.is.not.up.invalid"}
    guest = {**variables, "proxmox_vmid": GUEST["vmid"], "pve_node_inventory_host": node}
    return {
        "pve_hosts": {"hosts": [node]},
        "gpu_guests": {"hosts": [GUEST["name"]]},
        "webui_guests": {"hosts": []},
        "guests": {"children": ["gpu_guests", "webui_guests"]},
        "_meta": {"hostvars": {node: variables, str(GUEST["name"]): guest}},
    }


def node_variables(state: dict[str, Any]) -> dict[str, Any]:
    """How to reach the machine by SSH and by its API, and the keys of its repositories."""
    directory = Path(state["known_hosts"]).parent
    ssh_options = f"-o UserKnownHostsFile={state['known_hosts']} -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes"
    return {
        "ansible_host": "127.0.0.1",
        "ansible_port": state["ssh_port"],
        "ansible_user": "root",
        "ansible_ssh_private_key_file": state["ssh_private_key"],
        "ansible_ssh_common_args": ssh_options,
        "ansible_control_path_dir": str(directory / "ssh"),
        "pve_api_host": "127.0.0.1",
        "pve_api_port": state["api_port"],
        "pve_api_user": "root@pam",
        "pve_api_password": Path(state["root_password_file"]).read_text(encoding="utf-8").strip(),
        "pve_api_fingerprint": state["api_fingerprint"],
        "pve_node": state["node"],
        "machine_name": state["name"],
        "machine_amd_fingerprint": state["amd_fingerprint"],
    }


def read_state(name: str) -> dict[str, Any] | None:
    """The state of a machine that was brought up; None, with the reason on stderr, when there is none to be read."""
    try:
        state: dict[str, Any] = json.loads((MACHINES_DIRECTORY / name / "state.json").read_text(encoding="utf-8"))
        Path(state["root_password_file"]).read_text(encoding="utf-8")
    except PermissionError:
        warn(f"machine {name}: its state belongs to root; run ansible-playbook as root, for example with sudo")
        return None
    except (OSError, ValueError, KeyError):
        warn(f"no machine named {name} is up: run `rocmox lab machine up --name {name}`")
        return None
    return state


def warn(text: str) -> None:
    """Ansible shows an inventory script's stderr with -v, and all of it when the play cannot reach the host."""
    print(f"inventory/machine: {text}", file=sys.stderr)


def main(arguments: list[str]) -> int:
    """Answer `--list` (everything) or `--host NAME` (nothing: the variables are in `_meta`)."""
    name = os.environ.get("ROCMOX_MACHINE") or "default"
    print(json.dumps({} if arguments[:1] == ["--host"] else inventory(name), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
