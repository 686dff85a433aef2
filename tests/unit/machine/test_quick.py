import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from rocmox.errors import MachineError
from rocmox.machine import quick as quick_module
from rocmox.machine.local import LocalMachine
from rocmox.machine.quick import QuickMachine, quick
from rocmox.machine.ssh import SshMachine


class Near(LocalMachine):
    """This machine, as if it were reached through commands; counts how often it is asked the slow way."""

    def __init__(self, command: Sequence[str] = (sys.executable,)) -> None:
        super().__init__(root="/")
        self.command = command
        self.slow = 0

    def command_line(self, argv: Sequence[str]) -> list[str]:
        return [*self.command, *argv[1:]]

    def read_bytes(self, path: str) -> bytes:
        self.slow += 1
        return super().read_bytes(path)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(quick_module, "_QUICK", (f"{tmp_path}/",))
    (tmp_path / "file").write_bytes(b"\x00\xff\n")
    (tmp_path / "link").symlink_to("file")
    return tmp_path


def test_answers_are_those_of_the_machine(place: Path) -> None:
    inner = Near()
    machine = QuickMachine(inner, inner.command_line)
    assert machine.read_bytes(f"{place}/file") == b"\x00\xff\n"
    assert machine.list_directory(str(place)) == ["file", "link"]
    assert (machine.exists(f"{place}/link"), machine.exists(f"{place}/nothing")) == (True, False)
    assert machine.resolve_link(f"{place}/link") == f"{place}/file"
    with pytest.raises(FileNotFoundError):
        machine.read_bytes(f"{place}/nothing")
    with pytest.raises(IsADirectoryError):
        machine.read_bytes(str(place))
    with pytest.raises(NotADirectoryError):
        machine.list_directory(f"{place}/file")
    assert inner.slow == 0
    machine.close()


@pytest.mark.parametrize(
    "command",
    [["/nonexistent"], [sys.executable, "-c", "pass"], [sys.executable, "-c", "print('not JSON', flush=True)"]],
)
def test_what_cannot_start_or_talks_nonsense_is_asked_the_slow_way(place: Path, command: list[str]) -> None:
    inner = Near(command)
    machine = QuickMachine(inner, inner.command_line)
    assert machine.read_bytes(f"{place}/file") == b"\x00\xff\n"
    assert machine.read_bytes(f"{place}/file") == b"\x00\xff\n"
    assert inner.slow == 2


def test_a_process_that_dies_is_no_loss(place: Path) -> None:
    inner = Near()
    machine = QuickMachine(inner, inner.command_line)
    assert machine.exists(f"{place}/file")
    assert machine._process is not None
    machine._process.kill()
    machine._process.wait()
    assert machine.read_bytes(f"{place}/file") == b"\x00\xff\n"
    assert inner.slow == 1


def test_a_file_that_hangs_is_said_to_hang(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os  # noqa: PLC0415 - this case alone

    os.mkfifo(place / "pipe")
    monkeypatch.setattr(quick_module, "_ANSWER_SECONDS", 0.2)
    inner = Near()
    machine = QuickMachine(inner, inner.command_line)
    with pytest.raises(MachineError, match="does not answer within"):
        machine.read_bytes(f"{place}/pipe")


def test_devices_are_read_the_slow_way() -> None:
    inner = Near()
    machine = QuickMachine(inner, inner.command_line)
    assert machine.read_bytes("/dev/null") == b""
    assert inner.slow == 1


def test_only_remote_machines_need_it() -> None:
    near, far = LocalMachine(root="/"), SshMachine("root@node")
    assert quick(near) is near
    assert isinstance(quick(far), QuickMachine)
