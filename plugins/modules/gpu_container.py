#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0

DOCUMENTATION = r"""
module: gpu_container
short_description: LXC containers with AMD cards on a Proxmox VE node, planned and applied
description:
  - Compares the desired containers with those on the node and carries out the difference.
  - Goes over the API with a password or a token, without them over C(pvesh) as root (SSH, or on the node itself).
  - Refuses before anything is changed when something is known to fail, and says every reason at once.
  - Changes and destroys only containers that carry the tag C(rocmox).
  - Runs where the package rocmox is installed, usually on the controller with C(delegate_to).
options:
  state:
    description:
      - V(present) creates and changes; V(absent) destroys the listed containers that carry the tag.
      - V(adopted) puts the tag on the listed containers that exist without it and have the listed host name.
    type: str
    choices: [present, absent, adopted]
    default: present
  api_host:
    description: Name or address of the API; needed with a password or a token.
    type: str
  api_port:
    description: Port of the API.
    type: int
    default: 8006
  api_user:
    description: User with realm. Only V(root@pam) with its password may pass devices to containers.
    type: str
    default: root@pam
  api_password:
    description: Password of the user.
    type: str
  api_token_id:
    description: Name of an API token of the user, instead of the password.
    type: str
  api_token_secret:
    description: Secret of the token.
    type: str
  api_fingerprint:
    description: SHA-256 fingerprint that pins the certificate. Without it a CA must vouch for the certificate.
    type: str
  api_ca_file:
    description: CA bundle that vouches for the certificate, instead of the system's.
    type: path
  api_timeout_seconds:
    description: Longest wait for one answer.
    type: int
    default: 30
  way:
    description:
      - Which way into the node to take. V(auto) takes V(https) with a password or a token, else V(local) when this
        machine is the node, else V(ssh).
    type: str
    choices: [auto, https, ssh, local]
    default: auto
  ssh_destination:
    description: The node as root for the system's ssh, V(root@host), or V(local). Host keys must be known.
    type: str
  ssh_options:
    description: Further words for ssh, quoted as for a shell.
    type: str
  node:
    description: Name of the node.
    type: str
    required: true
  containers:
    description: The desired containers; fields as in the role's README.
    type: list
    elements: dict
    required: true
  gpus_report:
    description: What C(rocmox gpus --json) printed on the node; lines around the document do no harm.
    type: str
    default: '{"gpus": []}'
  guest_groups:
    description: Lines C(VMID name:x:gid:members) with the groups render and video of the running guests.
    type: str
    default: ""
  restart:
    description: Whether a running container may be restarted for a change that needs it.
    type: str
    choices: [if_needed, never]
    default: if_needed
  template_storage:
    description: Storage of templates that are named without one.
    type: str
    default: local
  supported_guests:
    description: Systems a template may hold, as the beginning of its name. Empty means those of rocmox.
    type: list
    elements: str
    default: []
  allow_overcommit:
    description: Whether thin disks may promise more space than the storage has.
    type: bool
    default: false
  migrate_legacy:
    description: Whether raw C(lxc.*) lines that pass cards are replaced by C(devN), with a backup on the node.
    type: bool
    default: false
  create_timeout_seconds:
    description: Longest creation or removal of a container.
    type: int
    default: 900
  start_timeout_seconds:
    description: Longest start of a container.
    type: int
    default: 180
  shutdown_timeout_seconds:
    description: How long a guest may take to shut down before it is stopped.
    type: int
    default: 60
  download_timeout_seconds:
    description: Longest download of a template.
    type: int
    default: 1800
  resize_timeout_seconds:
    description: Longest growing of a disk.
    type: int
    default: 600
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
"""

EXAMPLES = r"""
- name: One container with every card
  gpu_container:
    api_host: pve1.example.org
    api_password: "{{ vault_pve_password }}"
    api_fingerprint: "{{ pve_api_fingerprint }}"
    node: pve1
    gpus_report: "{{ report.stdout }}"
    containers:
      - {vmid: 101, hostname: llm1, gpus: all, template: debian-13-standard}
  delegate_to: localhost
"""

RETURN = r"""
way:
  description: The way into the node that was taken, as whom, and how the other end was known.
  type: str
  returned: always
steps:
  description: What was done, or would be done in check mode.
  type: list
  elements: str
  returned: always
downloads:
  description: Templates that were or would be downloaded.
  type: list
  elements: dict
  returned: when state is present
stored_specs:
  description: The files on the node that the repair at boot goes by, with C(path), C(sha256) and C(content).
  type: list
  elements: dict
  returned: when state is present
awaiting_group_ids:
  description: Guests that run and get their devices once their group ids are given in O(guest_groups).
  type: list
  elements: int
  returned: when state is present
left_alone:
  description: Containers without the tag that were not touched.
  type: list
  elements: str
  returned: when state is absent
"""

import traceback

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    from rocmox.containers import ansible_entry
    from rocmox.errors import RocmoxError

    MISSING = None
except ImportError:
    MISSING = traceback.format_exc()


def argument_spec() -> dict[str, dict[str, object]]:
    return {
        "state": {"type": "str", "choices": ["present", "absent", "adopted"], "default": "present"},
        "api_host": {"type": "str"},
        "api_port": {"type": "int", "default": 8006},
        "api_user": {"type": "str", "default": "root@pam"},
        "api_password": {"type": "str", "no_log": True},
        "api_token_id": {"type": "str", "no_log": False},
        "api_token_secret": {"type": "str", "no_log": True},
        "api_fingerprint": {"type": "str"},
        "api_ca_file": {"type": "path"},
        "api_timeout_seconds": {"type": "int", "default": 30},
        "way": {"type": "str", "choices": ["auto", "https", "ssh", "local"], "default": "auto"},
        "ssh_destination": {"type": "str"},
        "ssh_options": {"type": "str"},
        "node": {"type": "str", "required": True},
        "containers": {"type": "list", "elements": "dict", "required": True},
        "gpus_report": {"type": "str", "default": '{"gpus": []}'},
        "guest_groups": {"type": "str", "default": ""},
        "restart": {"type": "str", "choices": ["if_needed", "never"], "default": "if_needed"},
        "template_storage": {"type": "str", "default": "local"},
        "supported_guests": {"type": "list", "elements": "str", "default": []},
        "allow_overcommit": {"type": "bool", "default": False},
        "migrate_legacy": {"type": "bool", "default": False},
        "create_timeout_seconds": {"type": "int", "default": 900},
        "start_timeout_seconds": {"type": "int", "default": 180},
        "shutdown_timeout_seconds": {"type": "int", "default": 60},
        "download_timeout_seconds": {"type": "int", "default": 1800},
        "resize_timeout_seconds": {"type": "int", "default": 600},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    if MISSING:
        module.fail_json(msg=missing_required_lib("rocmox"), exception=MISSING)
    by_state = {
        "present": ansible_entry.ensure_containers,
        "absent": ansible_entry.remove_containers,
        "adopted": ansible_entry.adopt_containers,
    }
    try:
        result = by_state[module.params["state"]](module.params, check_mode=module.check_mode)
    except RocmoxError as error:
        module.fail_json(msg=str(error))
    for warning in result.pop("warnings", []):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
