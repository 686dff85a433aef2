"""Which node of the inventory a guest runs on."""

from __future__ import annotations

DOCUMENTATION = """
name: guest_node
short_description: the inventory name of the node that a guest runs on
description:
  - What C(pve_node_inventory_host) of the guest says; without it the only host of the group C(pve_hosts).
  - Fails when that is not a host of the inventory, and when nothing is said although there are several nodes.
  - What belongs to the node, such as its C(gpu_containers), is then C(hostvars[lookup('guest_node')]).
author: rocmox
options: {}
"""

EXAMPLES = """
- name: Ask the node whether the guest runs
  ansible.builtin.command:
    argv: [lxc-info, --name, "{{ proxmox_vmid }}", --state]
  delegate_to: "{{ lookup('guest_node') }}"
"""

RETURN = """
_raw:
  description: One name.
  type: list
  elements: str
"""

from collections.abc import Collection
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase


def node_of(guest: str, said: str, nodes: Collection[str], hosts: Collection[str]) -> str:
    """The node of a guest; AnsibleError with what to set when the inventory leaves it open.

    `said` is the guest's own word (empty: none), `nodes` the group pve_hosts, `hosts` every host of the inventory.
    """
    known = ", ".join(sorted(nodes)) or "none"
    if said and said not in hosts:
        raise AnsibleError(
            f"{guest}: pve_node_inventory_host is {said!r}, which is not a host of the inventory (pve_hosts: {known})\n"
            "HINT: name the host of the group pve_hosts that this guest runs on"
        )
    if said:
        return said
    if len(nodes) != 1:
        raise AnsibleError(
            f"{guest} does not say which node it runs on, and pve_hosts holds {len(nodes)} ({known})\n"
            "HINT: set pve_node_inventory_host for this guest to the host of pve_hosts that it runs on"
        )
    return next(iter(nodes))


class LookupModule(LookupBase):
    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:  # noqa: ARG002 - Ansible's signature
        known: dict[str, Any] = variables or {}
        said = known.get("pve_node_inventory_host", "")
        groups = known.get("groups") or {}
        return [
            node_of(
                str(known.get("inventory_hostname", "a guest")),
                str(self._templar.template(said)) if said else "",
                groups.get("pve_hosts") or (),
                groups.get("all") or (),
            )
        ]
