from collections.abc import Callable

import pytest

from rocmox.errors import CannotLookError
from rocmox.facts.bar import parse_resource, parse_sizes, read_bar
from rocmox.machine import Machine


def test_a_card_of_a_constructed_machine(gpu_machine: Callable[[str], Machine]) -> None:
    bar = read_bar(gpu_machine("w7900x2"), "0000:03:00.0")
    assert (bar.region.size_bytes, bar.dma_mask_bits) == (64 << 30, 44)
    assert (bar.resizable_bytes[0], bar.resizable_bytes[-1]) == (256 << 20, 64 << 30)


def test_a_register_that_is_not_there_has_no_size() -> None:
    regions = parse_resource("0x0000000000000000 0x0000000000000000 0x0000000000000000\n" * 2)
    assert [region.size_bytes for region in regions] == [0, 0]


def test_sizes() -> None:
    assert parse_sizes("0000000000000300\n") == (256 << 20, 512 << 20)
    assert parse_sizes("0") == ()


@pytest.mark.parametrize("text", ["", "0x1 0x2", "a b c", "0x0 0x0 0x0 0x0"])
def test_another_form_says_so(text: str) -> None:
    with pytest.raises(CannotLookError, match="resource file"):
        parse_resource(text)
