"""What a plan needs from the node itself, over its machine: the cards, and the group ids in running guests."""

from __future__ import annotations

from pathlib import Path

from rocmox.containers.cards import RENDER, VIDEO, Card, cards_from_report
from rocmox.containers.devices import GroupIds
from rocmox.containers.guest_groups import parse_guest_groups
from rocmox.errors import CannotLookError
from rocmox.machine import Machine
from rocmox.machine.container import ContainerMachine

_RUN_ZIPAPP = 'file=$(mktemp) && trap "rm -f $file" EXIT && cat >"$file" && python3 -I "$file" gpus --json'
_NO_CARD = 2
STORED_WISHES = "/etc/rocmox/containers"
_REFRESH = '[ -f "$1" ] || exit 0; umask 077; cat >"$1.new" && mv "$1.new" "$1"'


def read_cards(node: Machine, *, zipapp: Path, gpu_root: str) -> tuple[Card, ...]:
    """Runs rocmox's travelling part on the node and leaves nothing behind."""
    done = node.run(["sh", "-c", _RUN_ZIPAPP], stdin=zipapp.read_bytes(), environment={"ROCMOX_ROOT": gpu_root})
    if done.exit_status not in {0, _NO_CARD}:
        raise CannotLookError(f"the cards of {node.name} cannot be read: {done.stderr.strip()[-1000:]}")
    return cards_from_report(done.stdout)


def refresh_wish(node: Machine, vmid: int, document: str) -> None:
    """Keep what the repair at boot goes by in step with what was applied; nothing where it is not installed."""
    path = f"{STORED_WISHES}/{vmid}.json"
    node.run(["sh", "-c", _REFRESH, "refresh", path], stdin=document.encode()).check()


def read_group_ids(node: Machine, vmid: int, *, create: bool = False) -> GroupIds | None:
    """The ids in a running guest; with `create` a missing group is made, as udev's package does. None: not readable."""
    guest = ContainerMachine(node, vmid)
    if create:
        for group in (RENDER, VIDEO):
            guest.run(["groupadd", "--system", "--force", group])
    done = guest.run(["getent", "group", RENDER, VIDEO])
    lines = "".join(f"{vmid} {line}\n" for line in done.stdout.splitlines())
    return parse_guest_groups(lines).get(vmid)
