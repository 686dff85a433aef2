"""Which installed release of Open WebUI serves: switch to another one, and back when it does not answer."""
# ruff: noqa: D103, E402 - Ansible's layout: DOCUMENTATION first, no packages

from __future__ import annotations

DOCUMENTATION = """
module: open_webui_release
short_description: switch the release of Open WebUI that serves, with a backup and a way back
description:
  - Releases are virtual environments beside each other in C(ROOT/venvs); the link C(ROOT/current) names the one in use.
  - The first release is linked and left to the caller to start. An upgrade starts the new release on a copy of the
    database first, then stops the service, copies the data, switches, starts, and waits for C(/health).
  - A release that does not answer is taken back, link and data, and the old one is started again; the module fails.
  - A journal in C(ROOT/upgrade.json) makes an interrupted upgrade go back at the next run before anything else happens.
author: rocmox
options:
  root: {description: Where releases are installed., type: path, required: true}
  release: {description: Folder name of the desired release in C(ROOT/venvs)., type: str, required: true}
  data: {description: The data directory., type: path, required: true}
  backups: {description: Where copies of the data go., type: path, required: true}
  unit: {description: The systemd unit., type: str, default: open-webui.service}
  user: {description: The service user., type: str, required: true}
  environment_files: {description: The unit's environment files., type: list, elements: path, default: []}
  health_url: {description: The address that answers when the service is up., type: str, required: true}
  start_seconds: {description: How long a start may take., type: int, default: 180}
  keep: {description: How many backups and how many former releases stay., type: int, default: 2}
"""

RETURN = """
previous: {description: The release that served before., type: str, returned: always}
backup: {description: The copy of the data made before the switch., type: str, returned: on upgrade}
"""

import os
import sqlite3
import subprocess
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.open_webui_switch import Plan, ReleaseError, ensure, run


def main() -> None:
    required = {"type": "str", "required": True}
    module = AnsibleModule(
        argument_spec={
            **{name: {"type": "path", "required": True} for name in ("root", "data", "backups")},
            **dict.fromkeys(("release", "user", "health_url"), required),
            "unit": {"type": "str", "default": "open-webui.service"},
            "environment_files": {"type": "list", "elements": "path", "default": []},
            "start_seconds": {"type": "int", "default": 180},
            "keep": {"type": "int", "default": 2},
        },
        supports_check_mode=True,
    )
    given = dict(module.params)
    folders = {name: Path(given.pop(name)) for name in ("root", "data", "backups")}
    files = tuple(given.pop("environment_files"))
    os.umask(0o077)
    plan = Plan(**folders, **given, environment_files=files, run=run)
    try:
        result = ensure(plan, check=module.check_mode)
    except (ReleaseError, OSError, sqlite3.Error, subprocess.CalledProcessError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
