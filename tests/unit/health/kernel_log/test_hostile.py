"""Whatever a log holds, there is a report: no traceback, no hang, and UNKNOWN says why."""

import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocmox.facts.kernel_log.source import LogSource
from rocmox.health.kernel_log.findings import LogReport, read_log
from rocmox.health.result import Verdict
from rocmox.report.kernel_log import incident_line, to_json, to_text
from tests.unit.health.kernel_log.test_rules import ALARMS

MESSAGES = [line for lines in ALARMS.values() for line in lines]
JUNK = [
    "",
    "\0",
    "\x1b[31m",
    "[",
    "{",
    '{"MESSAGE":',
    "> ",
    "Linux version 6",
    "-- Reboot --",
    "é月",
    "\udcff",
    "x" * 3000,
]


def read(data: bytes) -> LogReport:
    report = read_log(LogSource(io.BytesIO(data), "test"))
    assert to_json(report)["verdict"] == report.verdict.value
    assert to_text(report).endswith(report.verdict.value)
    for finding in report.findings:
        assert "\n" not in incident_line(finding, as_json=False)
    return report


@given(st.binary(max_size=2000))
@settings(max_examples=200)
def test_any_bytes(data: bytes) -> None:
    assert read(data).verdict in Verdict


@given(st.lists(st.sampled_from(MESSAGES + JUNK) | st.text(max_size=40), max_size=30), st.randoms())
@settings(max_examples=200, deadline=None)
def test_messages_in_any_order_with_any_stamps(lines: list[str], random: object) -> None:
    assert hasattr(random, "random")
    stamped = [f"[{random.random() * 10 ** random.randint(0, 9):12.6f}] {line}" for line in lines]
    assert read("\n".join(stamped).encode(errors="replace")).verdict in Verdict


@given(st.sampled_from(MESSAGES), st.integers(0, 200), st.binary(max_size=20))
@settings(max_examples=200)
def test_torn_messages(message: str, place: int, junk: bytes) -> None:
    data = message.encode()
    assert read(data[:place] + junk + data[place:]).verdict in Verdict
    assert read(data[:place]).verdict in Verdict


@pytest.mark.parametrize(
    "piece", [b"amdgpu ", b"*ERROR* ", b"[", b"amdgpu 0000:03:00.0: ", b"[drm:", b"\x1b[", b'{"a":', b"\0"]
)
@pytest.mark.timeout(20)
def test_endless_lines_end(piece: bytes) -> None:
    started = time.process_time()
    read(piece * (300_000 // len(piece)))
    read((piece + b"\n") * (30_000 // len(piece)))
    assert time.process_time() - started < 10


def test_an_empty_log_is_unknown_and_says_so() -> None:
    for data in (b"", b"\n\n  \n"):
        report = read(data)
        assert (report.verdict, report.reason) == (Verdict.UNKNOWN, "test is empty")


def test_a_log_that_breaks_off_is_unknown_unless_it_said_worse() -> None:
    class Torn(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if block := super().read(size):
                return block
            raise EOFError("torn")

    assert read_log(LogSource(Torn(b"quiet\n"), "test")).verdict is Verdict.UNKNOWN
    bad = b"amdgpu 0000:03:00.0: amdgpu: device lost from bus!\n"
    assert read_log(LogSource(Torn(bad), "test")).verdict is Verdict.CRIT
