import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocmox.errors import CannotLookError
from rocmox.health.result import Result, Verdict, seen
from rocmox.health.watch.handed import Handed, for_guest, parse_handed, parse_results, to_text

MINE, OTHER = "0000:03:00.0", "0000:06:00.0"


def about(subject: str, verdict: Verdict = Verdict.FAIL) -> Result:
    return Result(
        check="link",
        code="LINK_X",
        verdict=verdict,
        subject=subject,
        summary="s",
        evidence=(seen("a", "b"),),
        remedy="r",
    )


def test_a_guest_learns_nothing_about_the_cards_of_others() -> None:
    pair = f"{MINE} -> {OTHER}"
    told = for_guest([about(MINE), about(OTHER), about(pair), about("local")], [MINE])
    assert told == (about(MINE), dataclasses.replace(about("local"), evidence=()))


def test_what_is_handed_is_read_again() -> None:
    handed = Handed(node="pve1", at_seconds=5.0, good_for_seconds=1800.0, results=(about(MINE),))
    assert parse_handed(to_text(handed).encode()) == handed


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode) | st.just(b'{"results":[{}]}'))
def test_anything_else_cannot_be_looked_at(content: bytes) -> None:
    for parse in (parse_handed, parse_results):
        with pytest.raises(CannotLookError):
            parse(content)
