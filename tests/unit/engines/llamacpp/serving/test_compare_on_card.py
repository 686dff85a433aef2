"""Patched kernels serve after every comparison agreed, and a program that compares nothing does not count."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

# Constructed in the form of tests/test-backend-ops.cpp: colours, and cards on the standard error output.
STAND_IN = """#!/bin/sh
printf '  Device 0: AMD Radeon RX 7900 XT, gfx1100 (0x1100), VMM: no, Wave Size: 32\\n' >&2
printf '  Device 1: AMD Radeon VII, {card}, VMM: no, Wave Size: 64\\n' >&2
printf '  Device 2: AMD Radeon VII, {card}, VMM: no, Wave Size: 64\\n' >&2
[ "$5" = none ] && exit 0
echo "$3 $5" >>"$0.asked"
printf '  %s(type_a=f32,type_b=f32,m=16,n=1): \\033[1;32mOK\\033[0m\\n' "$3"
printf '  %s(type_a=iq1_s,type_b=f32,m=16,n=1): not supported [%s] \\n' "$3" "$5"
{last}
printf '  Backend %s: \\033[1;32mOK\\033[0m\\n' "$5"
"""
QUANTISED = "printf '  %s(type_a=q4_K,type_b=f32,m=16,n=1): \\033[1;32mOK\\033[0m\\n' \"$3\""
WRONG = (
    "printf '  %s(type_a=q4_K,type_b=f32,m=16,n=2): [%s] NMSE = 0.7 > 0.0005 \\033[1;31mFAIL\\033[0m\\n' $3 $3; exit 1"
)
ABORTED = f"{QUANTISED}; exit 134"


@pytest.fixture
def compare(program: Callable[[str], ModuleType]) -> ModuleType:
    return program("compare_on_card")


@pytest.fixture
def programs(tmp_path: Path) -> Callable[..., Path]:
    def write(last: str, card: str = "gfx906:sramecc+:xnack- (0x906)") -> Path:
        path = tmp_path / "test-backend-ops"
        path.write_text(STAND_IN.format(last=last, card=card), encoding="utf-8")
        path.chmod(0o755)
        return tmp_path

    return write


@pytest.mark.parametrize("card", ["gfx906:sramecc+:xnack- (0x906)", "compute capability 9.0"])
def test_the_first_card_of_its_kind_is_compared(compare: ModuleType, programs: Callable[..., Path], card: str) -> None:
    folder = programs(QUANTISED, card)
    assert compare.main(str(folder), str(folder / "result"), "gfx906") == 0
    assert (folder / "test-backend-ops.asked").read_text() == "MUL_MAT ROCm1\nMUL_MAT_ID ROCm1\n"
    assert set(json.loads((folder / "result").read_text())["compared"].values()) == {2}


@pytest.mark.parametrize(
    ("last", "architecture", "verdict"),
    [
        (WRONG, "gfx906", "1 comparisons of MUL_MAT fail, the first is MUL_MAT(type_a=q4_K,type_b=f32,m=16,n=2)"),
        (ABORTED, "gfx906", "ended with status 134"),
        (":", "gfx906", "compared no MUL_MAT of a quantised matrix"),
        (QUANTISED, "gfx900", "no GPU of gfx900 is visible"),
    ],
)
def test_anything_else_leaves_no_result(  # noqa: PLR0917 - fixtures and cases
    compare: ModuleType,
    programs: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    last: str,
    architecture: str,
    verdict: str,
) -> None:
    folder = programs(last)
    assert compare.main(str(folder), str(folder / "result"), architecture) == 1
    assert verdict in capsys.readouterr().out.splitlines()[-1]
    assert not (folder / "result").exists()
