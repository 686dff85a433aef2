"""The node's kernel writes of a card that fails, in this boot or in the one before.

A container's kernel is the host's, so nothing is written there: the constructed cards offer `dev/kmsg` and
`sys/fs/pstore` of their own, which rocmox reads instead of the journal.
"""

from __future__ import annotations

from pathlib import Path

from rocmox.errors import RefusedError
from rocmox_lab.faults.fault import Fault, Parameter, Values
from rocmox_lab.faults.target import FaultTarget
from rocmox_lab.gpus.kernel_stories import STORIES, to_kmsg

_PLACES = {"this": "dev/kmsg", "before": "sys/fs/pstore/dmesg-efi-constructed"}


def apply(target: FaultTarget, values: Values) -> None:
    """Write the log of that boot."""
    card, port = _addresses(target.gpu_tree, int(values["card"]))
    place = target.gpu_tree / _PLACES[str(values["boot"])]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(to_kmsg(str(values["story"]), card=card, port=port), encoding="utf-8")


def clear(target: FaultTarget, values: Values) -> None:
    """Take the log away, and the folders that only it needed."""
    place = target.gpu_tree / _PLACES[str(values["boot"])]
    place.unlink(missing_ok=True)
    for folder in place.relative_to(target.gpu_tree).parents:
        path = target.gpu_tree / folder
        if folder == Path() or not path.is_dir() or any(path.iterdir()):
            break
        path.rmdir()


def _addresses(tree: Path, number: int) -> tuple[str, str]:
    """The card's PCI address and that of the port above it, the root port where there are several."""
    devices = tree / "sys/bus/pci/devices"
    cards = [place.name for place in sorted(devices.iterdir()) if _is_card(place)]
    if number >= len(cards):
        raise RefusedError(f"the node has {len(cards)} cards", remedy=f"Give card=0 to card={len(cards) - 1}.")
    above = [part for part in (devices / cards[number]).resolve().parts if part.count(":") == 2]  # noqa: PLR2004 - DDDD:BB:DD.F
    return cards[number], above[0]


def _is_card(place: Path) -> bool:
    try:
        vendor, kind = ((place / name).read_text().strip() for name in ("vendor", "class"))
    except OSError:
        return False
    return vendor == "0x1002" and kind.startswith(("0x03", "0x12"))


FAULT = Fault(
    name="kernel-log",
    summary="the kernel's log tells of a card that fails",
    parameters=(
        Parameter(name="story", default="mes-hang", choices=tuple(STORIES), meaning="what it tells"),
        Parameter(name="card", default=0, meaning="which card, counted from 0 by PCI address"),
        Parameter(name="boot", default="this", choices=tuple(_PLACES), meaning="this boot or the one before"),
    ),
    apply=apply,
    clear=clear,
)
