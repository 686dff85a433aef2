"""One task as a process of its own: `python -m rocmox_lab.pve.worker_process` reads the job from standard input.

The job is {"upid", "user", "arguments", "settings"}; the log and the exit status go to the task's files.
"""

from __future__ import annotations

import json
import sys

from rocmox_lab.pve import jobs  # noqa: F401 - registers the workers
from rocmox_lab.pve.node import Node, Settings
from rocmox_lab.pve.tasks import TaskId
from rocmox_lab.pve.worker import ProcessSpawner


def main() -> int:
    """Run one job."""
    job = json.loads(sys.stdin.read())
    task = TaskId.parse(job["upid"])
    if task is None:
        return 2
    node = Node(settings=Settings(**job["settings"]))
    ProcessSpawner(node).work(task, job["user"], job["arguments"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
