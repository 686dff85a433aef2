"""Settings of the launch geometry."""

import itertools

import pytest

from rocmox.engines.llamacpp.source.geometry import Geometry, check, parse_columns
from rocmox.errors import UsageError


@pytest.mark.parametrize(
    ("text", "numbers"), [("2", (2,) * 8), ("4,4,4,4,2,2,2,2", (4, 4, 4, 4, 2, 2, 2, 2)), (" 1", (1,) * 8)]
)
def test_settings_are_one_number_or_eight(text: str, numbers: tuple[int, ...]) -> None:
    assert parse_columns(text, option="--rows") == numbers


@pytest.mark.parametrize("text", ["", "x", "1,2", "-1", "1.5", "1,2,3,4,5,6,7,8,9", "²"])
def test_other_settings_name_the_option(text: str) -> None:
    with pytest.raises(UsageError, match="--rows"):
        parse_columns(text, option="--rows")


@pytest.mark.parametrize(
    ("nwarps", "rows", "buffers", "why"),
    [
        (0, 1, 1, "between 1 and 1024 threads"),
        (17, 1, 1, "between 1 and 1024 threads"),
        (1, 0, 1, "each row is written by a thread"),
        (1, 65, 1, "each row is written by a thread"),
        (16, 4, 1, "local memory"),
        (12, 1, 2, "as many rows as warps"),
        (1, 64, 2, "local memory"),
    ],
)
def test_a_block_that_cannot_be_launched_is_refused(nwarps: int, rows: int, buffers: int, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        check(Geometry(nwarps=(nwarps,) * 8, rows=(rows,) * 8), warp_size=64, buffers=buffers)


@pytest.mark.parametrize("buffers", [1, 2])
@pytest.mark.parametrize("warp_size", [32, 64])
def test_everything_that_a_search_tries_can_be_launched(warp_size: int, buffers: int) -> None:
    for nwarps, rows in itertools.product((1, 2, 4, 8), (1, 2, 4)):
        geometry = Geometry(nwarps=(nwarps,) * 8, rows=(rows,) * 8)
        assert check(geometry, warp_size=warp_size, buffers=buffers) is None
