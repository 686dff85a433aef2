"""One message in every form in which tools and people write it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocmox.facts.kernel_log import Clock, parse_line
from rocmox.facts.kernel_log.stamp import parse_date

WORDS = "GPU reset begin!"
MESSAGE = f"amdgpu 0000:43:00.0: amdgpu: {WORDS}"
FORMS = {
    "bare": (MESSAGE, None),
    "dmesg": (f"[  712.250000] {MESSAGE}", Clock.BOOT),
    "dmesg with the caller": (f"[  712.250000] [ T53331] {MESSAGE}", Clock.BOOT),
    "dmesg with the caller inside": (f"[  712.250000][ T12] {MESSAGE}", Clock.BOOT),
    "dmesg -d": (f"[  712.250000 <    0.000021>] {MESSAGE}", Clock.BOOT),
    "dmesg -T": (f"[Wed Sep 26 00:34:17 2018] {MESSAGE}", Clock.WALL),
    "dmesg -T in German": (f"[Mo, 11. Aug 2025, 23:29:08] {MESSAGE}", Clock.WALL),
    "dmesg -T in Chinese": (f"[二 9月  9 02:30:28 2025] {MESSAGE}", Clock.WALL),
    "dmesg -e, the first of a minute": (f"[Nov19 10:33] {MESSAGE}", None),
    "dmesg -e": (f"[  +0.000388] {MESSAGE}", None),
    "dmesg -e in German": (f"[  +0,000007] {MESSAGE}", None),
    "dmesg -x": (f"kern  :err   : [  712.250000] {MESSAGE}", Clock.BOOT),
    "dmesg --time-format iso": (f"2025-09-09T02:30:28,123456+00:00 {MESSAGE}", Clock.WALL),
    "short": (f"May 26 18:09:55 node kernel: {MESSAGE}", Clock.WALL),
    "short without a host": (f"Jun 15 11:58:44   kernel: {MESSAGE}", Clock.WALL),
    "short in Czech": (f"kvě 25 19:29:48 node kernel: {MESSAGE}", Clock.WALL),
    "short-full": (f"Tue 2025-09-09 02:30:28 UTC node kernel: {MESSAGE}", Clock.WALL),
    "short-iso": (f"2024-08-18T01:19:31+0000 node kernel: {MESSAGE}", Clock.WALL),
    "short-precise": (f"Aug 05 18:46:49.123456 node kernel: {MESSAGE}", Clock.WALL),
    "short-monotonic": (f"[  712.250000] node kernel: {MESSAGE}", Clock.BOOT),
    "rsyslog": (f"Oct  7 12:58:23 node kernel: [ 2237.944235] {MESSAGE}", Clock.BOOT),
    "rsyslog, precise": (f"2024-08-18T01:19:31.351160+00:00 node kernel: {MESSAGE}", Clock.WALL),
    "RFC 5424": (f"<3>1 2024-08-18T01:19:31.351160+00:00 node kernel - - - {MESSAGE}", Clock.WALL),
    "RFC 3164 on the wire": (f"<3>Oct  7 12:58:23 node kernel: [ 2237.944235] {MESSAGE}", Clock.BOOT),
    "serial console": (f"<3>[  712.250000] {MESSAGE}", Clock.BOOT),
    "kmsg and netconsole": (f"3,416,712250000,-;{MESSAGE}", Clock.BOOT),
    "Talos": (f"[2026-01-06T19:44:54.899360477Z]: {MESSAGE}", Clock.WALL),
    "journal export": (f"MESSAGE={MESSAGE}", None),
    "time of day": (f"02:21:15 {MESSAGE}", Clock.DAY),
    "quoted": (f"> > [  712.250000] {MESSAGE}", Clock.BOOT),
    "coloured": (f"\x1b[32m[  712.250000] \x1b[0m\x1b[31m{MESSAGE}\x1b[0m", Clock.BOOT),
    "torn bracket": (f"712.250000] {MESSAGE}", Clock.BOOT),
    "carriage return": (f"[  712.250000] {MESSAGE}\r", Clock.BOOT),
    "a table of the user's": (f"node1 | pid 4 | {MESSAGE}", None),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(form: str) -> None:
    text, clock = FORMS[form]
    line = parse_line(text)
    assert (line.words, line.driver, line.address, line.is_kernel) == (WORDS, "amdgpu", "0000:43:00.0", True)
    assert (line.stamp.clock if line.stamp else None) is clock


@pytest.mark.parametrize(
    ("text", "driver", "address", "words"),
    [
        ("amdgpu: Failed to quiesce KFD", "amdgpu", None, "Failed to quiesce KFD"),
        ("kfd kfd: amdgpu: added device 1002:66a1", "amdgpu", None, "added device 1002:66a1"),
        ("kfd kfd: skipped device 1002:699f", "kfd", None, "skipped device 1002:699f"),
        ("[drm:gfx_v11_0_bad_op_irq [amdgpu]] *ERROR* Illegal", "amdgpu", None, "Illegal"),
        ("[drm:amdgpu_ib_ring_tests] *ERROR* IB test", "amdgpu", None, "IB test"),
        ("[drm:intel_dp [i915]] *ERROR* no link", "i915", None, "no link"),
        ("amdgpu 000d:31:00.0: [drm:x.isra.0 [amdgpu]] *ERROR* bad", "amdgpu", "000d:31:00.0", "bad"),
        ("nvme 0000:02:00.0: AER: x", "nvme", "0000:02:00.0", "AER: x"),
        ("qcm fence wait loop timeout expired", "", None, "qcm fence wait loop timeout expired"),
    ],
)
def test_the_owner_is_split_off(text: str, driver: str, address: str | None, words: str) -> None:
    line = parse_line(text)
    assert (line.driver, line.address, line.words) == (driver, address, words)


def test_a_journal_record() -> None:
    record = {"MESSAGE": MESSAGE, "__REALTIME_TIMESTAMP": "1722883609000000", "_BOOT_ID": "b1", "_TRANSPORT": "kernel"}
    line = parse_line(json.dumps(record))
    assert (line.words, line.boot, line.is_kernel) == (WORDS, "b1", True)
    assert line.stamp is not None
    assert (line.stamp.clock, line.stamp.seconds) == (Clock.WALL, 1722883609.0)
    assert parse_line(json.dumps({**record, "MESSAGE": list(MESSAGE.encode())})).words == WORDS
    assert not parse_line(json.dumps({**record, "_TRANSPORT": "stdout"})).is_kernel


def test_programs_are_told_from_the_kernel() -> None:
    assert not parse_line(f"May 26 18:09:55 node rocmox[7]: {MESSAGE}").is_kernel
    assert not parse_line(f"<3>1 2024-08-18T01:19:31+00:00 node python3 77 - - {MESSAGE}").is_kernel
    assert parse_line(f"May 26 18:09:55 {MESSAGE}").is_kernel
    assert parse_line("May 26 18:09:55 kfd kfd: amdgpu: skipped device 1:2, PCI rejects atomics").is_kernel


def test_dates_count_seconds() -> None:
    def seconds(text: str) -> float:
        stamp = parse_date(text)
        assert stamp is not None
        return stamp.seconds

    assert seconds("Mar  1 00:00:01") - seconds("Feb 29 23:59:59.5") == 1.5
    assert seconds("2025-09-09T02:30:28Z") == seconds("Tue Sep  9 02:30:28 2025")
    assert parse_date("2025-13-45T99:99:99") is None
    assert parse_date("no date") is None


@given(st.text() | st.binary().map(lambda data: data.decode(errors="replace")))
def test_no_line_is_an_error(text: str) -> None:
    assert parse_line(text).raw is not None


@given(st.text(alphabet='[]<>0123456789.:,;- TCamdgpu kfd:{}"\\MESSAGE=\x1b|`月日', max_size=300))
def test_what_looks_like_a_prefix_is_no_error(text: str) -> None:
    assert parse_line(text).words is not None


@pytest.mark.parametrize(
    "piece", ["[", "<1>", "[ 1.", "a" * 9, "0000:00:00.0", "amdgpu: ", "> ", "12:34:56 ", "{", "\x1b["]
)
@pytest.mark.timeout(5)
def test_no_expression_runs_away(piece: str) -> None:
    for _ in range(3):
        parse_line(piece * 20_000)
