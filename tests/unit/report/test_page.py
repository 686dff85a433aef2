"""What the page shows of constructed machines; tests/end_to_end/test_health_page.py opens it in a browser."""

import re
from collections.abc import Callable
from pathlib import Path

from rocmox.gpu.wiring import wire
from rocmox.health.context import Context
from rocmox.health.result import Result, Verdict, seen
from rocmox.health.run import run_checks
from rocmox.machine import Machine
from rocmox.machine.captured import CapturedMachine
from rocmox.report.formats import HealthReport, render
from rocmox_lab.gpus.kernel_stories import to_kmsg
from rocmox_lab.gpus.variations import vary

FIRST, SECOND, THIRD = "0000:03:00.0", "0000:06:00.0", "0000:09:00.0"


def page_of(machine: Machine, *more: Result) -> str:
    context = Context(machine=machine)
    return render("html", HealthReport(context=context, results=(*run_checks(context), *more)))


def test_a_healthy_machine_has_nothing_to_do(gpu_machine: Callable[[str], Machine]) -> None:
    page = page_of(gpu_machine("mi50x3"))
    assert "All is well" in page
    assert "No check found anything wrong." in page
    assert page.count('class="card pass"') == 3
    assert page.count("<td") > 9
    assert not re.search(r"(?:src|href)=\"(?!#)|url\(|@import", page)


def test_eight_cards_hang_on_four_ports(gpu_machine: Callable[[str], Machine]) -> None:
    machine = gpu_machine("mi50x8")
    (root,) = wire(machine, Context(machine=machine).inventory.gpus)
    assert [len(branch.children) for branch in root.children] == [2, 2, 2, 2]
    cards = [card.gpu for port in root.children for row in port.children for card in row.children]
    assert len({card.pci_address for card in cards if card}) == 8


def test_a_machine_without_cards_has_a_page(gpu_machine: Callable[[str], Machine], tmp_path: Path) -> None:
    assert "No AMD GPU is on the PCI bus." in page_of(gpu_machine("none"))
    assert "Something could not be checked" in page_of(CapturedMachine(tmp_path))


def test_a_broken_machine_says_what_to_do(fresh_tree: Callable[[str], Path]) -> None:
    root = fresh_tree("mi50x3")
    for what, card in (("hot", 0), ("link-narrow", 1), ("p2p-one-way", 2)):
        vary(root, what, card=card)
    (root / "dev").mkdir(exist_ok=True)
    (root / "dev/kmsg").write_text(to_kmsg("reset-ok", card=SECOND, port="0000:00:02.0"))
    page = page_of(CapturedMachine(root))
    assert "Something is doing harm now" in page
    assert page.count("Remedy: ") >= 4
    assert "GPU reset" in page
    assert "edge slowed" in page
    assert "no claim" in page


def test_measured_pairs_become_a_heat_map(gpu_machine: Callable[[str], Machine]) -> None:
    def pair(verdict: Verdict, source: str, destination: str, rate: str) -> Result:
        return Result(
            check="p2p",
            code="P2P_OK" if verdict is Verdict.PASS else "P2P_DATA_CORRUPT",
            verdict=verdict,
            subject=f"{source} -> {destination}",
            summary="arrives",
            evidence=(seen("hipMemcpyPeerAsync by the source", rate),),
        )

    page = page_of(
        gpu_machine("mi50x3"),
        pair(Verdict.PASS, FIRST, SECOND, "12.8 GB/s"),
        pair(Verdict.PASS, SECOND, FIRST, "3.1 GB/s"),
        pair(Verdict.CRIT, FIRST, THIRD, "12.9 GB/s"),
    )
    assert 'class="pass heat4"' in page
    assert 'class="pass heat1"' in page
    assert "12.8 GB/s" in page
    assert "data corrupt" in page
    assert "not known" in page
