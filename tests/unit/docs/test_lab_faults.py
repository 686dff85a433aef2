"""docs/reference/lab-faults.md has one row for each fault of the registry, with its parameters and their defaults."""

from pathlib import Path

from rocmox_lab.faults.fault import Fault
from rocmox_lab.faults.registry import all_faults

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "lab-faults.md"


def row(fault: Fault) -> str:
    """As it must stand in the table."""
    parameters = ", ".join(f"`{each.name}={each.default}`" for each in fault.parameters) or "none"
    return f"| `{fault.name}` | {fault.summary} | {parameters} |"


def test_the_table_is_the_registry() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert rows == [row(fault) for fault in all_faults().values()]
