"""What a plan needs from the node itself, over its machine: the cards, and the group ids in running guests."""

from __future__ import annotations

from pathlib import Path

from rocmox.containers.current.cards import RENDER, VIDEO, NodeCard, cards_from_report
from rocmox.containers.current.devices import GroupIds
from rocmox.containers.current.guest_groups import parse_guest_groups
from rocmox.errors import CannotLookError
from rocmox.machine import Machine
from rocmox.machine.container import ContainerMachine

_RUN_ZIPAPP = 'file=$(mktemp) && trap "rm -f $file" EXIT && cat >"$file" && python3 -I "$file" gpus --json'
_NO_CARD = 2


def read_cards(node: Machine, *, zipapp: Path, gpu_root: str) -> tuple[NodeCard, ...]:
    """Runs rocmox's travelling part on the node and leaves nothing behind."""
    done = node.run(["sh", "-c", _RUN_ZIPAPP], stdin=zipapp.read_bytes(), environment={"ROCMOX_ROOT": gpu_root})
    if done.exit_status not in {0, _NO_CARD}:
        raise CannotLookError(f"the cards of {node.name} cannot be read: {done.stderr.strip()[-1000:]}")
    return cards_from_report(done.stdout)


def read_group_ids(node: Machine, vmid: int) -> GroupIds | None:
    """The ids in a running guest. None: not readable."""
    done = ContainerMachine(node, vmid).run(["getent", "group", RENDER, VIDEO])
    lines = "".join(f"{vmid} {line}\n" for line in done.stdout.splitlines())
    return parse_guest_groups(lines).get(vmid)
