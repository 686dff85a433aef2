"""What a guest uses, while it goes on working."""

import os
import shutil
from pathlib import Path

import pytest

from rocmox_lab.pve.runtime import usage


def test_groups_that_go_while_they_are_counted_do_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name / "inner").mkdir(parents=True)
        (tmp_path / name / "cgroup.procs").write_text(f"{os.getpid()}\n")
    read = usage._words

    def read_and_end_the_others(path: Path) -> list[str]:
        words = read(path)
        if path.parent.parent == tmp_path:
            for other in tmp_path.iterdir():
                if other != path.parent:
                    shutil.rmtree(other)
        return words

    monkeypatch.setattr(usage, "_words", read_and_end_the_others)
    assert usage._memory(tmp_path) > 0
