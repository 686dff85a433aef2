"""docs/reference/checks/p2p.md names every code that the check can give, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/reference/checks/p2p.md"
CODE = re.compile(r"\bP2P_[A-Z_]+\b")
# Made of P2P_ and the word that health/hip/devices.py gives, or of the check's name.
MADE = {"P2P_NO_DEVICE", "P2P_LIBRARY_CRASHED", "P2P_LIBRARY_HUNG", "P2P_LIBRARY_FAILED", "P2P_NOT_APPLICABLE"}


def test_codes_are_those_of_the_sources() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "src/rocmox/health/p2p").glob("*.py"))
    assert set(CODE.findall(PAGE.read_text())) == {*CODE.findall(sources), *MADE}


def test_made_codes_are_made() -> None:
    words = (ROOT / "src/rocmox/health/hip/devices.py").read_text()
    made = {code.removeprefix("P2P_") for code in MADE} - {"NOT_APPLICABLE"}
    assert {word for word in made if f'"{word}"' not in words} == set()
