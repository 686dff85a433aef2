"""Watch a job that runs in a unit of its own in the guest, and show how far it is while it runs.

An action plugin, because Ansible shows a module's output only when the module has ended.
"""

from __future__ import annotations

import re
import shlex
import time
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

LOOK_SECONDS = 15
STEPS = re.compile(r"^\[(\d+)/(\d+)\] ")  # Ninja's progress

# Waits for the job's end, but not for long; then the state in one word and, below it, what there is to show.
LOOK = r"""
unit={unit} done={done} log={log} growing={growing} state=running
for _ in $(seq {quarters}); do
  systemctl is-active --quiet "$unit" || {{ state=$([ -e "$done" ] && echo finished || echo failed); break; }}
  sleep 0.25
done
echo "$state"
case $state in
  failed) tail --lines 40 "$log" ;;
  running) if [ -n "$growing" ]; then du --human-readable "$growing" 2>/dev/null | cut -f 1
           else tail --lines 1 "$log" | cut --characters -160; fi ;;
esac
"""


class ActionModule(ActionBase):
    """Arguments: unit, done (the path that exists when it succeeded), log, growing (a file whose size is shown)."""

    _VALID_ARGS = frozenset({"unit", "done", "log", "growing"})
    _supports_check_mode = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return when the job has ended; `log` holds its last lines when it failed."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = {name: shlex.quote(self._task.args.get(name, "")) for name in self._VALID_ARGS}
        command = LOOK.format(**arguments, quarters=LOOK_SECONDS * 4)
        host = (task_vars or {}).get("inventory_hostname", "")
        started = time.monotonic()
        while True:
            looked = self._low_level_execute_command(command, executable="/bin/bash")
            lines = looked["stdout"].splitlines()
            if looked["rc"] != 0 or not lines:
                raise AnsibleActionFail(f"The job cannot be watched: {looked['stderr'] or looked['stdout']}")
            if lines[0] != "running":
                return {**result, "changed": False, "finished": lines[0] == "finished", "log": lines[1:]}
            self._display.display(f"    {host}: {progress(lines[1:])}, {time.monotonic() - started:.0f} s")


def progress(lines: list[str]) -> str:
    """Ninja's steps as a share, else the line as it is."""
    shown = lines[0].strip() if lines else "running"
    steps = STEPS.match(shown)
    if not steps:
        return shown
    done, total = int(steps[1]), int(steps[2])
    return f"{done} of {total} steps ({100 * done // total} %)"
