"""Between two cards behind one switch, no port sends peer-to-peer requests up to the root (ACS redirect).

p2pdma.c (pci_bridge_has_acs_redir): request or completion redirect or egress control on a port between the two makes
the traffic cross the host bridge, slower, and impossible where the host bridge is not in the kernel's list.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from rocmox.facts.config_space import AcsControl, read_acs
from rocmox.gpu import Gpu
from rocmox.health.cards import judged_cards, why_none
from rocmox.health.context import Context
from rocmox.health.result import Evidence, Reporter, Result, seen

LEVEL = 1
report = Reporter("acs")


def run(context: Context) -> Iterator[Result]:
    """One result for each redirecting port, else one for the machine."""
    if nothing := why_none(context, report, node_only=True, pairs=True):
        yield nothing
        return
    ports = sorted({port for pair in itertools.combinations(judged_cards(context), 2) for port in _between(*pair)})
    if not ports:
        yield report.not_applicable(context.machine.name, "no two cards share a PCIe switch")
        return
    controls = {port: context.read(read_acs, port) for port in ports}
    redirecting = [(port, control) for port, control in controls.items() if control and control.redirects]
    for port, control in redirecting:
        yield report.warn(
            "ACS_REDIRECTS",
            port,
            "this port sends what one card asks of another up to the root complex",
            [seen(f"/sys/bus/pci/devices/{port}/config", f"ACS control: {control}")],
            remedy=f"Add `pci=disable_acs_redir={';'.join(name for name, _ in redirecting)}` to the kernel command "
            "line and reboot. The cards then share one IOMMU group: do not give one of them to a virtual machine.",
        )
    if not redirecting:
        yield report.passed("ACS_OK", context.machine.name, "no port between two cards redirects", _evidence(controls))


def _between(one: Gpu, other: Gpu) -> Iterator[str]:
    """Ports below the last bridge that both share; none when they share none."""
    shared = set(one.bridges) & set(other.bridges)
    if shared:
        yield from (port for port in (*one.bridges, *other.bridges) if port not in shared)


def _evidence(controls: dict[str, AcsControl | None]) -> list[Evidence]:
    return [
        seen(f"/sys/bus/pci/devices/{port}/config", f"ACS control: {control}" if control else "no ACS capability")
        for port, control in controls.items()
    ]
