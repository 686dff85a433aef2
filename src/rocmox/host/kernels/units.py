"""The two units of a kernel on trial."""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.host import places, step
from rocmox.host.step import Read, Step
from rocmox.machine import Machine

_NAMES = (places.TRIAL_UNIT, places.GUESTS_UNIT)


def unit(kind: str) -> str:
    """The two units of a kernel on trial: one judges before the guests start, one sees to it that they run."""
    judges = kind == places.TRIAL_UNIT
    what = "Judge the kernel on trial" if judges else "Start the guests that ran before the change of kernel"
    after = (
        "local-fs.target pve-cluster.service pvedaemon.service" if judges else f"{places.TRIAL_UNIT} pve-guests.service"
    )
    # Nobody logs in, and no guest looks for its cards, before it is known whether this kernel stays.
    before = "Before=pve-guests.service ssh.service\n" if judges else ""
    return f"""# The role amdgpu_host wrote this.
[Unit]
Description={what} (rocmox)
ConditionPathExists={places.UPGRADE}
After={after}
{before}
[Service]
Type=oneshot
ExecStart={places.PYTHON} {places.PROGRAM} host trial {"judge" if judges else "guests"}
TimeoutStartSec=10min

[Install]
WantedBy=multi-user.target
"""


def plan_units(read: Read) -> Iterator[Step]:
    """Written and enabled."""
    stale = {
        path: content
        for path, content in ((f"{places.UNITS}/{name}", unit(name)) for name in _NAMES)
        if read(path) != content
    }
    for path, content in stale.items():
        yield step.write_file(path, content, read(path))
    if stale:
        yield step.do("enable the units of a kernel on trial", _enable, header="systemctl enable")


def undo_units(read: Read) -> Iterator[Step]:
    """Disabled, then gone."""
    yield step.do("disable the units of a kernel on trial", _disable, header="systemctl enable")
    yield from step.remove_present(tuple(f"{places.UNITS}/{name}" for name in _NAMES), read)


def _enable(machine: Machine) -> None:
    """Both start at boot; their condition makes them do nothing while no kernel is on trial."""
    machine.run(["systemctl", "daemon-reload"]).check()
    machine.run(["systemctl", "enable", places.TRIAL_UNIT, places.GUESTS_UNIT]).check()


def _disable(machine: Machine) -> None:
    """Neither starts at boot."""
    machine.run(["systemctl", "disable", places.TRIAL_UNIT, places.GUESTS_UNIT])
