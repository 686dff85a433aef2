import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocmox.errors import UsageError
from rocmox.units import format_bytes, parse_bytes


@pytest.mark.parametrize(
    ("text", "count"),
    [("16 GiB", 17179869184), ("16G", 17179869184), ("4T", 4398046511104), ("512", 512), ("1.5 MiB", 1572864)],
)
def test_parses_what_pve_and_people_write(text: str, count: int) -> None:
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "many", "16 GB!", "-1G"])
def test_refuses_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError, match="is not a size"):
        parse_bytes(text)


@given(st.integers(min_value=0, max_value=1 << 50))
def test_what_is_written_reads_back_to_the_same_words(count: int) -> None:
    words = format_bytes(count)
    assert format_bytes(parse_bytes(words)) == words
