"""What preflight reads from a guest."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).parents[4] / "roles" / "open_webui" / "files" / "look.py"


def look(folder: Path, port: int) -> dict[str, object]:
    arguments = [folder / "opt", folder / "etc", folder / "state", "no-such-unit.service", "127.0.0.1", str(port)]
    done = subprocess.run([sys.executable, FILE, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def test_an_untouched_guest(tmp_path: Path) -> None:
    found = look(tmp_path, 0)
    assert found["python"] == list(sys.version_info[:3])
    assert (found["releases"], found["current"], found["database"], found["settings"]) == ([], "", False, [])
    assert found["port_taken"] is False


def test_a_finished_guest_and_a_release_that_was_interrupted(tmp_path: Path) -> None:
    for release in ("whole", "half"):
        (tmp_path / "opt" / "venvs" / release).mkdir(parents=True)
    (tmp_path / "opt" / "venvs" / "whole" / ".complete").touch()
    (tmp_path / "opt" / "current").symlink_to("venvs/whole")
    (tmp_path / "state" / "data").mkdir(parents=True)
    (tmp_path / "state" / "data" / "webui.db").touch()
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "secret-key.env").touch()
    found = look(tmp_path, 0)
    assert (found["releases"], found["current"], found["database"]) == (["whole"], "whole", True)
    assert found["settings"] == ["secret-key.env"]


def test_a_port_that_another_service_holds(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert look(tmp_path, other.getsockname()[1])["port_taken"] is True


@pytest.mark.parametrize(("begun", "unread"), [(100.0, True), (300.0, False)])
def test_settings_newer_than_the_running_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, begun: float, unread: bool
) -> None:
    spec = importlib.util.spec_from_file_location("open_webui_look", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "settings.env").touch()
    os.utime(tmp_path / "settings.env", (200, 200))
    monkeypatch.setattr(module, "started_at", lambda _: begun)
    assert module.stale(tmp_path, "no-such-unit.service") is unread
