"""Which cards a machine may open. A container's `/sys` shows every card of its node, its `/dev` those it was given."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rocmox.errors import CommandError
from rocmox.gpu.card import Gpu
from rocmox.machine import Machine, is_constructed

_KFD = "/dev/kfd"
# A node that opens, or that answers ENXIO because no driver is behind it, is not refused: a guest that was not given
# the card gets ENOENT, EPERM (device cgroup) or EACCES (mode).
_PROBE = """
import errno, json, os, sys
found = []
for path in sys.argv[1:]:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC))
        found.append(path)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ENODEV):
            found.append(path)
print(json.dumps(found))
"""


def held_cards(machine: Machine, gpus: Sequence[Gpu]) -> tuple[Gpu, ...]:
    """Those of `gpus`, processors' own graphics left out, whose render node the machine may open."""
    cards = [gpu for gpu in gpus if not gpu.is_integrated and gpu.render_path]
    opened = _may_open(machine, [gpu.render_path or "" for gpu in cards])
    return tuple(gpu for gpu in cards if opened is None or gpu.render_path in opened)


def may_open_kfd(machine: Machine) -> bool:
    """Whether ROCm can see any card here at all."""
    opened = _may_open(machine, [_KFD])
    return opened is None or _KFD in opened


def _may_open(machine: Machine, paths: Sequence[str]) -> frozenset[str] | None:
    """The paths that may be opened; None when nothing can tell.

    Behind the nodes of a constructed machine there is no driver: there a node counts when it is there, and all of them
    do when the tree has no `/dev/dri`.
    """
    if is_constructed(machine):
        return frozenset(filter(machine.exists, paths)) if machine.exists("/dev/dri") else None
    try:
        answer = machine.run(["python3", "-I", "-c", _PROBE, *paths]).check().stdout
        return frozenset(json.loads(answer))
    except (CommandError, ValueError, TypeError):
        return None
