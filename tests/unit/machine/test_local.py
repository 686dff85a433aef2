from pathlib import Path

import pytest

from rocmox.errors import CommandError
from rocmox.machine import LocalMachine


def test_reads_below_its_root(tmp_path: Path) -> None:
    (tmp_path / "sys").mkdir()
    (tmp_path / "sys" / "b").write_text("two")
    (tmp_path / "sys" / "a").write_text("one")
    machine = LocalMachine(str(tmp_path))
    assert machine.list_directory("/sys") == ["a", "b"]
    assert machine.read_bytes("/sys/b") == b"two"
    assert machine.exists("/sys/a")
    assert not machine.exists("/sys/c")


def test_a_link_resolves_to_a_path_of_that_machine(tmp_path: Path) -> None:
    (tmp_path / "sys").mkdir()
    (tmp_path / "sys" / "real").write_text("")
    (tmp_path / "sys" / "link").symlink_to("real")
    assert LocalMachine(str(tmp_path)).resolve_link("/sys/link") == "/sys/real"


def test_a_command_returns_what_it_wrote() -> None:
    done = LocalMachine().run(["sh", "-c", "cat; echo oops >&2; exit 3"], stdin=b"in")
    assert (done.exit_status, done.stdout, done.stderr) == (3, "in", "oops\n")
    with pytest.raises(CommandError, match="exit status 3"):
        done.check()


def test_a_missing_command_is_named() -> None:
    with pytest.raises(CommandError, match="is not installed here"):
        LocalMachine().run(["no-such-command-anywhere"])


def test_a_slow_command_is_cut() -> None:
    with pytest.raises(CommandError, match=r"no answer within 0\.1 s"):
        LocalMachine().run(["sleep", "5"], timeout_seconds=0.1)


def test_the_root_prefixes_kernel_trees_alone(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "rocmox-elsewhere").write_text("")
    machine = LocalMachine(str(tmp_path))
    assert not machine.exists("/etc/rocmox-elsewhere")
    assert machine.exists(str(tmp_path / "etc" / "rocmox-elsewhere"))
    assert machine.constructed
    assert not LocalMachine("/").constructed
