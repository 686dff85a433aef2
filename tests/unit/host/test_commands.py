import io
import json
from pathlib import Path

import pytest

from rocmox.cli.main import main
from rocmox.host import files, guests, places
from rocmox.host.upgrade import stages, steps
from tests.unit.rocmox_lab.scripted_machine import ScriptedMachine


def test_the_desired_state_comes_from_standard_input_when_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"driver": "nvidia", "apt_proxy": "http://me:secret@p"})))
    assert main(["host", "look", "--desired", "-"]) == 64
    said = capsys.readouterr()
    assert "'nvidia' is neither" in said.err
    assert "secret" not in said.out + said.err


@pytest.mark.parametrize("installed", [True, False])
def test_a_plain_reboot_is_noted_where_the_units_will_start_the_guests(
    *, installed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("UPGRADE", "DESIRED"):
        monkeypatch.setattr(places, name, str(tmp_path / f"{name.lower()}.json"))
    if installed:
        files.write(places.DESIRED, "{}")
    monkeypatch.setattr(guests, "read_guests", lambda _machine: ())
    machine = ScriptedMachine()
    steps.reboot(machine)
    assert machine.asked == [("systemctl", "reboot")]
    assert Path(places.UPGRADE).exists() is installed


def test_the_program_is_there_for_the_reboot_after_removal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "rocmox.pyz"
    archive.write_bytes(b"PK program")
    monkeypatch.setattr(stages, "own_archive", lambda: archive)
    monkeypatch.setattr(places, "REBOOT_PROGRAM", str(tmp_path / "run/host.pyz"))
    assert main(["host", "upgrade", "ready", "--desired", "{}"]) == 0
    assert json.loads(capsys.readouterr().out)["changed"] is False
    assert Path(places.REBOOT_PROGRAM).read_bytes() == b"PK program"
