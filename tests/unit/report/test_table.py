from hypothesis import given
from hypothesis import strategies as st

from rocmox.report.table import render_table


def test_columns_are_padded() -> None:
    assert render_table(("a", "bb"), [("long", "x"), ("中", "y")]) == "a     bb\nlong  x\n中    y"


def test_control_characters_never_reach_the_terminal() -> None:
    assert "\x1b" not in render_table(("a",), [("\x1b[31mred\n",)])


@given(st.lists(st.tuples(st.text(), st.text())))
def test_one_line_for_each_row(rows: list[tuple[str, str]]) -> None:
    assert len(render_table(("a", "b"), rows).split("\n")) == len(rows) + 1
