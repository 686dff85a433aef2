"""No code of a check is untested: what the checks can give, against what cases and tests reach by name.

A case of `test_check_verdicts`, a variation of the constructed cards and an entry of `tests/cases` assert the code they
name; elsewhere a test names the code that it asserts.
"""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocmox.health.context import Context
from rocmox.health.result import Verdict
from rocmox.health.run import check_names, run_checks
from rocmox.machine.captured import CapturedMachine
from rocmox_lab.gpus.variations import VARIATIONS
from tests.unit.docs.test_check_pages import OWN_FORM, PAGES, PLAIN, ROW, codes_in_sources
from tests.unit.health.test_check_verdicts import CASES

HERE = Path(__file__).parent
RECORDED = HERE.parents[1] / "cases"
# Their first question is another than which cards there are.
ASKS_ELSEWHERE = {"device_access", "next_kernel", "node", "p2p", "services"}
# The stand-in for libamdhip64 is built by these tests.
STAND_IN = HERE.parents[1] / "contract"
# What a log's own text is made of, not a code: names of firmware and beginnings.
NO_CODES = {"MES_KIQ"}


def codes_of(name: str) -> set[str]:
    """What a check can give, by its page and its source; those two are compared elsewhere."""
    page = PAGES / f"{name}.md"
    rows = {match["code"] for match in ROW.finditer(page.read_text(encoding="utf-8"))} if page.exists() else set()
    return {code for code in rows | codes_in_sources(name) if not code.endswith("_")}


def named_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def reached() -> set[str]:
    codes = {case.code for case in CASES} | {code for each in VARIATIONS.values() for code in each.codes}
    codes |= {entry["code"] for entry in json.loads((RECORDED / "gpu_health/access.json").read_text(encoding="utf-8"))}
    codes |= set(json.loads((RECORDED / "kernel_log/alarms.json").read_text(encoding="utf-8")))
    stories = json.loads((RECORDED / "kernel_log/stories.json").read_text(encoding="utf-8"))
    codes |= {code for story in stories.values() for code in story["first"]}
    for path in (*HERE.rglob("test_*.py"), *STAND_IN.glob("test_*.py")):
        if path.name != Path(__file__).name:
            codes.update(named_in(path))
    codes |= {f"{name.upper()}_NOT_APPLICABLE" for name in check_names()}
    return codes | {f"{name.upper()}_CANNOT_LOOK" for name in check_names() if name not in ASKS_ELSEWHERE}


@pytest.mark.parametrize("name", check_names())
def test_every_code_of_a_check_is_reached(name: str) -> None:
    assert codes_of(name) - reached() - NO_CODES == set()


def test_the_comparison_can_fail() -> None:
    assert codes_of("thermal") - (reached() - {"THERMAL_EMERGENCY"}) == {"THERMAL_EMERGENCY"}
    assert set(PLAIN) | OWN_FORM == set(check_names())


@pytest.mark.parametrize("name", check_names())
def test_a_machine_without_cards_has_nothing_to_judge(name: str, tmp_path: Path) -> None:
    (tmp_path / "sys/bus/pci/devices").mkdir(parents=True)
    results = run_checks(Context(machine=CapturedMachine(tmp_path)), only=[name])
    assert [(result.code, result.verdict) for result in results] == [
        (f"{name.upper()}_NOT_APPLICABLE", Verdict.NOT_APPLICABLE)
    ]
    assert results[0].summary


@pytest.mark.parametrize("name", [name for name in check_names() if name not in ASKS_ELSEWHERE])
def test_a_bus_that_cannot_be_listed_is_unknown(name: str, tmp_path: Path) -> None:
    (tmp_path / "sys/bus").mkdir(parents=True)
    (tmp_path / "sys/bus/pci").write_text("")
    (result,) = run_checks(Context(machine=CapturedMachine(tmp_path)), only=[name])
    assert (result.code, result.verdict) == (f"{name.upper()}_CANNOT_LOOK", Verdict.UNKNOWN)
    assert "/sys/bus/pci/devices" in result.summary
