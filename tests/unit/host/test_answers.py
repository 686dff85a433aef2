"""The question is really asked: by python3, of an HTTP server that answers as llama-server does."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rocmox.host import answers
from rocmox.machine import LocalMachine, Machine
from tests.unit.rocmox_lab.scripted_machine import ScriptedMachine

KEY = "a-key"
UNIT = """[Service]
ExecStart=/usr/local/bin/llama-server --host 127.0.0.1 --port {port} --model /m.gguf{more}
{service}
"""


class Guest(LocalMachine):
    """A guest whose files lie below `top`; its commands are run here."""

    def __init__(self, top: Path) -> None:
        super().__init__(root="/")
        self.top = top

    def read_bytes(self, path: str) -> bytes:
        return (self.top / path.lstrip("/")).read_bytes()

    def exists(self, path: str) -> bool:
        return (self.top / path.lstrip("/")).exists()

    def list_directory(self, path: str) -> list[str]:
        return sorted(entry.name for entry in (self.top / path.lstrip("/")).iterdir())


class Server(http.server.ThreadingHTTPServer):
    """`statuses` are given one after the other, the last one for ever; 401 without the key where one is asked for."""

    statuses: list[int]
    key = ""
    asked = 0

    def next_status(self, authorization: str) -> int:
        self.asked += 1
        if self.key and authorization != f"Bearer {self.key}":
            return 401
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert (self.path, asked["max_tokens"]) == ("/v1/chat/completions", 1)
        status = self.server.next_status(self.headers.get("Authorization", ""))
        answer = json.dumps({"choices": [{"message": {"content": "Hi"}}]} if status == 200 else {"error": {}}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as one:
        one.statuses = [200]
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield one
        one.shutdown()
        thread.join()


@pytest.fixture
def serves(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts the unit of a model into the one guest there is."""
    monkeypatch.setattr(answers, "ContainerMachine", lambda _machine, _vmid: Guest(tmp_path))
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)

    def place(*, service: str = "", more: str = "") -> None:
        text = UNIT.format(port=server.server_port, service=service, more=more)
        (units / "llama-server@small.service").write_text(text)

    return place


def silent(*, patience_seconds: float = 0) -> list[str]:
    seconds = iter(range(1000))
    return answers.unanswered(
        ScriptedMachine(),
        [101],
        patience_seconds=patience_seconds,
        sleep=lambda _: None,
        now=lambda: float(next(seconds)),
    )


def test_a_model_that_answers(server: Server, serves: Callable[..., None]) -> None:
    serves()
    assert silent() == []
    assert server.asked == 1


@pytest.mark.parametrize("way", ["credential", "option"])
def test_the_key_is_read_where_the_unit_has_it(
    way: str, server: Server, serves: Callable[..., None], tmp_path: Path
) -> None:
    server.key = KEY
    place = tmp_path / "api-key"
    place.write_text(f"{KEY}\n")
    if way == "credential":
        serves(service=f"LoadCredential=api-key:{place}")
    else:
        serves(more=f" --api-key-file {place}")
    assert silent() == []


def test_a_model_that_still_loads_is_waited_for(server: Server, serves: Callable[..., None]) -> None:
    server.statuses = [503, 503, 200]
    serves()
    assert silent(patience_seconds=60) == []


def test_a_model_that_gives_no_answer_is_named_with_the_reason(server: Server, serves: Callable[..., None]) -> None:
    server.statuses = [500]
    serves()
    (complaint,) = silent(patience_seconds=2)
    assert complaint.startswith("llama-server@small in container 101 gives no answer: ")
    assert "500" in complaint


def test_a_guest_without_a_model_is_asked_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "ContainerMachine", lambda _machine, _vmid: Guest(tmp_path))
    assert silent() == []


def test_a_guest_that_cannot_be_looked_into_is_a_complaint(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(ScriptedMachine):
        def exists(self, path: str) -> bool:
            raise PermissionError(13, "Permission denied", path)

    def closed(_machine: Machine, _vmid: int) -> Machine:
        return Closed()

    monkeypatch.setattr(answers, "ContainerMachine", closed)
    (complaint,) = silent()
    assert "container 101 cannot be looked into" in complaint
