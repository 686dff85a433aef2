"""`rocmox kernel-log`, `mes` and `capture`: exit codes and documents."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.cli.main import main
from rocmox_lab.gpus.kernel_stories import STORIES, to_kmsg

HANG = "[  900.0] amdgpu 0000:43:00.0: amdgpu: MES failed to respond to msg=REMOVE_QUEUE\n"
LOST = "[  901.0] amdgpu 0000:43:00.0: amdgpu: device lost from bus!\n"


@pytest.mark.parametrize(
    ("content", "code", "verdict"),
    [
        ("[    1.0] usb 1-1: reset high-speed USB device\n", 0, "PASS"),
        ("[  900.0] amdgpu 0000:43:00.0: MES(1) failed to respond to msg=INVALIDATE_TLBS\n", 1, "WARN"),
        (HANG, 2, "FAIL"),
        (HANG + LOST, 2, "CRIT"),
        ("", 3, "UNKNOWN"),
    ],
)
def test_the_exit_code_is_the_verdict(
    content: str, code: int, verdict: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log").write_text(content)
    assert main(["kernel-log", "--json", str(tmp_path / "log")]) == code
    document = json.loads(capsys.readouterr().out)
    assert (document["schema_version"], document["verdict"]) == (1, verdict)
    assert all({"code", "severity", "subject", "time", "line"} <= set(event) for event in document["events"])
    for incident in document["incidents"]:
        assert {"first", "events", "subject", "verdict", "summary"} <= set(incident)
    assert main(["kernel-log", str(tmp_path / "log")]) == code
    assert f"verdict: {verdict}" in capsys.readouterr().out


def test_wrong_usage_is_64(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([str(tmp_path / "none")], [str(tmp_path)], [], ["--follow", str(tmp_path / "none")]):
        assert main(["kernel-log", *words]) == 64, words
        assert "HINT:" in capsys.readouterr().err


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(HANG.encode())))
    assert main(["kernel-log", "-"]) == 2


def start(*words: str) -> subprocess.Popen[str]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-m", "rocmox", "kernel-log", "--follow", *words], **pipes)


def test_a_pipe_is_followed_to_its_end() -> None:
    with start("-", "--json") as process:
        printed, _ = process.communicate(HANG + LOST, timeout=60)
    lines = [json.loads(line) for line in printed.splitlines()]
    assert [line["event"]["code"] for line in lines if "event" in line] == ["MES_NO_RESPONSE", "DEVICE_LOST"]
    assert [line["incident"]["verdict"] for line in lines if "incident" in line] == ["CRIT"]
    assert process.returncode == 2


def test_a_file_is_followed_across_its_rotation(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(HANG)
    with start(str(log)) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("FAIL MES_NO_RESPONSE 0000:43:00.0 900.0 ")
        log.rename(tmp_path / "log.1")
        log.write_text(LOST)
        assert process.stdout.readline().startswith("CRIT DEVICE_LOST 0000:43:00.0 901.0 ")
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline().startswith("CRIT INCIDENT 0000:43:00.0 MES_NO_RESPONSE")
        assert process.wait(timeout=30) == 2


def test_only_what_is_new_is_followed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(HANG)
    with start(str(log), "--new") as process:
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        time.sleep(1.5)
        with log.open("a") as file:
            file.write(LOST)
        os.set_blocking(process.stdout.fileno(), True)
        assert process.stdout.readline().startswith("CRIT DEVICE_LOST")
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def test_mes_speaks_of_every_card(
    fresh_tree: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = fresh_tree("w7900x2")
    (tree / "dev").mkdir()
    (tree / "dev/kmsg").write_text(to_kmsg("mes-hang", card="0000:03:00.0", port="0000:00:01.1"))
    monkeypatch.setenv("ROCMOX_ROOT", str(tree))
    assert main(["mes", "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    found = {(result["subject"], result["code"], result["verdict"]) for result in document["results"]}
    assert ("0000:03:00.0", "MES_NO_RESPONSE", "CRIT") in found
    assert ("0000:c3:00.0", "MES_OK", "PASS") in found


def test_a_card_without_mes_says_so(
    fresh_tree: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = fresh_tree("mi50x1")
    (tree / "dev").mkdir()
    (tree / "dev/kmsg").write_text(to_kmsg("healthy", card="0000:03:00.0", port="0000:00:01.1"))
    monkeypatch.setenv("ROCMOX_ROOT", str(tree))
    assert main(["mes", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)["results"]
    assert [(result["code"], result["verdict"]) for result in results] == [
        ("MES_NOT_APPLICABLE", "NOT_APPLICABLE"),
        ("HWS_OK", "PASS"),
    ]
    assert "gfx906 has no MES" in results[0]["summary"]


def test_the_boot_before_is_a_warning(
    fresh_tree: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = fresh_tree("w7900x2")
    (tree / "sys/fs/pstore").mkdir(parents=True)
    (tree / "sys/fs/pstore/dmesg-efi-1").write_text(to_kmsg("mes-hang", card="0000:03:00.0", port="0000:00:01.1"))
    monkeypatch.setenv("ROCMOX_ROOT", str(tree))
    assert main(["mes", "--json"]) == 1
    assert "in the boot before (CRIT)" in capsys.readouterr().out


def test_every_story_of_the_lab_is_told(
    fresh_tree: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = fresh_tree("w7900x2")
    (tree / "dev").mkdir()
    monkeypatch.setenv("ROCMOX_ROOT", str(tree))
    codes = {}
    for story in STORIES:
        (tree / "dev/kmsg").write_text(to_kmsg(story, card="0000:03:00.0", port="0000:00:01.1"))
        codes[story] = main(["health", "--only", "kernel_log"])
        assert ("0000:03:00.0" in capsys.readouterr().out) is (story not in {"healthy", "other-device"})
    mild = {"mes-isolated", "aer-corrected", "vm-fault"}
    assert codes == {
        story: 0 if story in {"healthy", "other-device"} else 1 if story in mild else 2 for story in STORIES
    }


def test_capture_writes_an_archive_that_is_read_again(
    fresh_tree: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ROCMOX_ROOT", str(fresh_tree("mi50x1")))
    place = tmp_path / "c.tar.gz"
    assert main(["capture", "-o", str(place)]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "says otherwise" not in captured.err
    monkeypatch.delenv("ROCMOX_ROOT")
    assert main(["health", "--machine", f"capture:{place}"]) == 0
    assert main(["capture", "-o", str(tmp_path / "no/such/c.tar.gz")]) == 64
    place.write_bytes(place.read_bytes()[:500])
    assert main(["mes", "--machine", f"capture:{place}"]) == 64
