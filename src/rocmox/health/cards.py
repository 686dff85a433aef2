"""Which cards a check judges: those that compute on a node, in a container those it owns."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rocmox.errors import CannotLookError
from rocmox.facts.reading import read_text
from rocmox.gpu import Gpu
from rocmox.gpu.peers import Peer, pair_up, read_claims
from rocmox.health.context import Context
from rocmox.health.result import Reporter, Result

_PAIR = 2


def cards_in_service(context: Context) -> list[Gpu]:
    """All cards; beside real cards an integrated GPU is there for the console and is left out."""
    gpus = context.inventory.gpus
    return [gpu for gpu in gpus if not gpu.is_integrated] or list(gpus)


def judged_cards(context: Context) -> list[Gpu]:
    """Those of them that amdgpu drives: the check `driver` speaks about the others, such as cards for a machine.

    A container sees every card of its node in /sys; KFD lets it read those that its device cgroup allows.
    """
    driven = [gpu for gpu in cards_in_service(context) if gpu.driver == "amdgpu"]
    return [gpu for gpu in driven if gpu.kfd_node is not None] if context.is_container else driven


def judged_peers(context: Context) -> list[Peer]:
    """Every ordered pair of those cards; CannotLookError when KFD's links cannot be listed."""
    return pair_up(judged_cards(context), lambda node: context.read(read_claims, node))


def why_none(context: Context, report: Reporter, *, node_only: bool = False, pairs: bool = False) -> Result | None:
    """NOT_APPLICABLE with the reason when there is nothing to judge, None when there is.

    `node_only`: the answer belongs to the node. `pairs`: it takes two cards to matter.
    """
    if node_only and context.is_container:
        return report.not_applicable(context.machine.name, "this belongs to the node, not to a container")
    cards = judged_cards(context)
    if not cards:
        where = "this container owns no AMD GPU" if context.is_container else "no AMD GPU is bound to amdgpu"
        return report.not_applicable(context.machine.name, where)
    if pairs and len(cards) < _PAIR:
        return report.not_applicable(cards[0].pci_address, "peer-to-peer access takes two cards, and there is one")
    return None


def judge_awake(
    context: Context, report: Reporter, judge: Callable[[Gpu, Context], Result], *, asleep: str
) -> Iterator[Result]:
    """One result for each card, of a check whose files a sleeping card does not answer (`asleep`: why that is fine).

    A card whose files cannot be read is UNKNOWN by itself, so that the others are judged all the same.
    """
    if nothing := why_none(context, report):
        yield nothing
        return
    for gpu in judged_cards(context):
        if is_asleep(gpu, context):
            yield report.not_applicable(gpu.pci_address, f"the card sleeps until it is used{asleep}")
            continue
        try:
            yield judge(gpu, context)
        except CannotLookError as error:
            yield report.cannot_look(gpu.pci_address, error)


def device_file(gpu: Gpu, name: str) -> str:
    """A file of the card in sysfs, as evidence names it."""
    return f"/sys/bus/pci/devices/{gpu.pci_address}/{name}"


def is_asleep(gpu: Gpu, context: Context) -> bool:
    """Whether the driver has switched the card off until it is used (runpm): then its sensors answer EPERM."""
    try:
        return context.read(read_text, device_file(gpu, "power/runtime_status")).strip() == "suspended"
    except CannotLookError:
        return False
