import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.zipapp_builder import build


@pytest.fixture(scope="module")
def zipapp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("zipapp") / "rocmox.pyz"
    assert build(target)
    return target


def run(zipapp: Path, *words: str, root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", "-W", "error", str(zipapp), *words]
    environment = {"ROCMOX_ROOT": str(root), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd="/", check=False, timeout=60)


def test_the_same_sources_give_the_same_bytes(zipapp: Path, tmp_path: Path) -> None:
    assert not build(zipapp)
    build(tmp_path / "again.pyz")
    assert (tmp_path / "again.pyz").read_bytes() == zipapp.read_bytes()


def test_it_runs_without_any_installed_package(zipapp: Path, gpu_tree: Callable[[str], Path]) -> None:
    done = run(zipapp, "gpus", "--json", root=gpu_tree("mi50x3"))
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["gpus"]) == 3


def test_its_checks_and_probes_are_found(zipapp: Path, gpu_tree: Callable[[str], Path]) -> None:
    done = run(zipapp, "health", "--json", "--service", "nothing=http://127.0.0.1:9/", root=gpu_tree("mi50x3"))
    assert done.returncode == 2, done.stderr
    results = json.loads(done.stdout)["results"]
    assert [result["code"] for result in results if result["check"] == "services"] == ["SERVICE_SILENT"]


def test_it_says_what_it_cannot_do(zipapp: Path, gpu_tree: Callable[[str], Path]) -> None:
    assert run(zipapp, "--help", root=gpu_tree("none")).returncode == 0
    assert run(zipapp, "lab", "status", root=gpu_tree("none")).returncode == 64


def test_it_holds_no_controller_code(zipapp: Path) -> None:
    names = zipfile.ZipFile(zipapp).namelist()
    controller = ("rocmox/lab/", "rocmox/proxmox/https", "rocmox/proxmox/session", "rocmox/containers/session")
    assert [name for name in names if name.startswith(controller)] == []
    assert "rocmox/containers/repair.py" in names
    assert "rocmox/health/probes/device_access.py" in names
