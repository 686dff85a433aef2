from pathlib import Path

import pytest

from rocmox.compatibility import Verdict, driver_range, kernel_matches, load_rows, look_up, to_json, to_markdown

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "compatibility.md"


@pytest.mark.parametrize(
    ("kernel", "rocm", "verdict"),
    [
        ("6.8.12-1-pve", "6.2.0", Verdict.WORKS),
        ("6.8.12-2-pve", "6.2.0", Verdict.KNOWN_BAD),
        ("6.8.12-43-pve", "6.2.0", Verdict.KNOWN_BAD),
        ("6.8.12-8-pve", "6.2.4", Verdict.WORKS),
        ("6.11.0-1-pve", "6.2.4", Verdict.KNOWN_BAD),
        ("6.17.2-1-pve", "6.2.4", Verdict.KNOWN_BAD),
        ("7.0.2-6-pve", "6.2.4", Verdict.KNOWN_BAD),
        ("6.14.8-2-pve", "6.4.1", Verdict.KNOWN_BAD),
        ("6.14.8-2-pve", "6.4.2", Verdict.WORKS),
        ("6.5.13-6-pve", "6.2.4", Verdict.UNKNOWN),
        ("6.12.1-1-pve", "6.4.2", Verdict.UNKNOWN),
        ("7.1.0-1-pve", "7.9", Verdict.UNKNOWN),
    ],
)
def test_what_the_table_says(kernel: str, rocm: str, verdict: Verdict) -> None:
    assert look_up(pve="8.4.1", kernel=kernel, driver="dkms", rocm=rocm, architecture="gfx906").verdict is verdict


@pytest.mark.parametrize(
    ("pattern", "version", "inside"),
    [
        ("*", "1.0", True),
        ("6.8", "6.8.12-9-pve", True),
        ("6.8", "6.81.0", False),
        ("6.8.12-1", "6.8.12-10-pve", False),
        ("6.8.12-2..6.8", "6.8.12-10-pve", True),
        ("6.8.12-2..6.8", "6.8.12-1-pve", False),
        ("6.8.12-2..6.8", "6.11.0-1-pve", False),
        ("6.18..", "7.0.2", True),
        ("..6.2", "6.2.4", True),
        ("..6.2", "6.3.0", False),
    ],
)
def test_ranges(pattern: str, version: str, *, inside: bool) -> None:
    assert kernel_matches(pattern, version) is inside
    assert driver_range(pattern, version) is inside


def test_every_row_has_a_source_and_a_basis() -> None:
    rows = load_rows()
    assert all(row.source.startswith("https://") and row.note for row in rows)
    assert {row.basis for row in rows} <= {"vendor", "report", "inference"}


def test_json() -> None:
    document = to_json()
    assert document["schema_version"] == 1
    assert len(document["rows"]) == len(load_rows())


def test_the_page_holds_the_table() -> None:
    assert to_markdown() in PAGE.read_text()


@pytest.mark.parametrize(
    ("architecture", "rocm", "kernel", "driver", "verdict"),
    [
        ("gfx1201", "6.2.4", "6.8.12-8-pve", "dkms", Verdict.UNKNOWN),
        ("gfx1200", "6.2.4", "6.8.12-8-pve", "dkms", Verdict.UNKNOWN),
        ("gfx1201", "6.4.0", "6.8.12-8-pve", "dkms", Verdict.UNKNOWN),
        ("gfx1201", "6.4.1", "6.8.12-8-pve", "dkms", Verdict.WORKS),
        ("gfx1151", "6.4.2", "6.14.8-2-pve", "dkms", Verdict.UNKNOWN),
        ("gfx1150", "6.4.4", "6.14.8-2-pve", "dkms", Verdict.WORKS),
        ("gfx1201", "6.2.4", "6.14.8-2-pve", "inbox", Verdict.UNKNOWN),
        ("gfx1201", "6.2.4", "6.11.0-1-pve", "dkms", Verdict.KNOWN_BAD),
        ("gfx942", "6.2.4", "6.8.12-8-pve", "dkms", Verdict.WORKS),
        ("gfx1100", "6.2.4", "6.8.12-8-pve", "dkms", Verdict.WORKS),
        ("gfx906", "6.4.2", "6.14.8-2-pve", "inbox", Verdict.WORKS),
        ("gfx906", "7.1.1", "6.17.2-1-pve", "dkms", Verdict.UNKNOWN),
        ("gfx906", "7.2.0", "6.14.8-2-pve", "inbox", Verdict.UNKNOWN),
        ("gfx9999", "6.2.4", "6.8.12-8-pve", "dkms", Verdict.UNKNOWN),
        (None, "6.2.4", "6.8.12-8-pve", "dkms", Verdict.WORKS),
    ],
)
def test_no_general_statement_about_a_card_that_this_rocm_does_not_list(
    architecture: str | None, rocm: str, kernel: str, driver: str, verdict: Verdict
) -> None:
    row = look_up(pve=None, kernel=kernel, driver=driver, rocm=rocm, architecture=architecture)
    assert row.verdict is verdict, row.note
    if verdict is Verdict.UNKNOWN:
        assert architecture
        assert architecture in row.note
