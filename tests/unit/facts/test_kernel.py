from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from rocmox.facts.kernel import parse_command_line, read_command_line, read_release
from rocmox.machine import Machine


def test_a_constructed_kernel(gpu_machine: Callable[[str], Machine]) -> None:
    machine = gpu_machine("mi50x3")
    assert read_release(machine) == "6.8.12-9-pve"
    assert read_command_line(machine)["iommu"] == "pt"


def test_the_last_word_wins() -> None:
    assert parse_command_line("ro iommu=on iommu=pt quiet\n") == {"ro": "", "iommu": "pt", "quiet": ""}


@given(st.text())
def test_any_text_is_a_command_line(text: str) -> None:
    assert isinstance(parse_command_line(text), dict)
