"""dkms' own hooks end a package's installation when a build fails; ours stand in for them."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from rocmox.host import places, step
from rocmox.host.step import Read, Step
from rocmox.machine import Machine

_KNOWN = "/var/lib/dpkg/statoverride"


def plan_overrides(read: Read) -> Iterator[Step]:
    """Each of dkms' hooks is kept and not run."""
    known = read(_KNOWN) or ""
    for path in places.DKMS_HOOKS:
        if f" {path}\n" not in f"{known}\n":
            yield step.do(
                f"let {path} be run by our hook alone",
                _override(path),
                header="dpkg-statoverride",
                after=f"root root 0644 {path}",
            )


def undo_overrides(read: Read) -> Iterator[Step]:
    """Each of dkms' hooks runs by itself again."""
    known = read(_KNOWN) or ""
    for path in places.DKMS_HOOKS:
        if f" {path}\n" in f"{known}\n":
            yield step.do(
                f"let {path} run by itself again",
                _undo_override(path),
                header="dpkg-statoverride",
                before=f"root root 0644 {path}",
            )


def _override(path: str) -> Callable[[Machine], None]:
    """Dkms' hook is kept and is not executable: run-parts leaves it out, and dpkg keeps it so over upgrades of dkms."""

    def action(machine: Machine) -> None:
        update = ["--update"] if Path(path).exists() else []
        machine.run(["dpkg-statoverride", *update, "--force-all", "--add", "root", "root", "0644", path]).check()

    return action


def _undo_override(path: str) -> Callable[[Machine], None]:
    """Dkms' hook runs by itself again."""

    def action(machine: Machine) -> None:
        machine.run(["dpkg-statoverride", "--remove", path])
        hook = Path(path)
        if hook.exists():
            hook.chmod(hook.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)

    return action
