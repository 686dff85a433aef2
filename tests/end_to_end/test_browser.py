"""What a newcomer sees: sign in, the model is there, ask, the answer streams in. Pictures stay in artifacts/."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from rocmox.engines.llamacpp.serving.guest.tiny_model import SENTENCE
from rocmox.machine import LocalMachine
from rocmox_lab.ask import ADMIN_EMAIL, admin_password, chat_url, sign_in_to_lab
from rocmox_lab.state import LabState, read_state
from tests.end_to_end.chat_browser import CHROMIUM, Chat, new_chat, open_browser
from tests.end_to_end.conftest import LAB, ROOT, Run

pytestmark = [pytest.mark.lab, pytest.mark.browser, pytest.mark.timeout(3600)]
PICTURES = ROOT / "artifacts"


@pytest.fixture(scope="module")
def state(site: Run) -> LabState:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: apt install chromium")
    found = read_state(LAB)
    assert site.exit_status == 0
    assert found is not None
    return found


@pytest.fixture(scope="module")
def browser(state: LabState) -> Iterator[Browser]:
    assert state.name == LAB
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def chat(browser: Browser, state: LabState) -> Chat:
    PICTURES.mkdir(exist_ok=True)
    signed_in = new_chat(browser)
    signed_in.sign_in(chat_url(state), ADMIN_EMAIL, admin_password(LocalMachine(root="/"), state))
    return signed_in


def test_the_model_is_chosen_and_nothing_stands_in_the_way(chat: Chat, state: LabState) -> None:
    chat.page.wait_for_timeout(2000)
    chat.page.screenshot(path=PICTURES / "chat-start.png")
    assert chat.chosen_model() in sign_in_to_lab(LocalMachine(root="/"), state).models()
    assert chat.page.locator("[role=dialog]").count() == 0


def test_a_question_streams_an_answer(chat: Chat) -> None:
    shown = chat.ask("Are you there?")
    chat.page.screenshot(path=PICTURES / "chat-answer.png")
    assert chat.finished
    assert len(chat.pieces) >= 2
    assert "".join(chat.pieces) == SENTENCE
    assert shown.strip() == SENTENCE


def test_a_wrong_password_stays_outside(browser: Browser, state: LabState) -> None:
    stranger = new_chat(browser)
    stranger.try_to_sign_in(chat_url(state), ADMIN_EMAIL, "not the password")
    stranger.page.wait_for_selector("text=incorrect")
    assert stranger.page.locator("#chat-input").count() == 0
    assert stranger.page.locator("text=Sign up").count() == 0
