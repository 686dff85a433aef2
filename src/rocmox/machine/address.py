"""`--machine`: local, ssh://user@host, ct://host/VMID or capture:PATH."""

from __future__ import annotations

import re
from pathlib import Path

from rocmox.errors import UsageError
from rocmox.machine.base import Machine
from rocmox.machine.container import ContainerMachine
from rocmox.machine.local import LocalMachine
from rocmox.machine.ssh import SshMachine

FORMS = "local, ssh://user@host, ct://host/VMID, capture:PATH"
# No leading dash: such a host would be an option of ssh.
_HOST = r"(?:[\w.][\w.-]*@)?[\w.\[:][\w.:\]-]*"
_SSH = re.compile(rf"ssh://(?P<destination>{_HOST})")
_CONTAINER = re.compile(rf"ct://(?P<destination>{_HOST})/(?P<vmid>[1-9]\d{{2,8}})")


def machine_at(address: str) -> Machine:
    """The machine that an address names; UsageError when it is none. Nothing is connected yet."""
    if address == "local":
        return LocalMachine()
    if match := _SSH.fullmatch(address):
        return SshMachine(match["destination"])
    if match := _CONTAINER.fullmatch(address):
        node = match["destination"]
        return ContainerMachine(
            LocalMachine() if node in {"local", "localhost"} else SshMachine(node), int(match["vmid"])
        )
    kind, _, path = address.partition(":")
    if kind == "capture":
        if not path or not Path(path).exists():
            raise UsageError(f"{path or 'nothing'}: no such capture", remedy="Give a folder or a .tar.gz.")
        from rocmox.machine.captured import CapturedMachine  # noqa: PLC0415 - tarfile is slow to load, and rarely needed

        return CapturedMachine(Path(path))
    raise UsageError(f"{address!r} names no machine", remedy=f"Write one of: {FORMS}.")
