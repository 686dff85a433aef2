"""Every card's PCIe link trained as wide and as fast as both its ends can, and reports no errors.

The slot decides, so the bridges above count: Vega 20 and Navi carry a switch, and the card's own link, like
`pp_dpm_pcie`, is the inner one. Speed drops at rest by power management, so it counts only under load; width does not.
"""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.errors import CannotLookError
from rocmox.facts.aer import read_link_errors
from rocmox.facts.pci import Link
from rocmox.facts.reading import parse_whole_number, read_text
from rocmox.gpu import Gpu
from rocmox.health.cards import device_file, judged_cards, why_none
from rocmox.health.context import Context
from rocmox.health.result import Evidence, Reporter, Result, seen

LEVEL = 1
_WORKING_PERCENT = 20
_MANY = 100  # corrected errors of one port since boot: fewer are ordinary noise
_RESEAT = (
    "Reseat the card, clean its contacts, try another slot or riser, and look at the slot's setting in the firmware"
)
report = Reporter("link")


def run(context: Context) -> Iterator[Result]:
    """One result for each card, and one for each port that counted errors."""
    if nothing := why_none(context, report):
        yield nothing
        return
    ports: dict[str, Gpu] = {}
    for gpu in judged_cards(context):
        yield _judge(gpu, context)
        ports |= dict.fromkeys((*gpu.bridges, gpu.pci_address), gpu)
    for port in ports:
        yield from _errors(port, context)


def _judge(gpu: Gpu, context: Context) -> Result:
    if gpu.is_integrated:
        return report.not_applicable(gpu.pci_address, "an integrated GPU is not in a slot")
    link, possible = gpu.link, gpu.possible_link
    if link is None or possible is None:
        return report.unknown("LINK_UNKNOWN", gpu.pci_address, gpu.unknown.get("link", "no link is reported"))
    speed, width = possible
    narrow = min(gpu.path_links, key=lambda hop: hop.width)
    slow = min(gpu.path_links, key=lambda hop: hop.speed_gts)
    evidence = [_hop(hop) for hop in gpu.path_links]
    has = f"{slow.speed_gts:g} GT/s x{narrow.width}"
    can = f"{speed:g} GT/s x{width}"
    if narrow.width < width:
        what = f"the link at {narrow.at} trained to x{narrow.width}, and both ends can x{width}"
        return report.warn("LINK_NARROW", gpu.pci_address, what, evidence, remedy=f"{_RESEAT}.")
    if slow.speed_gts < speed:
        return _slow(gpu, slow, speed, evidence, _busy_percent(gpu, context))
    return report.passed("LINK_OK", gpu.pci_address, f"{has}, as fast as the weakest port on the way ({can})", evidence)


def _slow(gpu: Gpu, slow: Link, speed: float, evidence: list[Evidence], busy: int | None) -> Result:
    evidence.append(seen(device_file(gpu, "gpu_busy_percent"), "unknown" if busy is None else busy))
    if busy is None or busy < _WORKING_PERCENT:
        what = f"{slow.speed_gts:g} GT/s at {slow.at} while the card rests, {speed:g} possible: ask again under load"
        return report.passed("LINK_RESTS", gpu.pci_address, what, evidence)
    what = f"the link at {slow.at} runs at {slow.speed_gts:g} GT/s under load, and both ends can {speed:g}"
    remedy = f"{_RESEAT}; a riser made for an older PCIe generation does this."
    return report.warn("LINK_SLOW", gpu.pci_address, what, evidence, remedy=remedy)


def _busy_percent(gpu: Gpu, context: Context) -> int | None:
    try:
        path = device_file(gpu, "gpu_busy_percent")
        return parse_whole_number(context.read(read_text, path), path)
    except CannotLookError:
        return None


def _hop(link: Link) -> Evidence:
    now, can = f"{link.speed_gts:g} GT/s x{link.width}", f"{link.max_speed_gts:g} GT/s x{link.max_width}"
    return seen(f"/sys/bus/pci/devices/{link.at}/current_link_speed", f"{now} of {can}")


def _errors(port: str, context: Context) -> Iterator[Result]:
    try:
        errors = context.read(read_link_errors, port)
    except CannotLookError:
        return  # no AER here, which most chipset ports lack
    serious = errors.nonfatal + errors.fatal
    if not serious and errors.correctable < _MANY:
        return
    place = f"/sys/bus/pci/devices/{port}/aer_dev_correctable"
    kinds = ", ".join(f"{name} {count}" for name, count in errors.kinds.items())
    what = f"{errors.fatal} fatal, {errors.nonfatal} non-fatal and {errors.correctable} corrected errors since boot"
    yield report.warn("LINK_ERRORS", port, what, [seen(place, kinds)], remedy=f"{_RESEAT}.")
