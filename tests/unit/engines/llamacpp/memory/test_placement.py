import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocmox.engines.llamacpp.memory.placement import place_layers
from rocmox.errors import UsageError


def test_three_equal_cards_and_eighty_layers() -> None:
    places = place_layers(layers=80, shares=[1, 1, 1])
    assert [places[:-1].count(device) for device in range(3)] == [27, 27, 26]
    assert places[-1] == 2


def test_a_card_without_a_share_gets_nothing() -> None:
    assert set(place_layers(layers=32, shares=[1, 0, 1])) == {0, 2}
    assert set(place_layers(layers=32, shares=[1, 0])) == {0}


@pytest.mark.parametrize("shares", [[], [0, 0], [-1, 2]])
def test_shares_without_sense(shares: list[float]) -> None:
    with pytest.raises(UsageError):
        place_layers(layers=1, shares=shares)


@given(st.integers(1, 200), st.lists(st.floats(0.01, 100), min_size=1, max_size=8))
def test_layers_come_in_order_and_all_have_a_place(layers: int, shares: list[float]) -> None:
    places = place_layers(layers=layers, shares=shares)
    assert len(places) == layers + 1
    assert list(places) == sorted(places)
    assert places[-1] < len(shares)
