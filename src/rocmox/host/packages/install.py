"""The actions behind the plan of packages that take more than a line, and the initial RAM disks that follow."""

from __future__ import annotations

from rocmox.errors import RocmoxError
from rocmox.facts import dkms
from rocmox.host import files, places
from rocmox.host.desired import DesiredHost
from rocmox.host.packages import apt
from rocmox.host.packages.resolve import DRIVER, FIRMWARE
from rocmox.host.packages.source import preferences
from rocmox.host.state import MODULE
from rocmox.machine import Machine

_SECONDS = 1800
_QUIET = {"LC_ALL": "C"}


def install_headers(machine: Machine, names: tuple[str, ...]) -> None:
    """Headers first: a module can be built as soon as its kernel is there."""
    apt.update(machine)
    apt.install(machine, names)


def install_driver(machine: Machine, desired: DesiredHost, version: str, before: str, kernel: str) -> None:
    """The driver in exactly this version; taken back whole when its package cannot be configured."""
    apt.update(machine)
    try:
        apt.install(machine, (f"{DRIVER}={version}", f"{FIRMWARE}={version}", "dkms"))
    except RocmoxError as error:
        first, log = _first_error(machine, kernel)
        _take_back(machine, desired, before)
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


def _take_back(machine: Machine, desired: DesiredHost, before: str) -> None:
    if before:
        files.write(places.PREFERENCES, preferences(desired, before))
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


def renew_initramfs(machine: Machine) -> None:
    """Modules and their options may be in the initial RAM disk of any kernel."""
    machine.run(["update-initramfs", "-u", "-k", "all"], timeout_seconds=_SECONDS, environment=_QUIET).check()
