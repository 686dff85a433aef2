import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rocmox.engines.llamacpp.memory.cards import CardMemory, known_cards, parse_cards
from rocmox.errors import UsageError


def parsed_or_refused(text: str) -> tuple[CardMemory, ...]:
    try:
        return parse_cards(text)
    except UsageError:
        return ()


def test_groups_and_sizes() -> None:
    cards = parse_cards("1xmi50-32g+2xW7900+4x24576MiB")
    assert [card.capacity_mib for card in cards] == [32752, 49136, 49136, *[24576] * 4]
    assert [card.architecture for card in cards[:3]] == ["gfx906", "gfx1100", "gfx1100"]
    assert parse_cards("mi50") == (CardMemory(name="mi50", architecture="gfx906", capacity_mib=16368),)


@pytest.mark.parametrize(
    "text", ["", "3x", "xmi50", "0xmi50", "17xmi50", "9xmi50+9xmi50", "mi51", "24576", "2x1MiB", "a+b"]
)
def test_what_names_no_cards(text: str) -> None:
    with pytest.raises(UsageError, match="--cards"):
        parse_cards(text)


@given(st.text(max_size=40))
@example("9" * 400 + "xmi50")
@example("٣xmi50")
@example("1x" + "9" * 12 + "MiB")
def test_any_text_is_cards_or_refused(text: str) -> None:
    assert all(card.capacity_mib > 0 for card in parsed_or_refused(text))


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from(known_cards())), min_size=1, max_size=4))
def test_every_known_card_in_any_number(groups: list[tuple[int, str]]) -> None:
    cards = parse_cards("+".join(f"{count}x{name}" for count, name in groups))
    assert len(cards) == sum(count for count, _ in groups)
