"""`pvesh` as root@pam: exits, words, tasks; nothing of ssh's own exit status is taken for PVE's."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rocmox.errors import (
    AuthenticationError,
    MachineError,
    PermissionDeniedError,
    ProxmoxError,
    RocmoxError,
    TaskFailedError,
)
from rocmox.machine import Completed, LocalMachine
from rocmox.machine.ssh import SshMachine
from rocmox.proxmox import Node, PveshApi, lxc, tasks
from rocmox.proxmox.failures import ConfigChangedError, NotFoundError
from rocmox.proxmox.permissions import may_do_everything
from rocmox.proxmox.pvesh import last_document

UPID = "UPID:pve1:0000138C:00047F92:6AFFCC28:vzstart:101:root@pam:"


class Pvesh(LocalMachine):
    """A machine that answers once and remembers what it was asked."""

    name = "ssh://root@pve1"

    def __init__(self, stdout: str = "", stderr: str = "", exit_status: int = 0) -> None:
        super().__init__("/")
        self.answer = (stdout, stderr, exit_status)
        self.argv: tuple[str, ...] = ()

    def run(self, argv: Sequence[str], **_: Any) -> Completed:
        self.argv = tuple(argv)
        stdout, stderr, exit_status = self.answer
        return Completed(argv=self.argv, exit_status=exit_status, stdout=stdout, stderr=stderr)


def test_a_reading_is_the_document() -> None:
    machine = Pvesh('[{"vmid":101,"status":"running"}]\n')
    assert lxc.list_status(Node(api=PveshApi(machine), name="pve1")) == {101: "running"}
    assert machine.argv[3:] == ("pvesh", "get", "/nodes/pve1/lxc", "--output-format", "json")


def test_a_change_gives_each_parameter_as_words() -> None:
    machine = Pvesh()
    node = Node(api=PveshApi(machine), name="pve1")
    changes = {"dev0": "/dev/kfd,gid=993,mode=0660", "cores": 4}
    lxc.update(node, 101, changes=changes, delete=("dev1", "dev2"), digest="0a1b")
    words = machine.argv[4:-2]
    assert words[:2] == ("set", "/nodes/pve1/lxc/101/config")
    given = dict(zip(words[2::2], words[3::2], strict=True))
    assert given == {
        "--dev0": "/dev/kfd,gid=993,mode=0660",
        "--cores": "4",
        "--digest": "0a1b",
        "--delete": "dev1,dev2",
    }


@pytest.mark.parametrize(
    ("stdout", "document"),
    [
        (f'"{UPID}"\n', UPID),
        (f'purging CT 101 from related configurations..\n"{UPID}"\n', UPID),
        (f'Creating filesystem with 262144 4k blocks\n\t32768, 98304\n"{UPID}"\n', UPID),
        ('{"storage":"data","type":"dir"}\n', {"storage": "data", "type": "dir"}),
        ("", None),
        ("unpacking\n", None),
    ],
)
def test_what_a_change_returns_is_the_last_line(stdout: str, document: object) -> None:
    assert last_document(stdout) == document
    assert PveshApi(Pvesh(stdout)).post("/nodes/pve1/lxc") == document


@pytest.mark.parametrize(
    ("stderr", "exit_status", "kind", "words"),
    [
        ("Configuration file 'nodes/pve1/lxc/101.conf' does not exist\n", 2, NotFoundError, "101.conf"),
        ("detected modified configuration - file changed by other user? Try again.\n", 254, ConfigChangedError, "anew"),
        ("CT 101 already running\n", 254, ProxmoxError, "already running"),
        ("please run as root\n", 254, AuthenticationError, "ansible_user: root"),
        ("403 Permission check failed (/vms/101, VM.Audit)\n", 254, PermissionDeniedError, "VM.Audit"),
        ("401 authentication failure\n", 254, AuthenticationError, "authentication failure"),
        ("sh: 1: pvesh: not found\n", 127, MachineError, "not a Proxmox VE node"),
        ("No 'get' handler defined for '/foo'\n", 1, ProxmoxError, "No 'get' handler"),
        ("", 1, ProxmoxError, "exit status 1"),
    ],
)
def test_an_error_exit_says_what_pve_says(stderr: str, exit_status: int, kind: type[RocmoxError], words: str) -> None:
    with pytest.raises(kind) as caught:
        PveshApi(Pvesh(stderr=stderr, exit_status=exit_status)).get("/x")
    assert type(caught.value) is kind
    assert words in str(caught.value)


def test_fields_are_named_and_usage_lines_are_not() -> None:
    stderr = "400 Parameter verification failed.\ndev2: invalid format\n\npvesh set <api_path> [OPTIONS]\n"
    with pytest.raises(ProxmoxError) as caught:
        PveshApi(Pvesh(stderr=stderr, exit_status=254)).put("/nodes/pve1/lxc/101/config", {"dev2": "null"})
    assert caught.value.message.endswith("400 Parameter verification failed. dev2: invalid format")


def test_a_task_that_failed_fails_although_pvesh_exits_0() -> None:
    class Failing(Pvesh):
        def run(self, argv: Sequence[str], **_: Any) -> Completed:
            answers = {
                "start": f'"{UPID}"',
                "status": '{"status":"stopped","exitstatus":"startup for container failed"}',
                "log": '[{"n":1,"t":"Device /dev/kfd does not exist"}]',
            }
            return Completed(argv=tuple(argv), exit_status=0, stdout=answers[argv[5].rpartition("/")[2]], stderr="")

    node = Node(api=PveshApi(Failing()), name="pve1")
    clock = tasks.Clock(sleep=lambda _: None)
    with pytest.raises(TaskFailedError, match="Device /dev/kfd does not exist"):
        tasks.wait_for(node, lxc.start(node, 101), timeout_seconds=1, clock=clock)


def test_no_json_is_no_answer() -> None:
    with pytest.raises(MachineError, match="answered no JSON"):
        PveshApi(Pvesh("motd of the day\n")).get("/version")


def test_root_on_the_node_may_pass_devices() -> None:
    assert may_do_everything(PveshApi(Pvesh()))


def test_pvesh_s_255_is_told_from_ssh_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = {
        "pvesh": 'echo "no options specified $*" >&2; exit 255',
        "ssh": 'while [ "$1" != -- ]; do shift; done; [ "$2" = root@pve1 ] || exit 255; exec sh -c "$3"',
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ProxmoxError, match=r"no options specified set /x --a b c --output-format json"):
        PveshApi(SshMachine("root@pve1")).put("/x", {"a": "b c"})
    with pytest.raises(MachineError, match="cannot be reached"):
        PveshApi(SshMachine("root@pve2")).put("/x", {"a": "b c"})
