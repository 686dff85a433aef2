"""Whole logs: sequence, rate, the first cause, the right card, several boots."""

import io
import json
from pathlib import Path

import pytest

from rocmox.facts.kernel_log.source import LogSource
from rocmox.health.kernel_log.findings import LogReport, read_log
from rocmox.health.kernel_log.links import Links

STORIES = json.loads((Path(__file__).parents[3] / "cases" / "kernel_log" / "stories.json").read_text())


def judge(text: str, links: Links | None = None) -> LogReport:
    return read_log(LogSource(io.BytesIO(text.encode()), "test"), links)


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_story_has_its_verdict_and_first_cause(name: str, line_end: str) -> None:
    story = STORIES[name]
    report = judge(line_end.join(story["log"]))
    assert report.verdict.value == story["verdict"]
    assert [finding.incident.first.code for finding in report.findings] == story["first"]


def test_a_story_is_the_same_in_every_split_of_its_lines() -> None:
    """Colours, quotation marks and a syslog's words before each line change nothing."""
    for name, story in STORIES.items():
        dressed = "\n".join(
            f"> \x1b[32mOct  7 12:58:23 node kernel: {line.lstrip('> ')}\x1b[0m" for line in story["log"]
        )
        if "wrapped" not in name:
            assert judge(dressed).verdict.value == story["verdict"], name


def test_events_without_an_address_name_the_card_that_follows() -> None:
    report = judge("\n".join(STORIES["lines without an address go to the nearest card"]["log"]))
    assert [finding.incident.first.subject for finding in report.findings] == ["0000:06:00.0"]


def test_the_consequences_are_counted_in_the_incident() -> None:
    (finding,) = judge("\n".join(STORIES["a MES hang, its consequences folded"]["log"])).findings
    assert [event.code for event in finding.incident.events][:3] == [
        "MES_NO_RESPONSE",
        "MES_QUEUE_OP_FAILED",
        "MES_UNRECOVERABLE",
    ]
    assert "REMOVE_QUEUE" in finding.summary


def test_the_machine_knows_its_bridges_better_than_the_log() -> None:
    line = "pcieport 0000:40:01.1: PCIe Bus Error: severity=Corrected, type=Physical Layer, (Receiver ID)"
    assert judge(line).findings == ()
    (finding,) = judge(line, Links.of_machine({"0000:43:00.0": ("0000:40:01.1", "0000:41:00.0")})).findings
    assert finding.incident.first.subject == "0000:43:00.0"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("pciehp: Slot(0-1): Link Down", "PCIE_LINK_DOWN"),
        ("pciehp: Slot(0-1): Card not present", "PCIE_LINK_DOWN"),
        ("AER: device recovery failed", "PCIE_RECOVERY_FAILED"),
    ],
)
def test_a_slot_that_loses_its_card_counts_only_above_a_card(words: str, code: str) -> None:
    links = Links.of_machine({"0000:43:00.0": ("0000:40:01.1",)})
    (finding,) = judge(f"[2.0] pcieport 0000:40:01.1: {words}\n", links).findings
    assert (finding.incident.first.code, finding.verdict.value) == (code, "CRIT")
    assert finding.incident.first.subject == "0000:43:00.0"
    assert judge(f"[2.0] pcieport 0000:00:1c.0: {words}\n", links).findings == ()


def test_incidents_are_bounded_and_the_rest_is_counted() -> None:
    lines = [f"[{100 * number}.0] amdgpu 0000:43:00.0: IH ring buffer overflow (0x1)" for number in range(1100)]
    report = judge("\n".join(lines))
    assert (len(report.findings), report.dropped) == (1000, 100)


def test_boots_of_a_journal_are_told_apart() -> None:
    def record(boot: str, seconds: int, message: str) -> str:
        stamp = {"__REALTIME_TIMESTAMP": str(seconds * 1_000_000), "_BOOT_ID": boot, "_TRANSPORT": "kernel"}
        return json.dumps({**stamp, "MESSAGE": message})

    begin, done = (
        "amdgpu 0000:03:00.0: amdgpu: GPU reset begin!",
        "amdgpu 0000:03:00.0: amdgpu: GPU reset(1) succeeded!",
    )
    one_boot = judge("\n".join([record("a", 1000, begin), record("a", 1004, done)]))
    assert (one_boot.verdict.value, one_boot.boots) == ("FAIL", 1)
    two_boots = judge("\n".join([record("a", 1000, begin), record("b", 1004, done)]))
    assert (two_boots.verdict.value, two_boots.boots) == ("CRIT", 2)


def test_ports_that_repeat_themselves_are_counted_and_cost_nothing() -> None:
    port = "pcieport 0000:00:1c.4: PCIe Bus Error: severity=Corrected, type=Physical Layer, (Receiver ID)"
    lines = [f"[{number}.0] {port}" for number in range(5000)]
    assert judge("\n".join(lines)).findings == ()
    trouble = "[5000.0] amdgpu 0000:06:00.0: amdgpu: device lost from bus!"
    (finding,) = judge("\n".join([*lines, trouble])).findings
    assert [event.code for event in finding.incident.events] == ["PCIE_AER_CORR", "DEVICE_LOST"]
    assert finding.incident.events[0].count == 5000
    late = "[9000.0] amdgpu 0000:06:00.0: amdgpu: device lost from bus!"
    (alone,) = judge("\n".join([*lines, late])).findings
    assert [event.code for event in alone.incident.events] == ["DEVICE_LOST"]
