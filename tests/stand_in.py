"""The stand-in for libamdhip64, built for tests, and told what to be."""

import shutil
from pathlib import Path

import pytest

from rocmox.machine import LocalMachine
from rocmox_lab import hip

TWO_CARDS = "devices=0000:03:00.0@13000,0000:06:00.0@13000"


class StandIn:
    """`be("mode=crash")` holds for processes that start afterwards."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.library = folder / hip.LIBRARY
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("ROCMOX_HIP_LIBRARY", str(self.library))

    def be(self, words: str) -> None:
        self._monkeypatch.setenv("ROCMOX_HIP_STAND_IN", words)


def build(folder: Path) -> Path:
    """Skips where there is no C compiler: `make test` installs one."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler is here: apt install gcc libc6-dev")
    return hip.build(LocalMachine(root="/"), folder)
