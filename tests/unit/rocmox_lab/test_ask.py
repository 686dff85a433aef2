"""The client of the chat page: a tiny page of its own answers it over real HTTP."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rocmox.errors import CannotLookError
from rocmox_lab.ask import ChatPage, first_model, pieces


class Page(BaseHTTPRequestHandler):
    models: tuple[str, ...] = ("tiny",)

    def log_message(self, *_: object) -> None:
        return

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        allowed = self.headers.get("Authorization") == "Bearer token"
        body = {"data": [{"id": name} for name in self.models]} if allowed else {"detail": "no"}
        self.answer(200 if allowed else 401, json.dumps(body).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/api/v1/auths/signin":
            right = body == {"email": "a@b.c", "password": "right"}
            self.answer(200 if right else 400, b'{"token": "token"}' if right else b'{"detail": "incorrect"}')
            return
        words = [{"choices": [{"delta": {"content": word}}]} for word in ("it is ", body["messages"][0]["content"])]
        self.answer(200, b"".join(b"data: %s\n\n" % json.dumps(word).encode() for word in words) + b"data: [DONE]\n\n")


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_question_is_answered_in_pieces(url: str) -> None:
    page = ChatPage(url=url).sign_in("a@b.c", "right")
    assert list(page.stream(first_model(page), "noon")) == ["it is ", "noon"]


def test_a_wrong_password_is_told_as_the_page_tells_it(url: str) -> None:
    with pytest.raises(CannotLookError, match=r"signin answers 400: .*incorrect"):
        ChatPage(url=url).sign_in("a@b.c", "wrong")


def test_a_page_without_models_says_where_to_look(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Page, "models", ())
    with pytest.raises(CannotLookError, match="lists no model") as caught:
        first_model(ChatPage(url=url).sign_in("a@b.c", "right"))
    assert "llama-server" in caught.value.remedy


def test_nobody_there() -> None:
    with pytest.raises(CannotLookError, match="does not answer"):
        ChatPage(url="http://127.0.0.1:1").models()


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        (": keep-alive\n", []),
        ("data: [DONE]\n", []),
        ('data: {"choices": []}\n', []),
        ('data: {"choices": [{"delta": {"content": "a"}}]}\n', ["a"]),
        ('data: {"choices": [{"delta": {"reasoning_content": "hm"}}]}\n', ["hm"]),
        ('data: {"choices": [{"delta": {"role": "assistant", "content": null}}]}\n', []),
    ],
)
def test_event_lines(line: str, texts: list[str]) -> None:
    assert list(pieces(line, source="page")) == texts


def test_an_error_in_the_stream_is_raised() -> None:
    with pytest.raises(CannotLookError, match="out of memory"):
        list(pieces('data: {"error": {"message": "out of memory"}}\n', source="page"))
