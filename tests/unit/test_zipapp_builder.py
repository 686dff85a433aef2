import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.containers.apply.stored_specs import stored_document
from rocmox.engines.llamacpp.source.mmvq import STAMP_VERSION
from rocmox.zipapp_builder import build
from tests.unit.engines.llamacpp.source.sources import source


@pytest.fixture(scope="module")
def zipapp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("zipapp") / "rocmox.pyz"
    assert build(target)
    return target


def run(zipapp: Path, *words: str, root: Path, path: str = "/usr/bin:/bin") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", "-W", "error", str(zipapp), *words]
    environment = {"ROCMOX_ROOT": str(root), "PATH": path}
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd="/", check=False, timeout=60)


def test_the_same_sources_give_the_same_bytes(zipapp: Path, tmp_path: Path) -> None:
    assert not build(zipapp)
    build(tmp_path / "again.pyz")
    assert (tmp_path / "again.pyz").read_bytes() == zipapp.read_bytes()


def test_nothing_of_the_lab_travels(zipapp: Path) -> None:
    with zipfile.ZipFile(zipapp) as archive:
        names = archive.namelist()
        assert not [name for name in names if "lab" in Path(name).parts[0] or "rocmox_lab" in name]
        texts = {name: archive.read(name).decode() for name in names if name.endswith(".py")}
    assert not [name for name, text in texts.items() if "import rocmox_lab" in text or "from rocmox_lab" in text]


def test_it_runs_without_any_installed_package(zipapp: Path, gpu_tree: Callable[[str], Path]) -> None:
    done = run(zipapp, "gpus", "--json", root=gpu_tree("mi50x3"))
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["gpus"]) == 3


def test_its_checks_and_probes_are_found(zipapp: Path, gpu_tree: Callable[[str], Path]) -> None:
    done = run(zipapp, "health", "--json", "--service", "nothing=http://127.0.0.1:9/", root=gpu_tree("mi50x3"))
    assert done.returncode == 2, done.stderr
    results = json.loads(done.stdout)["results"]
    assert [result["code"] for result in results if result["check"] == "services"] == ["SERVICE_SILENT"]


PVESH = """#!/bin/sh
case "$1 $2" in
"get /nodes/pve1/lxc/101/pending") cat <<'END'
[{"key": "digest", "value": "0a1b"}, {"key": "tags", "value": "rocmox"},
 {"key": "dev0", "value": "/dev/kfd,gid=993"}, {"key": "dev1", "value": "/dev/dri/renderD150,gid=993"},
 {"key": "dev2", "value": "/dev/dri/card50,gid=44"}]
END
;;
"get /nodes/pve1/lxc/101/config") echo '{"digest": "0a1b"}' ;;
"get /nodes/pve1/lxc/101/status/current") echo '{"status": "stopped"}' ;;
set*) echo "$@" >"$(dirname "$0")/set" ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
"""


@pytest.mark.parametrize("option", ["--wish", "--desired"])
def test_the_host_command_travels_whole_and_takes_the_option_of_0_1(zipapp: Path, option: str, tmp_path: Path) -> None:
    done = run(zipapp, "host", "look", option, "{}", root=tmp_path, path="/nowhere")
    assert (done.returncode, "this is not a Proxmox VE node" in done.stderr) == (3, True), done.stderr


def test_it_repairs_a_container_on_the_node(zipapp: Path, gpu_tree: Callable[[str], Path], tmp_path: Path) -> None:
    pvesh = tmp_path / "pvesh"
    pvesh.write_text(PVESH, encoding="utf-8")
    pvesh.chmod(0o755)
    root = gpu_tree("mi50x3")
    card = json.loads(run(zipapp, "gpus", "--json", root=root).stdout)["gpus"][0]
    wished = {"vmid": 101, "hostname": "llm1", "gpus": [card["pci_address"]]}
    (tmp_path / "wishes").mkdir()
    (tmp_path / "wishes/101.json").write_text(stored_document("pve1", wished), encoding="utf-8")
    words = ["repair", "--wishes", str(tmp_path / "wishes"), "--wait-seconds", "5"]
    done = run(zipapp, *words, root=root, path=f"{tmp_path}:/usr/bin:/bin")
    assert done.returncode == 0, done.stderr
    sent = (tmp_path / "set").read_text(encoding="utf-8").split()
    assert sent[:2] == ["set", "/nodes/pve1/lxc/101/config"]
    assert {f"{card['render_path']},gid=993,mode=0660", f"{card['card_path']},gid=44,mode=0660"} <= set(sent)
    assert sent[sent.index("--digest") + 1] == "0a1b"


def test_it_patches_a_source_in_a_guest(zipapp: Path, gpu_tree: Callable[[str], Path], tmp_path: Path) -> None:
    stock = source("table")
    cuda = tmp_path / "ggml/src/ggml-cuda"
    cuda.mkdir(parents=True)
    (cuda / "mmvq.cu").write_text(stock.mmvq, encoding="utf-8")
    (cuda / "common.cuh").write_text(stock.common, encoding="utf-8")
    root = gpu_tree("none")
    shown = run(zipapp, "llamacpp", "patch", "--dry-run", "--", str(tmp_path), root=root)
    assert (cuda / "mmvq.cu").read_text(encoding="utf-8") == stock.mmvq
    written = run(zipapp, "llamacpp", "patch", "--", str(tmp_path), root=root)
    assert (shown.returncode, written.returncode) == (0, 0), written.stderr
    assert written.stdout == shown.stdout
    assert f"+// rocmox mmvq {STAMP_VERSION} arch=gfx906" in shown.stdout
    (cuda / "mmvq.cu").write_text("int foreign;\n", encoding="utf-8")
    assert run(zipapp, "llamacpp", "patch", "--", str(tmp_path), root=root).returncode == 2


def test_it_says_what_it_cannot_do(zipapp: Path, gpu_tree: Callable[[str], Path]) -> None:
    assert run(zipapp, "--help", root=gpu_tree("none")).returncode == 0
    assert run(zipapp, "lab", "status", root=gpu_tree("none")).returncode == 64


def test_it_holds_no_controller_code(zipapp: Path) -> None:
    names = zipfile.ZipFile(zipapp).namelist()
    containers = tuple(f"rocmox/containers/{name}" for name in ("access", "ansible_entry", "session", "spec/inventory"))
    controller = ("rocmox_lab/", "rocmox/proxmox/https", "rocmox/proxmox/session", *containers)
    assert [name for name in names if name.startswith(controller)] == []
    assert "rocmox/containers/apply/repair.py" in names
    assert "rocmox/health/probes/device_access.py" in names


@pytest.mark.parametrize("name", ["table", "json", "junit", "prometheus", "html", "journal"])
def test_it_writes_every_format(zipapp: Path, gpu_tree: Callable[[str], Path], name: str) -> None:
    done = run(zipapp, "health", "--only=driver", f"--format={name}", root=gpu_tree("mi50x3"))
    assert done.returncode == 0, done.stderr
    assert "PASS" in done.stdout or "pass" in done.stdout or "DRIVER_OK" in done.stdout
