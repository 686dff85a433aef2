"""The stand-in for libamdhip64, for every test that needs cards that work."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.stand_in import TWO_CARDS, StandIn, build

# How long an example takes says more about the computer's other work than about the code; pytest's timeout guards.
settings.register_profile("rocmox", deadline=None)
settings.load_profile("rocmox")


@pytest.fixture(scope="session")
def stand_in_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hip")
    build(folder)
    return folder


@pytest.fixture
def stand_in(stand_in_folder: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Two healthy cards until a test says otherwise."""
    found = StandIn(stand_in_folder, monkeypatch)
    found.be(f"mode=healthy {TWO_CARDS}")
    return found
