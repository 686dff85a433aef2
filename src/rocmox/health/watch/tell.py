"""Hands the node's results to the guests that hold cards.

The copy is written by a process inside the guest's own namespaces (`lxc-attach`, as `pct exec` does), as the guest's
root, which in an unprivileged guest is nobody on the node. So no process of the node follows a path that the guest made
up, the guest's configuration needs no mount (which would want a restart, forbid snapshots, and take root@pam to set),
and nothing leads back: whatever a guest does to its copy changes nothing on the node.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Sequence

from rocmox.errors import CannotLookError
from rocmox.gpu.holders import containers_with
from rocmox.gpu.inventory import GpuInventory
from rocmox.health.result import Result
from rocmox.health.watch.handed import PLACE, Handed, for_guest, to_text
from rocmox.machine.base import Machine
from rocmox.machine.container import ContainerMachine

_FOLDER = PLACE.rpartition("/")[0]
_WRITE = (
    f"umask 022 && mkdir -p {_FOLDER} && new=$(mktemp {_FOLDER}/.host-health.XXXXXX) && "
    f'cat > "$new" && chmod 0444 "$new" && mv -f "$new" {PLACE}'
)
_TIMEOUT_SECONDS = 20.0


def cards_by_guest(inventory: GpuInventory) -> dict[int, list[str]]:
    """VMID → PCI addresses of the cards that are passed to it."""
    found: dict[int, list[str]] = {}
    for gpu in inventory.gpus:
        for vmid in containers_with(gpu, inventory.containers):
            found.setdefault(vmid, []).append(gpu.pci_address)
    return found


def running(machine: Machine, guests: Iterable[int]) -> Iterator[int]:
    """Those of the guests that run."""
    for vmid in guests:
        try:
            done = machine.run(["lxc-info", "-n", str(vmid), "-s", "-H"], timeout_seconds=_TIMEOUT_SECONDS)
        except CannotLookError:
            continue
        if done.stdout.strip() == "RUNNING":
            yield vmid


def tell(
    machine: Machine,
    results: Sequence[Result],
    guests: dict[int, list[str]],
    *,
    at_seconds: float,
    good_for_seconds: float,
) -> Iterator[str]:
    """Writes each guest's document; what went wrong, one line each."""
    for vmid, cards in guests.items():
        handed = Handed(
            node=socket.gethostname(),
            at_seconds=at_seconds,
            good_for_seconds=good_for_seconds,
            results=for_guest(results, cards),
        )
        try:
            done = ContainerMachine(machine, vmid).run(
                ["sh", "-c", _WRITE], stdin=to_text(handed).encode(), timeout_seconds=_TIMEOUT_SECONDS
            )
        except CannotLookError as error:
            yield f"container {vmid} was not told: {error.message}"
            continue
        if done.exit_status:
            yield f"container {vmid} was not told: {done.stderr.strip()[:300]}"
