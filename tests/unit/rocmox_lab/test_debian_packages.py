"""Packages beside the system: fetched once, whoever asks first."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rocmox_lab import debian_packages
from rocmox_lab.recipe import AptSource
from tests.unit.rocmox_lab.scripted_machine import ScriptedMachine


def test_two_that_ask_at_once_fetch_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = AptSource(main_uri="http://debian.invalid/debian", security_uri=None, options=())
    monkeypatch.setattr(debian_packages, "read_apt_source", lambda _: source)
    busy = threading.Lock()

    def answer(argv: Sequence[str]) -> tuple[int, str, str]:
        if "update" not in argv:
            return 0, "", ""
        if not busy.acquire(blocking=False):
            return 100, "", "E: Could not get lock"
        threading.Event().wait(0.2)
        busy.release()
        work = next(path for path in (tmp_path / "debian").glob(".trixie-*") if path.is_dir())
        work.with_name(work.name.removeprefix(".")).mkdir()  # dpkg-deb makes it
        return 0, "", ""

    machine = ScriptedMachine(answer)
    with ThreadPoolExecutor(2) as pool:
        folders = list(
            pool.map(lambda _: debian_packages.unpack(machine, suite="trixie", names=["one"], cache=tmp_path), range(2))
        )
    assert folders[0] == folders[1]
    assert sum("update" in argv for argv in machine.asked) == 1
