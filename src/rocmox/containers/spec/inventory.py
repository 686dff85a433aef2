"""Reads the desired containers out of an Ansible inventory, templates and vaults resolved by Ansible itself."""

from __future__ import annotations

import dataclasses
import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rocmox.errors import CannotLookError, RefusedError
from rocmox.machine import LocalMachine, Machine

# Every variable the role `gpu_container` reads, and how Ansible reaches the node.
_WANTED = "(pve_|gpu_container|ansible_(connection|host|user|port|ssh_))"
_EXPRESSION = (
    "{{ hostvars[inventory_hostname] | dict2items | selectattr('key', 'match', '"
    + _WANTED
    + "') | items2dict | to_json }}"
)
_QUIET = {
    "ANSIBLE_NOCOLOR": "1",
    "ANSIBLE_DEPRECATION_WARNINGS": "0",
    "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
    "ANSIBLE_STDOUT_CALLBACK": "minimal",
}
_API_NAMES = ("api_host", "api_user", "api_password", "api_token_id", "api_token_secret", "api_fingerprint", "node")


@dataclasses.dataclass(frozen=True, kw_only=True)
class InventoryHost:
    """One node of the inventory with its variables, secrets out of every repr."""

    name: str
    variables: Mapping[str, Any] = dataclasses.field(repr=False)

    def parameters(self) -> dict[str, Any]:
        """The module's parameters, as the role's defaults derive them from the site variables."""
        given = {name: self.variables.get(f"gpu_container_{name}") for name in self._overrides()}
        for name in _API_NAMES:
            given[name] = given.get(name) or self.variables.get(f"pve_{name}")
        given["containers"] = given.pop("list", None) or self.variables.get("gpu_containers")
        given |= self._shell()
        credentials = given.get("api_password") or given.get("api_token_secret")
        needed = ("api_host", "node") if credentials else ("node",)
        missing = [f"pve_{name}" for name in needed if not given.get(name)]
        if missing or given["containers"] is None:
            wanted = ", ".join(missing) or "gpu_containers"
            raise RefusedError(
                f"{self.name} has no {wanted}", remedy="Set it in the inventory (see inventory/example)."
            )
        return {name: value for name, value in given.items() if value is not None}

    def _shell(self) -> dict[str, str]:
        """How the node's own command line is reached, as Ansible reaches it."""
        if self.variables.get("ansible_connection") == "local":
            return {"ssh_destination": "local"}
        destination, options = self.destination()
        return {"ssh_destination": destination, "ssh_options": shlex.join(options)}

    def destination(self) -> tuple[str, tuple[str, ...]]:
        """`user@host` and further words for ssh."""
        variables = self.variables
        options = shlex.split(
            f"{variables.get('ansible_ssh_common_args', '')} {variables.get('ansible_ssh_extra_args', '')}"
        )
        if variables.get("ansible_ssh_private_key_file"):
            options += ["-i", str(variables["ansible_ssh_private_key_file"])]
        if variables.get("ansible_port"):
            options += ["-p", str(variables["ansible_port"])]
        host = variables.get("ansible_host", self.name)
        return f"{variables.get('ansible_user', 'root')}@{host}", tuple(options)

    def _overrides(self) -> list[str]:
        return [key.removeprefix("gpu_container_") for key in self.variables if key.startswith("gpu_container_")]


def read_hosts(directory: str, *, limit: str, machine: Machine | None = None) -> list[InventoryHost]:
    """The nodes of group `pve_hosts` in an inventory, those that match `limit`."""
    ansible = str(Path(sys.executable).parent / "ansible")
    argv = [ansible, "pve_hosts", "--inventory", directory, "--module-name", "ansible.builtin.debug"]
    argv += ["--args", json.dumps({"msg": _EXPRESSION})] + (["--limit", limit] if limit else [])
    done = (machine or LocalMachine(root="/")).run(argv, environment=_QUIET, timeout_seconds=120)
    hosts = parse_ad_hoc(done.stdout)
    if done.exit_status or not hosts:
        raise CannotLookError(
            f"the inventory {directory} gives no node of the group pve_hosts:\n{done.stderr.strip()[-1500:]}",
            remedy="`ansible-inventory --graph -i DIR` shows what Ansible sees; a vault password belongs into "
            "ANSIBLE_VAULT_PASSWORD_FILE.",
        )
    return hosts


def parse_ad_hoc(text: str) -> list[InventoryHost]:
    """`HOST | SUCCESS => {"msg": "…"}`, once for each host."""
    hosts = []
    for part in text.split(" | SUCCESS => ")[1:]:
        result, _ = json.JSONDecoder().raw_decode(part)
        message = result["msg"]
        hosts.append(json.loads(message) if isinstance(message, str) else message)
    names = [line.partition(" | SUCCESS => ")[0] for line in text.splitlines() if " | SUCCESS => " in line]
    return [InventoryHost(name=name, variables=values) for name, values in zip(names, hosts, strict=True)]
