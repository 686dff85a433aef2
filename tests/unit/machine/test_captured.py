import tarfile
from pathlib import Path

import pytest

from rocmox.errors import CommandError, UsageError
from rocmox.machine.captured import CapturedMachine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "machine"
    (root / "sys" / "devices" / "card").mkdir(parents=True)
    (root / "sys" / "devices" / "card" / "vendor").write_text("0x1002\n")
    (root / "sys" / "class").mkdir()
    (root / "sys" / "class" / "drm").symlink_to("../devices/card")
    (root / "sys" / "absolute").symlink_to("/sys/devices")
    (root / "sys" / "outside").symlink_to("../../../../../../etc/passwd")
    (root / "sys" / "round").symlink_to("round")
    return root


@pytest.fixture(params=["folder", "archive"])
def machine(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> CapturedMachine:
    if request.param == "folder":
        return CapturedMachine(folder)
    (folder / "sys" / "outside").unlink()  # an archive with such a link is refused: see test_archive
    with tarfile.open(tmp_path / "machine.tar.gz", "w:gz") as archive:
        archive.add(folder, arcname=".")
    return CapturedMachine(tmp_path / "machine.tar.gz")


def test_files_are_read_through_links(machine: CapturedMachine) -> None:
    assert machine.read_bytes("/sys/class/drm/vendor") == b"0x1002\n"
    assert machine.read_bytes("/sys/absolute/card/vendor") == b"0x1002\n"
    assert machine.resolve_link("/sys/class/drm") == "/sys/devices/card"


def test_directories_are_listed(machine: CapturedMachine) -> None:
    assert machine.list_directory("/sys/devices") == ["card"]
    assert machine.list_directory("/") == ["sys"]


def test_links_never_lead_out(machine: CapturedMachine) -> None:
    assert not machine.exists("/sys/outside")
    with pytest.raises(FileNotFoundError):
        machine.read_bytes("/sys/outside")


def test_a_link_to_itself_ends(machine: CapturedMachine) -> None:
    with pytest.raises(OSError, match="symbolic links"):
        machine.read_bytes("/sys/round")


def test_errors_are_the_kernels(machine: CapturedMachine) -> None:
    with pytest.raises(FileNotFoundError):
        machine.list_directory("/proc")
    with pytest.raises(IsADirectoryError):
        machine.read_bytes("/sys/devices")
    with pytest.raises(NotADirectoryError):
        machine.list_directory("/sys/devices/card/vendor")


def test_a_capture_runs_nothing(machine: CapturedMachine) -> None:
    with pytest.raises(CommandError, match="runs no commands"):
        machine.run(["true"])


def test_a_file_that_is_no_archive_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(b"\x1f\x8b not really")
    with pytest.raises(UsageError, match="is not a capture"):
        CapturedMachine(tmp_path / "x.tar.gz")
