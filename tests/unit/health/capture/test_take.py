"""A capture gives the verdicts of the machine it was taken from, and nothing of its owner."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.health.capture import take_capture
from rocmox.health.capture.write import to_tar, write_capture
from rocmox.health.context import Context
from rocmox.health.run import run_checks
from rocmox.machine import LocalMachine, Machine
from rocmox.machine.captured import CapturedMachine
from rocmox_lab.faults.kinds import kernel_log
from rocmox_lab.faults.target import FaultTarget
from tests.unit.health.capture.test_mask import LEAKS, SECRETS

Tree = Callable[[str], Path]


def verdicts(machine: Machine) -> list[tuple[str, str, str]]:
    return sorted((result.check, result.code, result.verdict.value) for result in run_checks(Context(machine=machine)))


def plant(tree: Path, story: str) -> None:
    """A log of a failing card among lines that are nobody's business."""
    (tree.parent / "gpus").symlink_to(tree)
    target = FaultTarget(node_state=tree.parent, run=lambda *_arguments, **_more: pytest.fail("nothing is run"))
    kernel_log.FAULT.apply(target, kernel_log.FAULT.read([f"story={story}"]))
    log = tree / "dev/kmsg"
    private = "\n".join(f"6,9,9,-;audit: exe=/home/erikam/bin {secret}" for secret in SECRETS.values())
    ours = "6,9,9,-;amdgpu 0000:03:00.0: amdgpu: peer at 198.18.4.77 of gpubox7\n"
    log.write_text(f"{private}\n{ours}{log.read_text()}")
    (tree / "proc/sys/kernel").mkdir(parents=True, exist_ok=True)
    (tree / "proc/sys/kernel/hostname").write_text("gpubox7\n")
    command_line = tree / "proc/cmdline"
    command_line.write_text(f"{command_line.read_text().strip()} root=UUID=6e63a953-d123-4ea4-a2ea-402e607dfbb5\n")


@pytest.mark.parametrize(("profile", "story"), [("mi50x3", "hws-hang"), ("w7900x2", "mes-hang"), ("mi50x1", "healthy")])
def test_a_capture_judges_as_its_machine(profile: str, story: str, fresh_tree: Tree, tmp_path: Path) -> None:
    tree = fresh_tree(profile)
    plant(tree, story)
    live = LocalMachine(root=str(tree))
    write_capture(take_capture(live), tmp_path / "c.tar.gz")
    again = verdicts(CapturedMachine(tmp_path / "c.tar.gz"))
    assert again == verdicts(live)
    assert ("UNKNOWN" in {verdict for _, _, verdict in again}) is False
    assert (("kernel_log", "KERNEL_LOG_CLEAN", "PASS") in again) is (story == "healthy")


def test_nothing_of_the_owner_is_in_it(fresh_tree: Tree) -> None:
    tree = fresh_tree("mi50x1")
    plant(tree, "hws-hang")
    content = to_tar(take_capture(LocalMachine(root=str(tree)))).decode(errors="replace").lower()
    assert [leak for leak in LEAKS if leak.lower() in content] == []
    assert "qcm fence wait loop timeout expired" in content
    assert "audit:" not in content


def test_of_a_guest_only_what_concerns_its_devices(fresh_tree: Tree, tmp_path: Path) -> None:
    tree = fresh_tree("mi50x1")
    (tree / "etc/pve/lxc").mkdir(parents=True)
    config = (
        "#ask erika\narch: amd64\ndev0: /dev/kfd,gid=104\nhostname: gpubox7\nnet0: name=eth0,hwaddr=BC:24:11:5E:0A:77\n"
    )
    (tree / "etc/pve/lxc/101.conf").write_text(config + "unprivileged: 1\n[before]\nhostname: gpubox7\n")
    capture = take_capture(CapturedMachine(tree))
    kept = capture.files["/etc/pve/lxc/101.conf"].decode()
    assert (
        kept == "arch: amd64\ndev0: /dev/kfd,gid=104\nhostname: host-1\nunprivileged: 1\n[before]\nhostname: host-1\n"
    )
    write_capture(capture, tmp_path / "c.tar.gz")
    assert verdicts(CapturedMachine(tmp_path / "c.tar.gz")) == verdicts(CapturedMachine(tree))


def test_the_same_machine_gives_the_same_bytes(fresh_tree: Tree, tmp_path: Path) -> None:
    machine = LocalMachine(root=str(fresh_tree("mi50x1")))
    for name in ("a.tar.gz", "b.tar.gz"):
        write_capture(take_capture(machine), tmp_path / name)
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()
    assert not list(tmp_path.glob("*.part"))


def test_errors_and_commands_are_recorded_as_they_were(fresh_tree: Tree, tmp_path: Path) -> None:
    class Refusing(LocalMachine):
        constructed = False

        def read_bytes(self, path: str) -> bytes:
            if path.endswith("vbios_version"):
                raise PermissionError(1, "Operation not permitted", path)
            return super().read_bytes(path)

    live = Refusing(root=str(fresh_tree("mi50x1")))
    capture = take_capture(live)
    write_capture(capture, tmp_path / "c.tar.gz")
    captured = CapturedMachine(tmp_path / "c.tar.gz")
    assert not captured.constructed
    assert any(number == 1 for number in capture.index.errors.values())
    assert verdicts(captured) == sorted((r.check, r.code, r.verdict.value) for r in capture.results)
