import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocmox.errors import CannotLookError, RocmoxError, UsageError
from rocmox.facts.pci import Link, parse_address, parse_bridges, parse_speed, read_addresses, read_function, read_link
from rocmox.machine import Machine

Machines = Callable[[str], Machine]


@pytest.mark.parametrize("text", ["03:00.0", "0000:03:00.0", " 0000:03:00.0\n"])
def test_a_short_address_gets_its_domain(text: str) -> None:
    assert parse_address(text) == "0000:03:00.0"


@pytest.mark.parametrize("text", ["", "3:0.0", "03:00.8", "03:20.0", "gfx906", "0000:03:00.0; reboot"])
def test_what_is_no_address_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="is not a PCI address"):
        parse_address(text)


@pytest.mark.parametrize(("text", "gts"), [("8.0 GT/s PCIe", 8.0), ("2.5 GT/s PCIe", 2.5), ("32 GT/s", 32.0)])
def test_speeds(text: str, gts: float) -> None:
    assert parse_speed(text) == gts


def test_an_unknown_speed_has_its_reason() -> None:
    with pytest.raises(CannotLookError, match="Unknown"):
        parse_speed("Unknown")


@given(st.text())
def test_any_text_is_a_value_or_an_error_of_ours(text: str) -> None:
    for parse in (parse_address, parse_speed):
        with contextlib.suppress(RocmoxError):
            assert parse(text)


def test_bridges_stand_above_a_card() -> None:
    path = "/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:00.0/0000:03:00.0"
    assert parse_bridges(path) == ("0000:00:01.0", "0000:01:00.0", "0000:02:00.0")


def test_a_card_of_a_constructed_machine(gpu_machine: Machines) -> None:
    card = read_function(gpu_machine("mi50x3"), "0000:06:00.0")
    assert (card.vendor_id, card.device_id, card.subsystem_id) == (0x1002, 0x66A1, "1002:0834")
    assert (card.driver, card.numa_node, card.is_amd_gpu) == ("amdgpu", 0, True)
    assert card.bridges == ("0000:00:02.0", "0000:04:00.0", "0000:05:00.0")


def test_the_cards_own_link_is_that_of_its_switch(gpu_machine: Machines) -> None:
    machine = gpu_machine("mi50x3")
    own, slot = read_link(machine, "0000:03:00.0"), read_link(machine, "0000:00:01.0")
    assert own == Link(at="0000:03:00.0", speed_gts=16.0, width=16, max_speed_gts=16.0, max_width=16)
    assert slot == Link(at="0000:00:01.0", speed_gts=8.0, width=8, max_speed_gts=8.0, max_width=8)


def test_a_bmc_is_no_amd_gpu(gpu_machine: Machines) -> None:
    machine = gpu_machine("mi50x3")
    assert "0000:0b:00.0" in read_addresses(machine)
    assert not read_function(machine, "0000:0b:00.0").is_amd_gpu
