"""QMP against a stand-in that speaks it on a socket: requests in their order, a job's end, refusals, silence."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from rocmox.errors import MachineError
from rocmox_lab.vm import monitor

GREETING = {"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": ""}, "capabilities": ["oob"]}}


@contextmanager
def qemu(path: Path, *, job_error: str = "", refused: str = "") -> Iterator[list[dict[str, Any]]]:
    """Answers one client as QEMU 7.2 does; what it was asked."""
    asked: list[dict[str, Any]] = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        thread = threading.Thread(target=_serve, args=(server, asked, job_error, refused))
        thread.start()
        yield asked
        thread.join(timeout=10)
        assert not thread.is_alive()


def _serve(server: socket.socket, asked: list[dict[str, Any]], job_error: str, refused: str) -> None:
    connection, _ = server.accept()
    with connection, connection.makefile("rwb") as stream:

        def send(document: dict[str, Any]) -> None:
            stream.write(json.dumps(document).encode() + b"\r\n")
            stream.flush()

        send(GREETING)
        job = ""
        for request in _requests(connection):
            asked.append(request)
            command, number = request["execute"], {"id": request["id"]} if "id" in request else {}
            if command == refused:
                send({"error": {"class": "GenericError", "desc": "no medium"}, **number})
                continue
            jobs = [{"id": "another", "status": "running"}, {"id": job, "status": "concluded"}]
            if job_error:
                jobs[1]["error"] = job_error
            send({"return": jobs if command == "query-jobs" else {}, **number})
            if command.startswith("snapshot-"):
                job = request["arguments"]["job-id"]
                for name, status in (("another", "concluded"), (job, "running"), (job, "concluded")):
                    stamp = {"seconds": 1, "microseconds": 0}
                    data = {"id": name, "status": status}
                    send({"event": "JOB_STATUS_CHANGE", "data": data, "timestamp": stamp})


def _requests(connection: socket.socket) -> Iterator[dict[str, Any]]:
    """Each as soon as it is whole: clients need not end their lines."""
    text = ""
    while part := connection.recv(4096):
        text += part.decode()
        with suppress(json.JSONDecodeError):
            yield json.loads(text)
            text = ""


def commands(asked: list[dict[str, Any]]) -> list[str]:
    return [each["execute"] for each in asked if each["execute"] != "qmp_capabilities"]


def test_a_command_is_done_when_it_returns(tmp_path: Path) -> None:
    with qemu(tmp_path / "qmp") as asked:
        monitor.execute(tmp_path / "qmp", "stop")
    assert commands(asked) == ["stop"]


def test_a_job_is_waited_for_and_dismissed(tmp_path: Path) -> None:
    with qemu(tmp_path / "qmp") as asked:
        monitor.run_job(tmp_path / "qmp", "snapshot-save", tag="prepared", vmstate="disk", devices=["disk"])
    assert commands(asked) == ["snapshot-save", "query-jobs", "job-dismiss"]
    save = next(each["arguments"] for each in asked if each["execute"] == "snapshot-save")
    assert (save["tag"], save["vmstate"], save["devices"]) == ("prepared", "disk", ["disk"])


def test_a_job_that_failed_says_why_and_is_dismissed(tmp_path: Path) -> None:
    with (
        qemu(tmp_path / "qmp", job_error="Snapshot 'prepared' already exists") as asked,
        pytest.raises(MachineError, match=r"snapshot-save: Snapshot 'prepared' already exists"),
    ):
        monitor.run_job(tmp_path / "qmp", "snapshot-save", tag="prepared")
    assert commands(asked)[-1] == "job-dismiss"


@pytest.mark.parametrize("call", [monitor.execute, monitor.run_job])
def test_a_refusal_has_qemus_words(tmp_path: Path, call: Any) -> None:
    with (
        qemu(tmp_path / "qmp", refused="snapshot-save"),
        pytest.raises(MachineError, match="refused snapshot-save: no medium"),
    ):
        call(tmp_path / "qmp", "snapshot-save")


def test_a_machine_that_does_not_run(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="refused stop") as caught:
        monitor.execute(tmp_path / "qmp", "stop")
    assert "lab machine up" in caught.value.remedy


def test_a_machine_that_is_silent_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "ANSWER_SECONDS", 0.2)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "qmp"))
        server.listen()
        with pytest.raises(MachineError, match=r"not answered stop within 0\.2 s"):
            monitor.execute(tmp_path / "qmp", "stop")
