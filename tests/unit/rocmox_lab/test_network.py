import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from rocmox.errors import RefusedError
from rocmox_lab import network
from rocmox_lab.network import choose_subnet_number, enable_forwarding, restore_forwarding, taken_networks
from tests.unit.rocmox_lab.scripted_machine import ScriptedMachine


@pytest.mark.parametrize(
    ("taken", "number"),
    [
        ([], 1),
        (["10.77.1.0/24", "10.77.2.1/32"], 3),
        (["10.77.0.0/22"], 4),
        (["192.168.0.0/16", "fd00::/8"], 1),
        (["10.77.2.0/24"], 1),
    ],
)
def test_the_lowest_free_subnet_is_chosen(taken: list[str], number: int) -> None:
    assert choose_subnet_number(taken) == number


def test_a_machine_without_a_free_subnet_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"10\.77\.N\.0/24"):
        choose_subnet_number(["10.0.0.0/8"])


def test_addresses_and_routes_count_and_the_default_route_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "lab_names", list)

    def answer(argv: Sequence[str]) -> tuple[int, str, str]:
        if "address" in argv:
            return 0, json.dumps([{"ifname": "eth0", "addr_info": [{"local": "10.77.1.9", "prefixlen": 24}]}, {}]), ""
        return 0, json.dumps([{"dst": "default"}, {"dst": "10.77.2.0/24"}, {"dst": "10.77.3.4"}]), ""

    assert choose_subnet_number(taken_networks(ScriptedMachine(answer))) == 4


@pytest.fixture
def labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(network, "LABS_DIRECTORY", tmp_path)
    return tmp_path


def test_forwarding_is_put_back_as_it_was_before_the_first_lab(labs: Path) -> None:
    off = ScriptedMachine(files={"/proc/sys/net/ipv4/ip_forward": "0\n"})
    enable_forwarding(off)
    assert ("sysctl", "--quiet", "--write", "net.ipv4.ip_forward=1") in off.asked
    on = ScriptedMachine(files={"/proc/sys/net/ipv4/ip_forward": "1\n"})
    enable_forwarding(on)
    assert on.asked == []
    restore_forwarding(on)
    assert on.asked == [("sysctl", "--quiet", "--write", "net.ipv4.ip_forward=0")]
    assert list(labs.iterdir()) == []


@pytest.mark.usefixtures("labs")
def test_forwarding_that_was_on_stays_on() -> None:
    on = ScriptedMachine(files={"/proc/sys/net/ipv4/ip_forward": "1\n"})
    enable_forwarding(on)
    restore_forwarding(on)
    assert on.asked == []
