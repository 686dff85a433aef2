"""The chat page, as the guest without cards and as a browser sees it."""

from pathlib import Path

from testinfra.host import Host

from rocmox.engines.llamacpp.serving.guest.tiny_model import SENTENCE
from rocmox.machine import LocalMachine
from rocmox_lab.ask import ADMIN_EMAIL, admin_password, chat_url
from rocmox_lab.state import read_state
from tests.end_to_end.chat_browser import new_chat, open_browser

testinfra_hosts = ["ansible://webui_guests"]
PICTURE = Path(__file__).parents[3] / "artifacts" / "molecule-chat.png"


def test_the_page_is_served_by_its_own_user(host: Host) -> None:
    shown = host.run("systemctl show --property=User,ActiveState open-webui").stdout.split()
    assert sorted(shown) == ["ActiveState=active", "User=open-webui"]


def test_this_guest_holds_no_card(host: Host) -> None:
    assert not host.file("/dev/kfd").exists
    assert not host.file("/dev/dri").exists


def test_no_cuda_wheel_came(host: Host) -> None:
    installed = host.run("/opt/open-webui/current/bin/python -m pip list --format=freeze").stdout.splitlines()
    assert any(line.startswith("open-webui==") for line in installed)
    assert [line for line in installed if line.startswith(("nvidia-", "cuda"))] == []


def test_a_person_gets_an_answer(host: Host) -> None:
    state = read_state(host.ansible.get_variables()["lab_name"])
    assert state is not None
    PICTURE.parent.mkdir(exist_ok=True)
    with open_browser() as browser:
        chat = new_chat(browser)
        chat.sign_in(chat_url(state), ADMIN_EMAIL, admin_password(LocalMachine(root="/"), state))
        shown = chat.ask("Are you there?")
        chat.page.screenshot(path=PICTURE)
    assert shown.strip() == SENTENCE
