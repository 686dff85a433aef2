"""A namespace file that the kernel refuses on one processor is made on another one."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from rocmox.errors import CommandError
from rocmox_lab import namespace
from rocmox_lab.settings import LabPlaces
from tests.unit.rocmox_lab.scripted_machine import ScriptedMachine

TOO_LOW = "unshare: mount /proc/28622/ns/mnt on /run/rocmox/labs/a.mnt failed: Invalid argument\n"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LabPlaces:
    monkeypatch.setattr(namespace, "prepare_runtime_directory", lambda machine: machine)
    monkeypatch.setattr(LabPlaces, "directory", property(lambda _: tmp_path))
    monkeypatch.setattr(LabPlaces, "namespace_file", property(lambda _: tmp_path / "a.mnt"))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    return LabPlaces(name="a")


def test_each_processor_is_tried(places: LabPlaces, tmp_path: Path) -> None:
    def answer(argv: Sequence[str]) -> tuple[int, str, str]:
        return (0, "", "") if argv[:3] == ["taskset", "--cpu-list", "1"] else (1, "", TOO_LOW)

    machine = ScriptedMachine(answer)
    namespace.create_namespace(machine, places, lower=tmp_path)
    assert [asked[:3] for asked in machine.asked[1:]] == [("taskset", "--cpu-list", cpu) for cpu in "01"]


def test_another_failure_is_not_tried_again(places: LabPlaces, tmp_path: Path) -> None:
    machine = ScriptedMachine(lambda _: (1, "", "mount: /sys/fs/cgroup: permission denied.\n"))
    with pytest.raises(CommandError, match="permission denied"):
        namespace.create_namespace(machine, places, lower=tmp_path)
    assert len(machine.asked) == 1
