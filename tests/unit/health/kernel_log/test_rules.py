"""Every code has its messages, and what healthy cards and other devices write has none."""

import io
import json
from pathlib import Path

import pytest

from rocmox.facts.kernel_log import parse_line
from rocmox.facts.kernel_log.source import LogSource
from rocmox.health.kernel_log.findings import LogReport, read_log
from rocmox.health.kernel_log.prefilter import LITERALS
from rocmox.health.kernel_log.rules import BUS_BOOK, GPU_RULES, HOST_BOOK
from rocmox.health.kernel_log.words import words_for
from rocmox.health.result import Verdict

CASES = Path(__file__).parents[3] / "cases" / "kernel_log"
ALARMS: dict[str, list[str]] = json.loads((CASES / "alarms.json").read_text())
QUIET: list[str] = json.loads((CASES / "quiet.json").read_text())
# A card that writes nothing bad, so that addresses of the bus can be told apart.
CARD = "amdgpu 0000:43:00.0: amdgpu: SMU is initialized successfully!"
FORMS = {
    "bare": "{}",
    "dmesg": "[  712.250000] {}",
    "short": "May 26 18:09:55 node kernel: {}",
    "iso": "2026-05-26T18:09:55.123456+00:00 node kernel: [  712.250000] {}",
    "serial": "<3>[  712.250000] {}",
}


def judge(*lines: str, form: str = "{}") -> LogReport:
    text = "\n".join(form.format(line) for line in lines) + "\n"
    return read_log(LogSource(io.BytesIO(text.encode()), "test"))


def codes(report: LogReport) -> set[str]:
    events = [event for finding in report.findings for event in finding.incident.events]
    return {event.code for event in (*events, *report.infos)}


@pytest.mark.parametrize("code", ALARMS)
def test_every_message_has_its_code(code: str) -> None:
    for line in ALARMS[code]:
        for name, form in FORMS.items():
            assert code in codes(judge(CARD, line, form=form)), (name, line)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_other_messages_alarm_nobody(form: str) -> None:
    for line in QUIET:
        report = judge(CARD, line, form=form)
        assert (report.verdict, codes(report)) == (Verdict.PASS, set()), line


def test_every_message_holds_a_literal_of_the_prefilter() -> None:
    lines = [line.encode() for lines in ALARMS.values() for line in lines]
    assert [line for line in lines if not any(literal in line for literal in LITERALS)] == []


def test_every_code_that_alarms_has_a_message_and_words() -> None:
    attributes = {rule.code for rule in GPU_RULES if not rule.severity}
    alarming = {rule.code for rule in GPU_RULES} - attributes
    assert alarming - set(ALARMS) == {"XGMI_FAILED"}
    unknown = words_for("no such code")
    assert [code for code in (*alarming, *ALARMS) if words_for(code) == unknown] == []


def test_a_rule_is_found_at_the_beginning_alone() -> None:
    assert BUS_BOOK.find("of no interest: PCIe Bus Error: severity=Corrected") is None
    assert HOST_BOOK.find("no [Hardware Error]: System Fatal error") is None


def test_programs_that_quote_the_kernel_are_not_the_kernel() -> None:
    line = "May 26 18:09:55 node rocmox[412]: amdgpu 0000:43:00.0: amdgpu: GPU reset begin!"
    assert not parse_line(line).is_kernel
    assert judge(CARD, line).verdict is Verdict.PASS
