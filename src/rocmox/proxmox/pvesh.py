"""The way in over `pvesh` as root: on the node itself, or on it over SSH. Standard library only.

`pvesh` runs as root@pam (`PVE::RESTEnvironment::setup_default_cli_env`), so it may pass devices without a password of
the API. It runs a task to its end before it returns and exits 0 even when the task failed: the task's own status,
asked with the UPID on the last line, is the verdict.
"""

from __future__ import annotations

import json
from typing import Any

from rocmox.errors import AuthenticationError, MachineError, RocmoxError
from rocmox.machine import Completed, Machine
from rocmox.proxmox.api import Parameters
from rocmox.proxmox.failures import LostAnswerError, from_text, not_permitted, refused_login

# pvesh's error exits are 255, 2 and 1; 255 is also what ssh says when it cannot connect, so it travels as 254.
_SCRIPT = 'pvesh "$@"; status=$?; [ "$status" -ne 255 ] || status=254; exit "$status"'
_NO_SUCH_COMMAND = 127
_READ_SECONDS = 60.0
_CHANGE_SECONDS = 3600.0


class PveshApi:
    """Implements `Api` over a machine that is a Proxmox VE node.

    Raises MachineError (unreachable, no node), AuthenticationError (not root), PermissionDeniedError, ProxmoxError.
    """

    account_name = "root@pam"

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def get(self, path: str, parameters: Parameters | None = None) -> Any:
        done = self._run("get", path, parameters, _READ_SECONDS)
        try:
            return json.loads(done.stdout)
        except ValueError as error:
            raise MachineError(f"{self._where(path)}: pvesh answered no JSON: {done.stdout[:200]!r}") from error

    def post(self, path: str, parameters: Parameters | None = None) -> Any:
        return self._change("create", path, parameters)

    def put(self, path: str, parameters: Parameters | None = None) -> Any:
        return self._change("set", path, parameters)

    def delete(self, path: str, parameters: Parameters | None = None) -> Any:
        return self._change("delete", path, parameters)

    def _change(self, verb: str, path: str, parameters: Parameters | None) -> Any:
        return last_document(self._run(verb, path, parameters, _CHANGE_SECONDS).stdout)

    def _run(self, verb: str, path: str, parameters: Parameters | None, timeout_seconds: float) -> Completed:
        words = [word for key, value in (parameters or {}).items() for word in (f"--{key}", str(value))]
        argv = ["sh", "-c", _SCRIPT, "pvesh", verb, path, *words, "--output-format", "json"]
        try:
            done = self._machine.run(argv, timeout_seconds=timeout_seconds)
        except MachineError as error:
            if verb == "get":
                raise
            # The connection was lost, or the time is up: that leaves open what pvesh has done.
            raise LostAnswerError(f"{self._where(path)}: {error.message}", remedy=error.remedy) from error
        if done.exit_status:
            raise self._failure(path, done)
        return done

    def _where(self, path: str) -> str:
        return f"pvesh on {self._machine.name}: {path}"

    def _failure(self, path: str, done: Completed) -> RocmoxError:
        text = words_of(done.stderr)
        if done.exit_status == _NO_SUCH_COMMAND:
            return MachineError(
                f"{self._machine.name} has no pvesh: it is not a Proxmox VE node",
                remedy="Give the node itself, or set pve_api_host and pve_api_password to use its API.",
            )
        if "please run as root" in text:
            return AuthenticationError(
                f"pvesh on {self._machine.name} works for root alone",
                remedy="Log in as root (ansible_user: root), or set pve_api_password to use the API over HTTPS.",
            )
        if text.startswith("401 "):
            return refused_login(self._where(path), self.account_name, text)
        if text.startswith("403 "):
            return not_permitted(self._where(path), self.account_name, text)
        return from_text(self._where(path), text or f"exit status {done.exit_status}")


def words_of(stderr: str) -> str:
    """PVE's words in one line, without pvesh's usage lines."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return " ".join(line for line in lines if not line.startswith(("pvesh ", "USAGE: pvesh ")))


def last_document(stdout: str) -> Any:
    """What the call returned: the last line that is JSON (a task's own output stands before it), None when none is."""
    text = stdout.strip()
    for candidate in (text, text.rpartition("\n")[2]):
        try:
            return json.loads(candidate)
        except ValueError:
            continue
    return None
