"""A person at the chat page: Debian's Chromium driven through Playwright."""

import contextlib
import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, WebSocket, sync_playwright
from playwright.sync_api import Error as PlaywrightError

CHROMIUM = Path(shutil.which("chromium") or shutil.which("google-chrome") or "/usr/bin/chromium")
# Root may not use Chromium's own sandbox, and nothing but the page is to be reached.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ANSWER_MILLISECONDS = 180_000


@dataclasses.dataclass(kw_only=True)
class Chat:
    """An open page and the pieces of answers that its socket brought."""

    page: Page
    pieces: list[str] = dataclasses.field(default_factory=list)
    finished: bool = False

    def listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self.receive)

    def receive(self, frame: str | bytes) -> None:
        """Socket.IO's text frames: `42["events", {…}]`."""
        text = frame if isinstance(frame, str) else frame.decode(errors="replace")
        if not text.startswith('42["events"'):
            return
        data = json.loads(text[2:])[1].get("data", {})
        inner = data.get("data") if isinstance(data.get("data"), dict) else {}
        if inner.get("type") == "response.output_text.delta":
            self.pieces.append(inner["delta"])
        self.finished = self.finished or (data.get("type") == "chat:completion" and bool(inner.get("done")))

    def try_to_sign_in(self, url: str, email: str, password: str) -> None:
        """Chromium drops what it is loading whenever an interface of the machine comes or goes; so load again."""
        for _ in range(6):
            with contextlib.suppress(PlaywrightError):
                self.page.goto(url)
                self.page.wait_for_selector("input[type=email]", timeout=15_000)
                break
        self.page.fill("input[type=email]", email)
        self.page.fill("input[type=password]", password)
        self.page.keyboard.press("Enter")

    def sign_in(self, url: str, email: str, password: str) -> None:
        self.try_to_sign_in(url, email, password)
        for _ in range(4):
            with contextlib.suppress(PlaywrightError):
                self.page.wait_for_selector("#chat-input", timeout=20_000)
                return
            self.page.reload()
        raise AssertionError(f"{url} shows no chat after signing in: {self.page.inner_text('body')[:500]}")

    def chosen_model(self) -> str:
        return self.page.inner_text("#model-selector-model-button").strip()

    def ask(self, question: str) -> str:
        """Type, send, wait until the answer is complete; what the page shows of it."""
        self.page.click("#chat-input")
        self.page.keyboard.type(question)
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector(".chat-assistant", timeout=ANSWER_MILLISECONDS)
        for _ in range(ANSWER_MILLISECONDS // 250):
            if self.finished:
                break
            self.page.wait_for_timeout(250)
        self.page.wait_for_timeout(1000)  # the page fades the last words in
        return self.page.inner_text(".chat-assistant #response-content-container")


def new_chat(browser: Browser) -> Chat:
    """A page with cookies and storage of its own."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US").new_page()
    page.set_default_timeout(30_000)
    chat = Chat(page=page)
    page.on("websocket", chat.listen)
    return chat


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
