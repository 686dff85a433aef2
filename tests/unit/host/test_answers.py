"""The question is really asked: by python3, of an HTTP server that answers as llama-server does."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rocmox.facts.served import FOLDER, Served, to_json
from rocmox.host import answers
from rocmox.machine import LocalMachine, Machine
from tests.unit.rocmox_lab.scripted_machine import ScriptedMachine

KEY = "a-key"
OLD_UNIT = "[Service]\nExecStart=/opt/llama.cpp/current/bin/llama-server\nEnvironment=ROCMOX_CONFIGURATION=abc\n"


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
    """Puts the descriptor of a model into the one guest there is."""
    monkeypatch.setattr(answers, "ContainerMachine", lambda _machine, _vmid: Guest(tmp_path))
    folder = tmp_path / FOLDER.lstrip("/")
    folder.mkdir(parents=True)

    def place(*, api_key_file: str = "") -> None:
        model = Served(
            engine="llama_cpp",
            name="small",
            unit="llama-server@small.service",
            host="127.0.0.1",
            port=server.server_port,
            api_path="/v1",
            api_key_file=api_key_file,
            computes=True,
        )
        page = Served(engine="open_webui", name="page", unit="open-webui.service", host="127.0.0.1", port=1)
        (folder / "llama_cpp-small.json").write_text(to_json(model))
        (folder / "open_webui.json").write_text(to_json(page))

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


def test_the_key_is_read_where_the_unit_has_it(server: Server, serves: Callable[..., None], tmp_path: Path) -> None:
    server.key = KEY
    place = tmp_path / "api-key"
    place.write_text(f"{KEY}\n")
    serves(api_key_file=str(place))
    assert silent() == []


def test_a_model_of_an_earlier_rocmox_is_not_taken_for_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "ContainerMachine", lambda _machine, _vmid: Guest(tmp_path))
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    (units / "llama-server@small.service").write_text(OLD_UNIT)
    (units / "open-webui.service").write_text("ExecStart=/opt/open-webui/current/bin/open-webui serve --port 80\n")
    (complaint,) = silent()
    assert complaint.startswith("container 101: llama-server@small.service has no descriptor")
    assert "playbooks/serve_models.yml" in complaint


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
