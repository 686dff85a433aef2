from collections.abc import Callable

import pytest

from rocmox.errors import CannotLookError
from rocmox.facts.config_space import ACS, RESIZABLE_BAR, parse_acs, parse_capabilities, read_acs
from rocmox.machine import Machine
from rocmox_lab.gpus.config_space import config_space

PORT = {"ids": (0x10B5, 0x8747), "pci_class": 0x060400, "revision": 0, "is_bridge": True}


def test_a_port_that_redirects() -> None:
    control = parse_acs(config_space(**PORT, acs_control=0x1D))
    assert control is not None
    assert control.redirects
    assert str(control) == "SrcValid+ TransBlk- ReqRedir+ CmpltRedir+ UpstreamFwd+ EgressCtrl- DirectTrans-"


def test_a_port_that_does_not() -> None:
    control = parse_acs(config_space(**PORT, acs_control=0x11))
    assert control is not None
    assert not control.redirects
    assert parse_acs(config_space(**PORT)) is None


def test_ports_of_a_constructed_machine(gpu_machine: Callable[[str], Machine]) -> None:
    machine = gpu_machine("mi50x8")
    controls = [read_acs(machine, address) for address in ("0000:00:01.1", "0000:10:00.0", "0000:11:00.0")]
    assert [control and control.redirects for control in controls] == [True, None, False]


def test_what_users_may_read_proves_nothing() -> None:
    with pytest.raises(CannotLookError, match="only 64 bytes"):
        parse_acs(config_space(**PORT, acs_control=0x1D)[:64])


def test_capabilities_that_point_at_themselves_end() -> None:
    content = bytearray(config_space(**PORT, acs_control=0x1D, bar_sizes=0x300))
    assert {ACS, RESIZABLE_BAR} <= set(parse_capabilities(bytes(content)))
    content[0x103] = 0x10
    assert set(parse_capabilities(bytes(content))) == {1}
