from collections.abc import Sequence

from rocmox_lab.firewall import ensure_firewall, remove_firewall
from rocmox_lab.settings import LabPlaces, LabSettings
from rocmox_lab.state import new_state
from tests.unit.rocmox_lab.scripted_machine import ScriptedMachine

STATE = new_state(LabSettings(name="one"), 5)


def with_docker(argv: Sequence[str]) -> tuple[int, str, str]:
    """iptables' FORWARD chain exists; our rules are not in it yet."""
    return (1, "", "no such rule") if "-C" in argv or "-D" in argv else (0, "", "")


def without_iptables(argv: Sequence[str]) -> tuple[int, str, str]:
    return (1, "", "No such file or directory") if tuple(argv[:3]) == ("nft", "list", "chain") else (0, "", "")


def test_a_machine_without_iptables_rules_gets_none() -> None:
    machine = ScriptedMachine(without_iptables)
    ensure_firewall(machine, STATE)
    assert b"ip saddr 10.77.5.0/24 ip daddr != 10.77.5.0/24 masquerade" in (machine.fed[0] or b"")
    assert not any(argv[0].startswith("iptables") for argv in machine.asked)


def test_the_lab_goes_out_and_nobody_comes_in() -> None:
    machine = ScriptedMachine(without_iptables)
    ensure_firewall(machine, STATE)
    forward = (machine.fed[0] or b"").decode().partition("chain forward")[2].split("\n")
    assert [line.strip() for line in forward[2:5]] == [
        'iifname "rmx-one" accept',
        'oifname "rmx-one" ct state established,related accept',
        'oifname "rmx-one" drop',
    ]


def test_a_forward_chain_that_drops_lets_the_lab_pass_in_both_directions() -> None:
    machine = ScriptedMachine(with_docker)
    ensure_firewall(machine, STATE)
    inserted = [argv for argv in machine.asked if "-I" in argv]
    assert [argv[4:6] for argv in inserted] == [("-i", "rmx-one"), ("-o", "rmx-one")]
    assert all("rocmox-one" in argv for argv in inserted)


def test_rules_that_stand_are_not_inserted_again() -> None:
    machine = ScriptedMachine()
    ensure_firewall(machine, STATE)
    assert not any("-I" in argv for argv in machine.asked)


def test_removal_takes_the_own_table_and_marked_rules_only() -> None:
    machine = ScriptedMachine(with_docker)
    remove_firewall(machine, LabPlaces(name="one"))
    changing = [argv for argv in machine.asked if "delete" in argv or "-D" in argv]
    assert changing[0] == ("nft", "delete", "table", "ip", "rocmox-one")
    assert all("rocmox-one" in argv for argv in changing)


def test_the_rules_of_legacy_iptables_are_seen() -> None:
    machine = ScriptedMachine(
        lambda argv: (1, "", "") if tuple(argv[:3]) == ("nft", "list", "chain") or "-C" in argv else (0, "", ""),
        files={"/proc/net/ip_tables_names": "nat\nfilter\n"},
    )
    ensure_firewall(machine, STATE)
    assert [argv[0] for argv in machine.asked if "-I" in argv] == ["iptables-legacy", "iptables-legacy"]
