"""A container, entered from its node with `lxc-attach`, as `pct exec` does in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rocmox.errors import MachineError
from rocmox.machine.base import Completed, Machine
from rocmox.machine.remote import RemoteMachine
from rocmox.machine.ssh import SshMachine

_NOT_RUNNING = "is not running"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class ContainerMachine(RemoteMachine):
    """The container `vmid` of a node, as root inside it."""

    def __init__(self, node: Machine, vmid: int) -> None:
        self.name = f"container {vmid} of {node.name}"
        self._node = node
        self._vmid = vmid

    def command_line(self, argv: Sequence[str]) -> list[str]:
        """The command that runs `argv` inside, through ssh when the node is remote."""
        command = self._enter(argv)
        return self._node.command_line(command) if isinstance(self._node, SshMachine) else command

    def _enter(self, words: Sequence[str]) -> list[str]:
        return ["lxc-attach", "-n", str(self._vmid), "--clear-env", "--", "/usr/bin/env", _PATH, *words]

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        timeout_seconds: float = 60,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        settings = [f"{key}={value}" for key, value in (environment or {}).items()]
        done = self._node.run(self._enter([*settings, *argv]), stdin=stdin, timeout_seconds=timeout_seconds)
        if done.exit_status and _NOT_RUNNING in done.stderr and "lxc-attach:" in done.stderr:
            raise MachineError(
                f"{self.name} is not running",
                remedy=f"Start it with `pct start {self._vmid}` on its node.",
            )
        return Completed(argv=tuple(argv), exit_status=done.exit_status, stdout=done.stdout, stderr=done.stderr)
