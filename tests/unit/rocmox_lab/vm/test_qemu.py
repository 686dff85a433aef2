from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from rocmox.errors import UsageError
from rocmox.machine import Completed
from rocmox_lab.vm import lifecycle, qemu
from rocmox_lab.vm.places import MachinePlaces, require_state


def hardware(folder: Path) -> qemu.Hardware:
    return qemu.Hardware(
        disk=folder / "disk.qcow2",
        disk_format="qcow2",
        console=folder / "console.log",
        pid_file=folder / "qemu.pid",
        ssh_port=2222,
        api_port=8443,
        repositories=folder / "www",
        stage_file=folder / "stage",
    )


def test_the_command_line_names_ports_disk_and_repositories(tmp_path: Path) -> None:
    argv = qemu.command(hardware(tmp_path), ("tcg,thread=multi", "max"))
    network = argv[argv.index("-netdev") + 1]
    assert "hostfwd=tcp:127.0.0.1:2222-:22" in network
    assert "guestfwd=tcp:10.0.2.80:80-cmd:" in network
    assert f"file={tmp_path}/disk.qcow2,format=qcow2,if=virtio,cache=unsafe,discard=unmap,node-name=disk" in argv
    assert argv[argv.index("-qmp") + 1] == f"unix:{tmp_path}/qemu.qmp,server=on,wait=off"
    assert "-monitor" not in argv


def test_a_pid_that_belongs_to_something_else_is_none(tmp_path: Path) -> None:
    pid_file = tmp_path / "qemu.pid"
    assert qemu.running_pid(pid_file) is None
    pid_file.write_text(f"{os.getpid()}\n")
    assert qemu.running_pid(pid_file) is None
    assert not qemu.cut_power(pid_file)


def test_free_ports_differ() -> None:
    assert len(set(qemu.free_ports(3))) == 3


def test_names_and_stages_are_checked() -> None:
    with pytest.raises(UsageError):
        MachinePlaces(name="../x")
    with pytest.raises(UsageError, match="there is no machine"):
        require_state("surely-not-there")
    with pytest.raises(UsageError, match="there is no machine"):
        lifecycle.offer("surely-not-there", "b")


def test_a_disk_that_a_killed_qemu_still_holds_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(1, 'qemu-system-x86_64: -drive …: Failed to get "write" lock'), (0, "")]
    asked: list[Sequence[str]] = []

    def run(_self: object, argv: Sequence[str], *, timeout_seconds: float) -> Completed:
        assert timeout_seconds == 30
        asked.append(argv)
        status, stderr = answers.pop(0)
        return Completed(argv=tuple(argv), exit_status=status, stdout="", stderr=stderr)

    monkeypatch.setattr(qemu.LocalMachine, "run", run)
    monkeypatch.setattr(qemu.time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(qemu, "accelerator", lambda: ("kvm", "host"))
    qemu.start(hardware(tmp_path))
    assert len(asked) == 2


def test_the_packages_that_a_failed_start_names_are_those_that_make_test_installs() -> None:
    listed = (Path(__file__).parents[3] / "apt-packages.txt").read_text(encoding="utf-8").splitlines()
    assert {*qemu.PACKAGES} <= {*listed}
