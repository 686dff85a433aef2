"""The client under test as a process: the Ansible module over HTTPS, killed on demand."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.end_to_end.fault_sites import GROUPS, REPORT
from tests.end_to_end.pretended_world import PASSWORD, SOURCE, PretendedWorld

MODULE = SOURCE.parent / "plugins" / "modules" / "gpu_container.py"
LONGEST_RUN_SECONDS = 180
KILLED = -signal.SIGKILL


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """How a run ended; `document` is what the module printed, empty when it was killed before."""

    exit_status: int
    document: Mapping[str, Any]
    output: str

    @property
    def message(self) -> str:
        """The failure, as a user reads it."""
        return str(self.document.get("msg", ""))


def arguments(world: PretendedWorld, wished: Sequence[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    """The module's arguments for a wish."""
    return {
        "api_host": "127.0.0.1",
        "api_port": world.port,
        "api_password": PASSWORD,
        "api_fingerprint": world.fingerprint,
        "node": "pve1",
        "containers": list(wished),
        "gpus_report": REPORT,
        "guest_groups": GROUPS,
        "api_timeout_seconds": 2,
        "shutdown_timeout_seconds": 3,
        **more,
    }


def run_module(
    given: Mapping[str, Any],
    *,
    program: Path = MODULE,
    until: Callable[[], bool] | None = None,
    meanwhile: Callable[[], bool] | None = None,
    check: bool = False,
) -> Run:
    """Run the module to its end, or kill it with SIGKILL as soon as `until` holds.

    `meanwhile` is asked again and again until it says that it has done its part.
    """
    text = json.dumps({"ANSIBLE_MODULE_ARGS": {**given, "_ansible_check_mode": check}})
    with subprocess.Popen(
        [sys.executable, str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdin is not None
        process.stdin.write(text)
        process.stdin.close()
        process.stdin = None
        if until is not None:
            _wait_for(process, until)
            process.kill()
        if meanwhile is not None:
            _wait_for(process, meanwhile)
        output, _ = process.communicate(timeout=LONGEST_RUN_SECONDS)
    return Run(exit_status=process.returncode, document=_document(output), output=output)


def _wait_for(process: subprocess.Popen[str], until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_RUN_SECONDS
    while process.poll() is None and not until() and time.monotonic() < deadline:
        time.sleep(0.01)


def _document(output: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(output[output.index("{") :])
    except ValueError:
        return {}
    return found
