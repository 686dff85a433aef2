"""The lab's booted machine as tests see it: playbooks against it, what it runs, what its guest can open."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rocmox.host import places
from rocmox.machine import Completed
from rocmox_lab.vm import lifecycle, reach, snapshots
from rocmox_lab.vm.places import MachinePlaces, require_state

REPOSITORY = Path(__file__).parents[2]
GUEST = "101"
PLAYBOOK_SECONDS = 2400
_OPEN = "for node in /dev/kfd /dev/dri/renderD*; do (: <>$node) 2>/dev/null && echo $node; done; true"


@dataclasses.dataclass(frozen=True, kw_only=True)
class BootedMachine:
    """One machine by name."""

    name: str

    def run(self, *argv: str, timeout_seconds: float = 300, stdin: bytes | None = None) -> Completed:
        """A command on the machine, as root."""
        machine = lifecycle.machine_of(require_state(self.name))
        return machine.run(argv, timeout_seconds=timeout_seconds, stdin=stdin)

    def says(self, *argv: str) -> str:
        """What a command writes; it must succeed."""
        return self.run(*argv).check().stdout.strip()

    def asked(self, *words: str, **wished: Any) -> dict[str, Any]:
        """What `rocmox host …` answers there for the wish that the role left, with these fields changed."""
        wish = {**json.loads(self.says("cat", places.DESIRED)), **wished}
        argv = ("python3", "-I", places.PROGRAM, "host", *words, "--desired", "-")
        document: dict[str, Any] = json.loads(self.run(*argv, stdin=json.dumps(wish).encode()).stdout)
        return document

    def command(self, playbook: str, *further: str) -> list[str]:
        """ansible-playbook's command line."""
        ansible = Path(sys.executable).with_name("ansible-playbook")
        return [str(ansible), "-i", str(REPOSITORY / "inventory/machine"), str(REPOSITORY / playbook), *further]

    def environment(self) -> dict[str, str]:
        """What ansible-playbook needs to know."""
        return {
            **os.environ,
            "ROCMOX_MACHINE": self.name,
            "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
        }

    def play(self, playbook: str, *further: str) -> subprocess.CompletedProcess[str]:
        """Run a playbook to its end; its output is shown when a test fails."""
        started = time.monotonic()
        done = subprocess.run(
            self.command(playbook, *further),
            cwd=REPOSITORY,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=PLAYBOOK_SECONDS,
            check=False,
        )
        print(f"{playbook} {' '.join(further)}: exit {done.returncode} after {time.monotonic() - started:.0f} s")
        print(done.stdout[-6000:], done.stderr[-2000:])
        return done

    def offer(self, stage: str) -> None:
        """Switch what Proxmox's source holds."""
        lifecycle.offer(self.name, stage)

    def cut_power(self) -> None:
        """At once."""
        lifecycle.cut(self.name)

    def power_on(self) -> None:
        """Boot what the boot loader chooses, and wait until all services have settled."""
        lifecycle.power_on(require_state(self.name))
        self.wait()

    def restore(self, label: str) -> None:
        """Go on from a snapshot."""
        snapshots.restore(self.name, label)
        self.wait()

    def wait(self) -> None:
        """Until systemd has settled."""
        where = MachinePlaces(name=self.name)
        reach.wait_until_up(lifecycle.machine_of(require_state(self.name)), where.console)

    def kernel(self) -> str:
        """The release that runs."""
        return self.says("uname", "-r")

    def pinned(self) -> str:
        """The kernel that is pinned, empty for none."""
        return self.says("sh", "-c", "cat /etc/kernel/proxmox-boot-pin 2>/dev/null || true")

    def module_is_loaded(self) -> bool:
        """Whether amdgpu is among the kernel's modules."""
        return any(line.startswith("amdgpu ") for line in self.says("cat", "/proc/modules").splitlines())

    def guest_runs(self) -> bool:
        """As pct says."""
        return self.says("pct", "status", GUEST) == "status: running"

    def guest_opens(self) -> list[str]:
        """The device nodes that the guest can open for reading and writing."""
        return self.says("lxc-attach", "-n", GUEST, "--", "sh", "-c", _OPEN).split()

    def last_upgrade(self) -> dict[str, Any]:
        """What the host has noted of its last upgrade."""
        document: dict[str, Any] = json.loads(self.says("cat", "/var/lib/rocmox/host/last-upgrade.json"))
        return document


def machine_under_test() -> BootedMachine:
    """The machine that the scenario has brought up and upgraded."""
    return BootedMachine(name=os.environ.get("ROCMOX_MACHINE") or "molecule")


def machine_before() -> BootedMachine:
    """Its copy from before the upgrade, powered off; `prepared` is the snapshot to go on from."""
    return BootedMachine(name=f"{machine_under_test().name}-2")
