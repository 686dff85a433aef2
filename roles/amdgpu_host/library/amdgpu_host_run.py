"""Runs `rocmox host …` on the node from a zipapp that travels with the question; check and diff mode included."""
# ruff: noqa: D103, E402 - Ansible's layout: DOCUMENTATION first, no packages

from __future__ import annotations

DOCUMENTATION = """
module: amdgpu_host_run
short_description: run `rocmox host` on a Proxmox VE node
description:
  - Runs the program that comes in C(zipapp) and hands its JSON document on. Nothing needs to be installed on the node.
  - In check mode C(check_words) run instead of C(words), which only look.
author: rocmox
options:
  zipapp: {description: "rocmox.pyz, in base64.", type: str, required: true}
  words: {description: What follows C(rocmox host)., type: list, elements: str, required: true}
  check_words: {description: The same in check mode., type: list, elements: str, default: []}
  wish:
    description:
      - What the role wishes, as JSON in base64. A proxy's password may be in it, so Ansible is told not to show it.
      - In a dictionary each of its words would be masked wherever it occurs.
    type: str
    required: true
"""

EXAMPLES = """
- name: Look at the node
  amdgpu_host_run:
    zipapp: "{{ lookup('ansible.builtin.pipe', 'base64 --wrap=0 build/rocmox.pyz') }}"
    words: [look]
    check_words: [look]
    wish: "{{ {'driver': 'inbox'} | to_json | b64encode }}"
"""

RETURN = """
report: {description: What `rocmox host` says., type: dict, returned: always}
"""

import base64
import json
import sys
import tempfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    options = {
        "zipapp": {"type": "str", "required": True, "no_log": True},
        "words": {"type": "list", "elements": "str", "required": True},
        "check_words": {"type": "list", "elements": "str", "default": []},
        "wish": {"type": "str", "required": True, "no_log": True},
    }
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    words = module.params["check_words"] if module.check_mode else module.params["words"]
    if not words:
        module.exit_json(changed=True, report={})
    report = run(module, words)
    if module.check_mode and words[0] == "look":
        report["changed"] = bool(report.get("steps"))
    changed, diff = bool(report.get("changed")), report.pop("diff", [])
    module.exit_json(changed=changed, report=report, diff=diff if changed else [])


def run(module: AnsibleModule, words: list[str]) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile(suffix=".pyz") as zipapp:
        zipapp.write(base64.b64decode(module.params["zipapp"]))
        zipapp.flush()
        argv = [sys.executable, "-I", zipapp.name, "host", *words, "--desired", "-"]
        code, out, err = module.run_command(
            argv, data=base64.b64decode(module.params["wish"]).decode()
        )  # not seen in `ps`
    try:
        report: dict[str, Any] = json.loads(out)
    except ValueError:
        module.fail_json(msg=(err or out).strip() or f"rocmox host {' '.join(words)}: exit status {code}", rc=code)
    return report


if __name__ == "__main__":
    main()
