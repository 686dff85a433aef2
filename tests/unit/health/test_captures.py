"""Whole machines as captures (tests/captures/machines.toml): the right findings, from a folder and from a .tar.gz."""

import json
import tarfile
import tomllib
from pathlib import Path

import pytest

from rocmox.cli.main import main
from rocmox_lab.gpus import build
from rocmox_lab.gpus.variations import vary

MACHINES = tomllib.loads((Path(__file__).parents[2] / "captures/machines.toml").read_text(encoding="utf-8"))
EXIT_CODES = {"PASS": 0, "WARN": 1, "FAIL": 2}
QUIET = {"PASS", "NOT_APPLICABLE"}


def capture(name: str, folder: Path) -> Path:
    described, root = MACHINES[name], folder / "tree"
    build(described["profile"], root)
    for change in described.get("variations", []):
        vary(root, change["what"], card=change["card"])
    archive = folder / f"{name}.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as writer:
        writer.add(root, arcname=".")
    return archive


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, list[dict[str, str]]]:
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", MACHINES)
def test_a_capture_gives_its_findings(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    described, archive = MACHINES[name], capture(name, tmp_path)
    assert main(["health", "--json", "--machine", f"capture:{archive}"]) == EXIT_CODES[described["verdict"]]
    report = document(capsys)
    assert report["verdict"] == described["verdict"]
    found = [
        f"{result['code']} {result['subject'].replace(report['machine'], 'MACHINE')}"
        for result in report["results"]
        if result["verdict"] not in QUIET
    ]
    assert found == described["findings"]
    assert main(["gpus", "--json", "--machine", f"capture:{archive}"]) == 0
    assert len(document(capsys)["gpus"]) == described["cards"]
