"""The actions behind the plan that take more than a line: the driver's packages, dkms' hooks, units, RAM disks."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

from rocmox.errors import RocmoxError
from rocmox.facts import dkms
from rocmox.host import apt, contents, files, places
from rocmox.host.resolve import DRIVER, FIRMWARE
from rocmox.host.state import MODULE
from rocmox.host.wish import HostWish
from rocmox.machine import Machine

_SECONDS = 1800
_QUIET = {"LC_ALL": "C"}


def install_headers(machine: Machine, names: tuple[str, ...]) -> None:
    """Headers first: a module can be built as soon as its kernel is there."""
    apt.update(machine)
    apt.install(machine, names)


def install_driver(machine: Machine, wish: HostWish, version: str, before: str, kernel: str) -> None:
    """The driver in exactly this version; taken back whole when its package cannot be configured."""
    apt.update(machine)
    try:
        apt.install(machine, (f"{DRIVER}={version}", f"{FIRMWARE}={version}", "dkms"))
    except RocmoxError as error:
        first, log = _first_error(machine, kernel)
        _take_back(machine, wish, before)
        raise RocmoxError(
            f"{DRIVER} {version} cannot be installed: {first or error.message}"
            + (f" ({log})" if log else "")
            + (f". {before} is installed again" if before else ". It was removed again, with its source and its key"),
            remedy="`rocmox compatibility` shows which driver fits which kernel series.",
        ) from error


def _first_error(machine: Machine, kernel: str) -> tuple[str, str]:
    for module in dkms.read_status(machine):
        failed = module.name == MODULE and not dkms.installed_for((module,), MODULE, kernel)
        if failed and (found := dkms.read_first_error(machine, MODULE, module.version, kernel)):
            return found
    return "", ""


def _take_back(machine: Machine, wish: HostWish, before: str) -> None:
    if before:
        files.write(places.PREFERENCES, contents.preferences(wish, before))
        apt.run(
            machine,
            "install",
            "--allow-downgrades",
            "--no-install-recommends",
            f"{DRIVER}={before}",
            f"{FIRMWARE}={before}",
        )
        return
    apt.run(machine, "purge", DRIVER, FIRMWARE)
    for path in (places.SOURCE, places.PREFERENCES, places.KEYRING):
        files.remove(path)


def override(path: str) -> Callable[[Machine], None]:
    """Dkms' hook is kept and is not executable: run-parts leaves it out, and dpkg keeps it so over upgrades of dkms."""

    def action(machine: Machine) -> None:
        update = ["--update"] if Path(path).exists() else []
        machine.run(["dpkg-statoverride", *update, "--force-all", "--add", "root", "root", "0644", path]).check()

    return action


def undo_override(path: str) -> Callable[[Machine], None]:
    """Dkms' hook runs by itself again."""

    def action(machine: Machine) -> None:
        machine.run(["dpkg-statoverride", "--remove", path])
        hook = Path(path)
        if hook.exists():
            hook.chmod(hook.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)

    return action


def enable_units(machine: Machine) -> None:
    """Both start at boot; their condition makes them do nothing while no kernel is on trial."""
    machine.run(["systemctl", "daemon-reload"]).check()
    machine.run(["systemctl", "enable", places.TRIAL_UNIT, places.GUESTS_UNIT]).check()


def disable_units(machine: Machine) -> None:
    """Neither starts at boot."""
    machine.run(["systemctl", "disable", places.TRIAL_UNIT, places.GUESTS_UNIT])


def renew_initramfs(machine: Machine) -> None:
    """Modules and their options may be in the initial RAM disk of any kernel."""
    machine.run(["update-initramfs", "-u", "-k", "all"], timeout_seconds=_SECONDS, environment=_QUIET).check()


def load(machine: Machine) -> None:
    """Load the driver now, where none is loaded yet."""
    machine.run(["modprobe", MODULE], timeout_seconds=300).check(remedy="Read `dmesg | tail`.")
