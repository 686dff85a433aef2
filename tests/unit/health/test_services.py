from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from rocmox.health.checks import services
from rocmox.health.context import Context, Service
from rocmox.health.result import Verdict
from rocmox.machine import LocalMachine
from rocmox.machine.captured import CapturedMachine


class Page(BaseHTTPRequestHandler):
    """/200 answers 200, /503 answers 503 and so on."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.end_headers()
        self.wfile.write(b'{"status": true}')

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("page", "code", "verdict"),
    [
        ("200", "SERVICE_OK", Verdict.PASS),
        ("503", "SERVICE_LOADING", Verdict.FAIL),
        ("404", "SERVICE_BROKEN", Verdict.FAIL),
    ],
)
def test_an_answer_is_judged(url: str, page: str, code: str, verdict: Verdict) -> None:
    context = Context(machine=LocalMachine("/"), services=(Service(name="llama-server@tiny", url=f"{url}/{page}"),))
    result = list(services.run(context))[-1]
    assert (result.code, result.verdict, result.subject) == (code, verdict, "llama-server@tiny")
    assert result.evidence[0].value == f'{page} {{"status": true}}'
    assert ("journalctl -u llama-server@tiny" in result.remedy) == (verdict is Verdict.FAIL)


def test_silence_fails() -> None:
    context = Context(
        machine=LocalMachine("/"), services=(Service(name="open-webui", url="http://127.0.0.1:9/health"),)
    )
    result = list(services.run(context))[-1]
    assert result.code == "SERVICE_SILENT"
    assert "refused" in result.evidence[0].value


def test_nothing_installed_is_not_applicable(tmp_path: Path) -> None:
    assert [result.verdict for result in services.run(Context(machine=CapturedMachine(tmp_path)))] == [
        Verdict.NOT_APPLICABLE
    ]
