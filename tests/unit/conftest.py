"""Constructed machines for every test that reads one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.machine.captured import CapturedMachine
from rocmox_lab.gpus import build

Machines = Callable[[str], CapturedMachine]


@pytest.fixture(scope="session")
def gpu_tree(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Profile → folder with its tree, built once and not to be changed."""
    built: dict[str, Path] = {}

    def tree(profile: str) -> Path:
        if profile not in built:
            built[profile] = tmp_path_factory.mktemp("gpus") / profile
            build(profile, built[profile])
        return built[profile]

    return tree


@pytest.fixture
def gpu_machine(gpu_tree: Callable[[str], Path]) -> Machines:
    """Profile → machine that reads its tree and nothing of this computer."""
    return lambda profile: CapturedMachine(gpu_tree(profile))


@pytest.fixture
def fresh_tree(tmp_path: Path) -> Callable[[str], Path]:
    """Profile → folder of its own, to be broken."""

    def tree(profile: str) -> Path:
        build(profile, tmp_path / profile)
        return tmp_path / profile

    return tree
