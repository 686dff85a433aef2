import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.cli.main import main

Trees = Callable[[str], Path]


def test_gpus_as_a_table(gpu_tree: Trees, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gpus", "--machine", f"capture:{gpu_tree('mi50x3')}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["PCI", "0000:03:00.0", "0000:06:00.0", "0000:09:00.0"]
    assert lines[4] == "driver: amdgpu, inbox, on kernel 6.8.12-9-pve"
    assert "8 GT/s x16" in lines[2]


def test_gpus_as_json(gpu_tree: Trees, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gpus", "--json", "--machine", f"capture:{gpu_tree('w7900x2')}"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [gpu["architecture"] for gpu in document["gpus"]] == ["gfx1100", "gfx1100"]


def test_no_card_fails(gpu_tree: Trees, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gpus", "--json", "--machine", f"capture:{gpu_tree('none')}"]) == 2
    written = capsys.readouterr()
    assert json.loads(written.out)["gpus"] == []
    assert "no AMD GPU" in written.err


def test_a_machine_without_pci_is_unknown(tmp_path: Path) -> None:
    assert main(["gpus", "--machine", f"capture:{tmp_path}"]) == 3


@pytest.mark.parametrize(
    "words", [["gpus", "--machine", "moon"], ["health", "--only", "p3p"], ["health", "--level", "4"]]
)
def test_wrong_usage(words: list[str]) -> None:
    try:
        code = main(words)
    except SystemExit as ended:
        code = ended.code
    assert code == 64


def test_health_of_a_healthy_node(gpu_tree: Trees, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["health", "--json", "--machine", f"capture:{gpu_tree('mi50x3')}"]) == 0
    written = capsys.readouterr()
    assert json.loads(written.out)["verdict"] == "PASS"
    assert written.err.splitlines()[-1] == "verdict: PASS"


def test_health_fails_with_the_remedy(fresh_tree: Trees, capsys: pytest.CaptureFixture[str]) -> None:
    root = fresh_tree("mi50x1")
    (root / "sys/class/kfd/kfd").unlink()
    assert main(["health", "--only", "driver", "--machine", f"capture:{root}"]) == 2
    assert "dmesg | grep kfd" in capsys.readouterr().out
