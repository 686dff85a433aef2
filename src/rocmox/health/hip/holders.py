"""Who uses the cards now: a test that copies and waits must not run beside somebody's work."""

from __future__ import annotations

from collections.abc import Sequence

from rocmox.errors import CannotLookError
from rocmox.facts.kfd_users import KfdUser, read_users
from rocmox.gpu.card import Gpu
from rocmox.health.context import Context
from rocmox.health.probes.run import run_probe
from rocmox.health.result import Evidence

_KFD = "/dev/kfd"
REMEDY = (
    "Stop them first (`systemctl stop llama-server`), or add --force: the test then shares the cards with them, and "
    "its rates mean little."
)


def read_holders(context: Context, gpus: Sequence[Gpu]) -> list[Evidence]:
    """One line per process that computes on one of the cards (KFD's list) or has one of their nodes open (/proc)."""
    paths = [_KFD, *(gpu.render_path for gpu in gpus if gpu.render_path)]
    answer = run_probe(context.machine, "device_holders", {"paths": paths, "proc": "/proc"})
    opened = {holder["pid"]: holder for holder in answer["holders"]}
    lines = [
        Evidence(source=f"/proc/{pid}/fd", value=f"{holder['name']} has {', '.join(holder['paths'])} open")
        for pid, holder in opened.items()
    ]
    numbers = frozenset(gpu.gpu_id for gpu in gpus if gpu.gpu_id is not None)
    lines += [_computes(user) for user in _users(context) if user.process not in opened and _concerns(user, numbers)]
    return lines


def _users(context: Context) -> list[KfdUser]:
    """None where KFD shows no list: then what /proc shows has to do."""
    try:
        return context.read(read_users)
    except CannotLookError:
        return []


def _concerns(user: KfdUser, numbers: frozenset[int]) -> bool:
    """Whether it is bound to one of the cards; where one side tells none, it counts."""
    return not user.vram_bytes or not numbers or not numbers.isdisjoint(user.vram_bytes)


def _computes(user: KfdUser) -> Evidence:
    where = f" in container {user.container}" if user.container else ""
    name = user.command or "a process of the node or of another container"
    used = sum(user.vram_bytes.values()) >> 20
    source = f"/sys/class/kfd/kfd/proc/{user.process}"
    return Evidence(source=source, value=f"{name}{where} computes, {used} MiB of VRAM")
