"""The check with its real probe on this computer: plain files and missing nodes stand for devices."""

import os
from pathlib import Path

import pytest

from rocmox.errors import CannotLookError
from rocmox.facts.container_config import PassedDevice
from rocmox.gpu.inventory import Passthrough
from rocmox.health.checks import device_access
from rocmox.health.context import Context, Identity
from rocmox.health.probes.device_access import main, try_device
from rocmox.health.probes.run import run_probe
from rocmox.health.result import Verdict
from rocmox.health.run import run_checks
from rocmox.machine import LocalMachine

KFD = PassedDevice(key="dev0", path="/dev/kfd", gid=992)


def passthrough(*devices: PassedDevice, cards: tuple[str, ...] = ()) -> Passthrough:
    return Passthrough(vmid=101, constructed=True, devices=devices, card_nodes=cards)


def test_a_character_device_opens() -> None:
    answer = try_device("/dev/null")
    assert (answer["error"], answer["is_device"], answer["mode"]) == (None, True, "0666")


def test_files_and_missing_nodes_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert try_device(str(tmp_path / "file"))["is_device"] is False
    assert try_device(str(tmp_path / "none"))["error"] == "ENOENT"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open anything")
def test_permissions_refuse(tmp_path: Path) -> None:
    (tmp_path / "file").touch(mode=0)
    assert try_device(str(tmp_path / "file"))["error"] == "EACCES"


def test_a_user_who_does_not_exist_is_an_answer() -> None:
    assert main({"user": "no-such-user", "groups": [], "paths": []})["refused"].endswith("'no-such-user'")


def test_the_probe_answers_from_its_own_process() -> None:
    answer = run_probe(LocalMachine("/"), "device_access", {"user": None, "groups": [], "paths": ["/dev/null"]})
    assert answer["devices"][0]["error"] is None


def test_a_missing_device_fails_and_a_missing_foreign_card_passes() -> None:
    context = Context(machine=LocalMachine("/"), passthrough=passthrough(KFD, cards=("/dev/dri/renderD190",)))
    results = {result.subject: result for result in device_access.run(context)}
    assert results["/dev/kfd"].verdict is Verdict.FAIL
    assert results["/dev/dri/renderD190"].code == "DEVICE_NOT_PASSED"


def test_a_device_that_is_no_gpu_is_left_alone() -> None:
    context = Context(machine=LocalMachine("/"), passthrough=passthrough(PassedDevice(key="dev0", path="/dev/fuse")))
    assert [result.code for result in device_access.run(context)] == ["DEVICE_ACCESS_NOT_APPLICABLE"]


def test_a_user_who_does_not_exist_cannot_look() -> None:
    identity = Identity(user="no-such-user")
    context = Context(machine=LocalMachine("/"), passthrough=passthrough(KFD), device_user=identity)
    with pytest.raises(CannotLookError, match="no-such-user"):
        list(device_access.run(context))


def test_who_cannot_look_says_so_beside_what_the_node_says() -> None:
    context = Context(
        machine=LocalMachine("/"), passthrough=passthrough(KFD), device_user=Identity(user="no-such-user")
    )
    result = run_checks(context, only=["device_access"])[-1]
    assert (result.code, result.verdict) == ("DEVICE_ACCESS_CANNOT_LOOK", Verdict.UNKNOWN)
    assert "no-such-user" in result.summary
    assert result.remedy
