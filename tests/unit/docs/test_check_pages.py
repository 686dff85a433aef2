"""Every check has its page, and a page names every code that its check can give, with its verdicts, and no other."""

import ast
import re
from pathlib import Path

import pytest

from rocmox.health.run import check_names

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs/reference/checks"
CHECKS = ROOT / "src/rocmox/health/checks"
# Pages with another form have tests of their own, or codes that are rules of a table.
OWN_FORM = {"p2p", "kernel_log", "mes", "next_kernel"}
ELSEWHERE = {
    "device_access": ["src/rocmox/health/access.py", "src/rocmox/health/device_lines.py"],
    "identity": ["src/rocmox/gpu/identity.py"],
}
PREFIX = {"device_access": "DEVICE_", "services": "SERVICE_"}
ROW = re.compile(r"^\| `(?P<code>[A-Z0-9_]+)` \| (?P<verdicts>[A-Z_, ]+) \|", re.MULTILINE)
VERDICTS = {"PASS", "WARN", "FAIL", "CRIT", "UNKNOWN", "NOT_APPLICABLE"}
# What run_checks gives by itself, and pages may leave out where it cannot happen.
BY_ITSELF = ("_CANNOT_LOOK", "_NOT_APPLICABLE")
PLAIN = [name for name in check_names() if name not in OWN_FORM]


def codes_in_sources(name: str) -> set[str]:
    prefix = PREFIX.get(name, f"{name.upper()}_")
    found = set()
    for path in (CHECKS / f"{name}.py", *(ROOT / other for other in ELSEWHERE.get(name, []))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(prefix):
                found.add(node.value)
    return {code for code in found if re.fullmatch(r"[A-Z0-9_]+", code)}


@pytest.mark.parametrize("name", PLAIN)
def test_a_page_names_the_codes_of_its_check(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    rows = {match["code"]: {word.strip() for word in match["verdicts"].split(",")} for match in ROW.finditer(page)}
    assert all(verdicts <= VERDICTS for verdicts in rows.values())
    named = {code for code in rows if not code.endswith(BY_ITSELF)}
    assert named == {code for code in codes_in_sources(name) if not code.endswith(BY_ITSELF)}
    assert f"{name.upper()}_NOT_APPLICABLE" in rows
    assert "Reads: " in page
    assert "Sources: " in page


def test_no_page_is_without_its_check() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} <= set(check_names())
