"""No card that computes drives a display: a desktop or console takes VRAM and, with a hang, the picture goes too."""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.facts.framebuffer import Screens, read_screens
from rocmox.gpu import Gpu
from rocmox.health.cards import device_file, judged_cards, why_none
from rocmox.health.context import Context
from rocmox.health.result import Reporter, Result, seen

LEVEL = 1
report = Reporter("display")


def run(context: Context) -> Iterator[Result]:
    """One result for each card."""
    if nothing := why_none(context, report, node_only=True):
        yield nothing
        return
    for gpu in judged_cards(context):
        if gpu.is_integrated:
            yield report.not_applicable(gpu.pci_address, "this is an integrated GPU")
        else:
            yield _judge(gpu, context.read(read_screens, gpu.pci_address))


def _judge(gpu: Gpu, screens: Screens) -> Result:
    plugged = ", ".join(gpu.connected_displays)
    reasons = [f"a display is plugged into {plugged}"] if plugged else []
    reasons += [f"the console is on it ({', '.join(screens.consoles)})"] if screens.consoles else []
    evidence = [
        seen(f"/sys/class/drm/card{gpu.card}-*/status", plugged or "nothing connected"),
        seen(device_file(gpu, "boot_vga"), "no VGA device" if screens.boot is None else int(screens.boot)),
        seen("/sys/class/graphics/fb*/device", ", ".join(screens.consoles) or "none on this card"),
    ]
    if not reasons:
        # Without another graphics device the firmware has no choice, and nothing of the picture stays on the card.
        shown = ", though the firmware showed its picture on it" if screens.boot else ""
        return report.passed("DISPLAY_NONE", gpu.pci_address, f"it drives no display{shown}", evidence)
    return report.warn(
        "DISPLAY_ON_COMPUTE_CARD",
        gpu.pci_address,
        "; ".join(reasons),
        evidence,
        remedy="Plug the display into the mainboard's own output (BMC or integrated GPU) and make that the primary "
        "one in the mainboard's firmware.",
    )
