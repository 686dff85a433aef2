"""The chat page in service: settings that change, releases that fail, and an upgrade from an earlier release."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rocmox.machine import LocalMachine
from rocmox_lab.ask import ADMIN_EMAIL, ChatPage, admin_password, chat_url, sign_in_to_lab
from rocmox_lab.state import LabState, read_state
from tests.end_to_end.conftest import BIN, LAB, ROOT, Run, environment, play
from tests.end_to_end.planted_release import VERSION, plant

pytestmark = [pytest.mark.lab, pytest.mark.timeout(3600)]
FORMER = "0.12.3"
FORMER_LOCK = ROOT / "tests" / "cases" / "open_webui" / f"requirements-{FORMER}.txt"
CURRENT = "0.12.4"


@pytest.fixture(scope="module")
def state(site: Run) -> LabState:
    assert site.exit_status == 0
    found = read_state(LAB)
    assert found is not None
    return found


def chat_play(**settings: object) -> Run:
    return play("--extra-vars", json.dumps(settings), playbook="playbooks/open_webui.yml")


def config(state: LabState) -> dict[str, Any]:
    return ChatPage(url=chat_url(state)).call("/api/config")


def in_guest(module: str, arguments: str) -> str:
    argv = [BIN / "ansible", "-i", "inventory/lab", "chat1", "-m", f"ansible.builtin.{module}", "-a", arguments]
    done = subprocess.run(argv, cwd=ROOT, env=environment(), check=True, stdout=subprocess.PIPE, text=True, timeout=300)
    return done.stdout


def planted(tmp_path: Path, *, stillborn: bool) -> dict[str, object]:
    """Carry a planted release into the guest; the variables that wish it."""
    folder = plant(tmp_path / f"planted-{stillborn}", stillborn=stillborn)
    in_guest("copy", f"src={folder} dest=/root/ mode=u=rwX,go=rX")
    return {
        "open_webui_version": VERSION,
        "open_webui_requirements": str(folder / "requirements.txt"),
        "open_webui_torch_version": "",
        "open_webui_pip_find_links": f"/root/{folder.name}",
    }


def test_secrets_are_for_root_alone_and_not_in_the_unit(state: LabState) -> None:
    assert state.name == LAB
    modes = in_guest("command", "stat -c '%a %U %n' /etc/open-webui/secret-key.env /etc/open-webui/backends.env")
    assert modes.count("600 root") == 2
    key = in_guest("command", "cut -d= -f2- /etc/open-webui/secret-key.env").splitlines()[-1]
    shown = in_guest("shell", "systemctl show open-webui; cat /etc/open-webui/settings.env; ps axww -o args")
    assert len(key) >= 60
    assert key not in shown
    assert admin_password(LocalMachine(root="/"), state) not in shown
    assert "admin.env" not in in_guest("command", "ls /etc/open-webui")


def test_a_setting_that_changes_takes_effect(state: LabState) -> None:
    assert config(state)["features"]["enable_signup"] is False
    opened = chat_play(open_webui_signup=True)
    assert opened.exit_status == 0, opened.output[-4000:]
    assert config(state)["features"]["enable_signup"] is True
    assert chat_play().exit_status == 0
    assert config(state)["features"]["enable_signup"] is False


def test_a_release_that_does_not_start_never_meets_the_service(state: LabState, tmp_path: Path) -> None:
    before = in_guest("command", "systemctl show -P MainPID open-webui").splitlines()[-1]
    failed = chat_play(**planted(tmp_path, stillborn=True))
    assert failed.exit_status != 0
    assert "does not start on a copy of the data" in failed.output
    assert "this release was planted to fail" in failed.output
    assert in_guest("command", "systemctl show -P MainPID open-webui").splitlines()[-1] == before
    assert config(state)["version"] == CURRENT


def test_a_release_that_fails_in_service_is_taken_back_with_the_data(state: LabState, tmp_path: Path) -> None:
    failed = chat_play(**planted(tmp_path, stillborn=False))
    assert failed.exit_status != 0
    assert "serves again, with the data of before" in failed.output
    assert config(state)["version"] == CURRENT
    assert sign_in_to_lab(LocalMachine(root="/"), state).models() == ("tiny",)
    again = chat_play()
    assert again.exit_status == 0, again.output[-4000:]
    assert again.changed == {"chat1": 0}, again.output[-4000:]


def test_python_313_is_refused_before_anything_changes(state: LabState) -> None:
    refused = play("--limit", "llm1", playbook="tests/end_to_end/open_webui_on_llm1.yml")
    assert state.name == LAB
    assert refused.exit_status != 0
    assert "Open WebUI needs Python 3.11 or 3.12; llm1 (Debian GNU/Linux 13" in refused.output
    assert refused.changed == {"llm1": 0}


@pytest.mark.soak
def test_an_upgrade_from_the_former_release_keeps_the_chats(state: LabState) -> None:
    wheels = Path(os.environ.get("ROCMOX_CACHE", Path.home() / ".cache" / "rocmox")) / "mirror" / "wheels"
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    subprocess.run([*download, "-r", FORMER_LOCK, "-d", wheels], check=True, timeout=1800)
    in_guest("shell", "systemctl stop open-webui; rm -rf /opt/open-webui /var/lib/open-webui /etc/open-webui")
    former = chat_play(open_webui_version=FORMER, open_webui_requirements=str(FORMER_LOCK))
    assert former.exit_status == 0, former.output[-6000:]
    assert config(state)["version"] == FORMER
    password = admin_password(LocalMachine(root="/"), state)
    page = ChatPage(url=chat_url(state)).sign_in(ADMIN_EMAIL, password)
    page.call("/api/v1/chats/new", {"chat": {"title": "written before the upgrade", "models": ["tiny"]}})
    upgraded = chat_play()
    assert upgraded.exit_status == 0, upgraded.output[-6000:]
    assert config(state)["version"] == CURRENT
    chats = ChatPage(url=chat_url(state)).sign_in(ADMIN_EMAIL, password).call("/api/v1/chats/")
    assert [chat["title"] for chat in chats] == ["written before the upgrade"]
    assert f"-{FORMER}-" in in_guest("command", "ls /var/backups/open-webui")
