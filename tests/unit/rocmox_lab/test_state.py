import json
from pathlib import Path

import pytest

from rocmox.errors import CannotLookError
from rocmox.files import write_whole
from rocmox_lab import settings
from rocmox_lab.settings import LabSettings
from rocmox_lab.state import lab_names, new_state, parse_state, read_state, write_state


@pytest.fixture
def labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "LABS_DIRECTORY", tmp_path)
    monkeypatch.setattr("rocmox_lab.state.LABS_DIRECTORY", tmp_path)
    return tmp_path


def test_a_state_survives_writing_and_reading(labs: Path) -> None:
    state = new_state(LabSettings(name="one", gpus="none"), 7)
    (labs / "one").mkdir()
    write_state(state)
    assert read_state("one") == state
    assert (labs / "one" / "state.json").stat().st_mode & 0o777 == 0o600
    assert lab_names() == ["one"]


def test_addresses_follow_from_the_subnet() -> None:
    state = new_state(LabSettings(), 42)
    assert state.subnet == "10.77.42.0/24"
    assert state.gateway == "10.77.42.1"
    assert state.api_url == "https://10.77.42.2:8006/api2/json"
    assert state.mirror_url == "http://10.77.42.2:8081"


def test_no_lab_is_none_and_lock_files_are_no_labs(labs: Path) -> None:
    (labs / ".machine.lock").touch()
    assert read_state("one") is None
    assert lab_names() == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema_version": 1}', json.dumps({"schema_version": 1, "name": "x", "more": 1})]
)
def test_what_is_no_state_says_where_it_stands(text: str) -> None:
    with pytest.raises(CannotLookError, match=r"somewhere/state\.json"):
        parse_state(text, source="somewhere/state.json")


def test_a_state_of_another_version_names_both() -> None:
    with pytest.raises(CannotLookError, match="schema 2, this one reads 1"):
        parse_state('{"schema_version": 2}', source="state.json")


def test_an_atomic_write_replaces_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, "one", mode=0o600)
    write_whole(path, "two")
    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]
