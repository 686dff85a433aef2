"""A binary keyring under /etc/apt/keyrings; the builtin copy module writes text only."""
# ruff: noqa: D103, E402 - Ansible's layout: DOCUMENTATION first, no packages

from __future__ import annotations

DOCUMENTATION = """
module: rocm_keyring
short_description: write the pinned key as a keyring for apt
description:
  - Writes the file whole or not at all, owned by root and readable for all. Check and diff mode show fingerprints.
author: rocmox
options:
  path: {description: The keyring., type: path, required: true}
  key: {description: "The key, binary, in base64.", type: str, required: true}
"""

EXAMPLES = """
- name: Trust the pinned key
  rocm_keyring:
    path: /etc/apt/keyrings/rocm.gpg
    key: "{{ rocm_found.key }}"
"""

RETURN = "{}"

import base64
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.rocm_openpgp import keys


def fingerprints(blob: bytes) -> str:
    try:
        return "".join(f"{fingerprint}\n" for fingerprint in keys(blob))
    except (ValueError, IndexError):
        return "no key\n"


def main() -> None:
    options = {"path": {"type": "path", "required": True}, "key": {"type": "str", "required": True, "no_log": False}}
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    path, key = Path(module.params["path"]), base64.b64decode(module.params["key"])
    before = path.read_bytes() if path.exists() else b""
    changed = before != key
    if changed and not module.check_mode:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(key)
        Path(file.name).chmod(0o644)
        module.atomic_move(file.name, str(path))
    shown = {"before": fingerprints(before) if before else "", "after": fingerprints(key), "before_header": str(path)}
    module.exit_json(changed=changed, diff=shown)


if __name__ == "__main__":
    main()
