"""Machines reached by commands, with a stand-in for ssh and lxc-attach that runs the command here."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from rocmox.errors import CommandError, MachineError
from rocmox.machine import LocalMachine
from rocmox.machine.base import Completed
from rocmox.machine.container import ContainerMachine
from rocmox.machine.ssh import SshMachine

STAND_IN = """#!/bin/sh
# ssh … -- DESTINATION COMMAND: as sshd does, a shell gets the command as one word.
while [ "$1" != -- ]; do shift; done
case "$2" in
  gone) echo "ssh: connect to host gone port 22: No route to host" >&2; exit 255 ;;
  *) exec sh -c "$3" ;;
esac
"""


class AttachingNode:
    """A node whose containers are this computer; container 999 does not run."""

    name = "node"

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        timeout_seconds: float = 60,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        assert list(argv[:2]) == ["lxc-attach", "-n"]
        if argv[2] == "999":
            return Completed(
                argv=tuple(argv), exit_status=1, stdout="", stderr="lxc-attach: 999: Container is not running"
            )
        command = list(argv[argv.index("--") + 1 :])
        return LocalMachine("/").run(command, stdin=stdin, timeout_seconds=timeout_seconds, environment=environment)

    def read_bytes(self, path: str) -> bytes:
        raise NotImplementedError

    def exists(self, path: str) -> bool:
        raise NotImplementedError

    def list_directory(self, path: str) -> list[str]:
        raise NotImplementedError

    def resolve_link(self, path: str) -> str:
        raise NotImplementedError


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(STAND_IN)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


@pytest.fixture(params=["ssh", "container"])
def machine(request: pytest.FixtureRequest) -> SshMachine | ContainerMachine:
    if request.param == "container":
        return ContainerMachine(AttachingNode(), 101)
    request.getfixturevalue("ssh")
    return SshMachine("root@here")


def test_words_arrive_as_they_were(machine: SshMachine | ContainerMachine) -> None:
    words = ["printf", "%s|", "two words", "quote ' and \"", "$HOME", "*", "new\nline", "é"]
    assert machine.run(words).stdout == "two words|quote ' and \"|$HOME|*|new\nline|é|"


def test_standard_input_environment_and_exit_status(machine: SshMachine | ContainerMachine) -> None:
    done = machine.run(["sh", "-c", 'cat; echo "$A" >&2; exit 7'], stdin=b"in\0", environment={"A": "b c"})
    assert (done.exit_status, done.stdout, done.stderr) == (7, "in\0", "b c\n")


def test_files_and_directories(machine: SshMachine | ContainerMachine, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    (tmp_path / "link").symlink_to("binary")
    assert machine.read_bytes(f"{tmp_path}/binary") == bytes(range(256))
    assert [name for name in machine.list_directory(str(tmp_path)) if name != "bin"] == ["binary", "link"]
    assert machine.resolve_link(f"{tmp_path}/link") == f"{tmp_path.resolve()}/binary"
    assert machine.exists(f"{tmp_path}/link")
    assert not machine.exists(f"{tmp_path}/other")


def test_errors_are_the_kernels(machine: SshMachine | ContainerMachine, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        machine.read_bytes(f"{tmp_path}/other")
    with pytest.raises(FileNotFoundError):
        machine.list_directory(f"{tmp_path}/other")
    with pytest.raises(IsADirectoryError):
        machine.read_bytes(str(tmp_path))


def test_a_missing_command_is_an_error(machine: SshMachine | ContainerMachine) -> None:
    with pytest.raises(CommandError):
        machine.run(["no-such-command-anywhere"]).check()


@pytest.mark.usefixtures("ssh")
def test_a_host_that_is_away_is_said_to_be() -> None:
    with pytest.raises(MachineError, match="No route to host"):
        SshMachine("gone").run(["true"])


def test_a_container_that_does_not_run_is_said_to_be() -> None:
    with pytest.raises(MachineError, match="is not running"):
        ContainerMachine(AttachingNode(), 999).run(["true"])
