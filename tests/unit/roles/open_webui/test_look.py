"""What preflight reads from a guest."""

import json
import socket
import subprocess
import sys
from pathlib import Path

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
