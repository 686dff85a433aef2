from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from rocmox.cli.main import main

POSTED = Path(__file__).parents[2] / "cases/posted"


def test_a_pasted_lspci_is_recognised_and_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(POSTED / "lspci-mail.txt"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema_version"], document["kind"]) == (1, "lspci")
    card = document["facts"][0]
    assert (card["address"], card["ids"], card["regions"][0]["size_bytes"]) == ("0000:0b:00.0", "1002:66a1", 256 << 20)


def test_the_table_names_what_the_text_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (POSTED / "kfd-head.txt").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert main(["read", "-"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("kfd_node: ")
    assert ["nodes[0].pci_address", "0000:0b:00.0"] in [line.split() for line in lines]


def test_another_text_is_unknown_and_a_missing_file_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "poem").write_text("nothing of the sort\n")
    assert main(["read", str(tmp_path / "poem")]) == 3
    assert "not a text that rocmox reads" in capsys.readouterr().err
    assert main(["read", str(tmp_path / "poem"), "--kind", "lspci"]) == 3
    assert main(["read", str(tmp_path / "none")]) == 64
