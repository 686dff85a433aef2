"""Who has a card's node open, by the links in /proc."""

import os
from pathlib import Path

import pytest

from rocmox.health.probes import device_holders


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    for pid, name, targets in (
        (812, "llama-server", ["/dev/kfd", "/dev/dri/renderD128", "/dev/null"]),
        (9, "bash", ["/dev/pts/0"]),
        (31, "vainfo", ["/dev/dri/renderD129"]),
    ):
        folder = tmp_path / str(pid) / "fd"
        folder.mkdir(parents=True)
        (tmp_path / str(pid) / "comm").write_text(f"{name}\n")
        for number, target in enumerate(targets):
            (folder / str(number)).symlink_to(target)
    (tmp_path / "self").symlink_to("812")
    (tmp_path / "77").mkdir()  # ended meanwhile: no fd
    return tmp_path


def test_holders_are_named_with_what_they_hold(proc: Path) -> None:
    answer = device_holders.main({"paths": ["/dev/kfd", "/dev/dri/renderD128"], "proc": str(proc)})
    held = ["/dev/dri/renderD128", "/dev/kfd"]
    assert answer == {"holders": [{"pid": 812, "name": "llama-server", "paths": held}], "blind": 0}


def test_the_real_proc_is_read() -> None:
    descriptor = os.open("/dev/null", os.O_RDONLY)
    answer = device_holders.main({"paths": ["/dev/null"], "proc": "/proc"})
    os.close(descriptor)
    assert os.getpid() not in {holder["pid"] for holder in answer["holders"]}  # itself does not count
    assert isinstance(answer["blind"], int)


def test_who_may_not_be_looked_at_is_counted(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_process: Path, _paths: set[str]) -> list[str]:
        raise PermissionError

    monkeypatch.setattr(device_holders, "opened_by", refuse)
    assert device_holders.main({"paths": ["/dev/kfd"], "proc": str(proc)})["blind"] == 4
