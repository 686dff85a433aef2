import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocmox.errors import CannotLookError
from rocmox.facts.amdgpu import Module, parse_unique_id, read_card, read_module
from rocmox.machine import Machine
from rocmox.machine.captured import CapturedMachine

Machines = Callable[[str], Machine]


def test_a_card_in_its_own_words(gpu_machine: Machines) -> None:
    facts = read_card(gpu_machine("mi50x3"), "0000:09:00.0")
    assert facts.vram_bytes == facts.visible_vram_bytes == 17163091968
    assert (facts.vbios, facts.unique_id, facts.unknown) == ("113-D163A1XT-045", "3c7e105294f6a821", {})


def test_what_is_missing_has_a_reason(fresh_tree: Callable[[str], Path]) -> None:
    root = fresh_tree("mi50x1")
    device = next((root / "sys/class/drm").glob("card0")).resolve().parents[1]
    (device / "unique_id").unlink()
    (device / "mem_info_vram_total").write_text("lots\n")
    facts = read_card(CapturedMachine(root), "0000:03:00.0")
    assert (facts.unique_id, facts.vram_bytes) == (None, None)
    assert "No such file" in facts.unknown["unique_id"]
    assert facts.unknown["vram_bytes"] == "mem_info_vram_total: 'lots' is not a number"


def test_a_zero_unique_id_is_none() -> None:
    with pytest.raises(CannotLookError, match="reports 0"):
        parse_unique_id("0\n")


@given(st.text())
def test_any_text_is_an_id_or_an_error_of_ours(text: str) -> None:
    with contextlib.suppress(CannotLookError):
        assert len(parse_unique_id(text)) == 16


def test_where_the_driver_comes_from(gpu_machine: Machines, fresh_tree: Callable[[str], Path]) -> None:
    assert read_module(gpu_machine("mi50x3")) == Module(loaded=True, kind="inbox", version=None)
    assert read_module(gpu_machine("none")) == Module(loaded=False, kind=None, version=None)
    root = fresh_tree("mi50x1")
    (root / "sys/module/amdgpu/version").write_text("6.8.5\n")
    assert read_module(CapturedMachine(root)) == Module(loaded=True, kind="dkms", version="6.8.5")
