from collections.abc import Callable
from pathlib import Path

from rocmox.gpu import read_gpus
from rocmox.gpu.peers import read_peers
from rocmox.machine import Machine
from rocmox.machine.captured import CapturedMachine
from rocmox_lab.gpus.variations import vary


def test_every_ordered_pair_is_claimed(gpu_machine: Callable[[str], Machine]) -> None:
    machine = gpu_machine("mi50x3")
    peers = read_peers(machine, read_gpus(machine))
    assert len(peers) == 6
    assert all(peer.claimed and not peer.is_xgmi for peer in peers)


def test_a_missing_direction(fresh_tree: Callable[[str], Path]) -> None:
    root = fresh_tree("mi50x3")
    vary(root, "p2p-one-way", card=0)
    machine = CapturedMachine(root)
    gaps = [peer.name for peer in read_peers(machine, read_gpus(machine)) if not peer.claimed]
    assert gaps == ["0000:03:00.0 -> 0000:06:00.0"]


def test_a_link_that_forbids_it_claims_nothing(fresh_tree: Callable[[str], Path]) -> None:
    root = fresh_tree("mi50x3")
    link = root / "sys/devices/virtual/kfd/kfd/topology/nodes/1/p2p_links/0/properties"
    link.write_text(link.read_text().replace("flags 3", "flags 19"))
    machine = CapturedMachine(root)
    assert [peer.name for peer in read_peers(machine, read_gpus(machine)) if not peer.claimed] == [
        "0000:03:00.0 -> 0000:06:00.0"
    ]


def test_one_card_has_no_peers(gpu_machine: Callable[[str], Machine]) -> None:
    machine = gpu_machine("mi50x1")
    assert read_peers(machine, read_gpus(machine)) == []
