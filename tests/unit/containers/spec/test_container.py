from typing import Any

import pytest

from rocmox.containers.spec.container import parse_specs
from rocmox.errors import RefusedError

LEAST = {"vmid": 101, "hostname": "llm1"}


def refusal(*entries: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        parse_specs(list(entries))
    return str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("vmid", 99),
        ("vmid", "abc"),
        ("vmid", True),
        ("hostname", "-llm"),
        ("hostname", 5),
        ("gpus", "gtx1080"),
        ("gpus", {"all": True}),
        ("gpus", ["03:00.0", "0000:03:00.0"]),
        ("cores", 0),
        ("memory_mib", 1.5),
        ("disk_gib", -1),
        ("storage", "local lvm"),
        ("bridge", "averyveryverylongbridge"),
        ("ip", "192.0.2.5"),
        ("ip", "fe80::1/64"),
        ("gateway", "192.0.2.999"),
        ("nameserver", "dns.example.org"),
        ("template", "../../etc/passwd"),
        ("unprivileged", "yes"),
        ("nesting", 1),
        ("onboot", "on"),
        ("gpus_exclusive", "no"),
    ],
)
def test_a_bad_value_is_refused_by_field(field: str, value: Any) -> None:
    assert f"gpu_containers[0].{field}: " in refusal(LEAST | {field: value})


def test_an_unknown_key_is_refused_with_the_likely_one() -> None:
    assert "Did you mean memory_mib?" in refusal(LEAST | {"memory_mb": 8192})


@pytest.mark.parametrize("name", ["vmid", "hostname"])
def test_what_every_container_needs(name: str) -> None:
    assert f"gpu_containers[0].{name}: is missing" in refusal({key: LEAST[key] for key in LEAST if key != name})


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        ({}, {"hostname": "chat1"}, "vmid"),
        ({}, {"vmid": 102}, "hostname"),
        ({"ip": "192.0.2.5/24"}, {"vmid": 102, "hostname": "chat1", "ip": "192.0.2.5/25"}, "ip"),
    ],
)
def test_two_entries_may_not_claim_the_same(first: dict[str, Any], second: dict[str, Any], field: str) -> None:
    assert f"gpu_containers[1].{field}" in refusal(LEAST | first, LEAST | second)


def test_a_gateway_lies_in_the_network() -> None:
    assert "not in the network" in refusal(LEAST | {"ip": "192.0.2.5/24", "gateway": "198.51.100.1"})


def test_dhcp_brings_its_own_gateway() -> None:
    assert "gateway" in refusal(LEAST | {"gateway": "192.0.2.1"})


def test_all_problems_of_all_entries_are_listed() -> None:
    assert refusal(LEAST | {"cores": 0, "ip": "x"}, "llm2", LEAST | {"vmid": 5}).count("\n* ") == 4


def test_no_list_is_refused() -> None:
    with pytest.raises(RefusedError, match="is not a list"):
        parse_specs({"vmid": 101})


def test_values_get_their_one_spelling() -> None:
    spec = parse_specs(
        [LEAST | {"vmid": "101", "gpus": ["03:00.0"], "nameserver": "192.0.2.1, 192.0.2.2", "gateway": None}]
    )[0]
    assert spec.vmid == 101
    assert spec.gpus.pci_addresses == ("0000:03:00.0",)
    assert spec.nameserver == ("192.0.2.1", "192.0.2.2")
    assert spec.unprivileged


@pytest.mark.parametrize(("value", "true"), [("all", True), ("gfx906", True), ([], False), ("0000:03:00.0", True)])
def test_ways_to_choose_cards(value: Any, *, true: bool) -> None:
    assert bool(parse_specs([LEAST | {"gpus": value}])[0].gpus) is true
