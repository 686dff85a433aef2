from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocmox.facts.drm import Connector, Minors, parse_minor, read_connectors, read_minors
from rocmox.machine import Machine

Machines = Callable[[str], Machine]


def test_minors_by_address(gpu_machine: Machines) -> None:
    assert read_minors(gpu_machine("mi50x3")) == {
        "0000:0b:00.0": Minors(card=0),
        "0000:03:00.0": Minors(card=1, render=128),
        "0000:06:00.0": Minors(card=2, render=129),
        "0000:09:00.0": Minors(card=3, render=130),
    }


def test_outputs(gpu_machine: Machines) -> None:
    assert read_connectors(gpu_machine("mi50x3")) == [
        Connector(card=0, name="VGA-1", status="connected"),
        Connector(card=3, name="DP-1", status="disconnected"),
    ]


@pytest.mark.parametrize("name", ["card0-DP-1", "version", "controlD64", "card", "renderD", "card-1", "card9999999"])
def test_other_names_are_no_minors(name: str) -> None:
    assert parse_minor(name) is None


@given(st.text())
def test_any_name_is_read(name: str) -> None:
    minor = parse_minor(name)
    assert minor is None or minor[0] in {"card", "render"}
