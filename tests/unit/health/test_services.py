from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from rocmox.facts.served import FOLDER, Served, to_json
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


def test_what_the_descriptors_name_is_asked(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / FOLDER.lstrip("/")
    folder.mkdir(parents=True)
    port = int(url.rpartition(":")[2])
    page = Served(
        engine="open_webui", name="page", unit="open-webui.service", host="127.0.0.1", port=port, health_path="/200"
    )
    (folder / "open_webui.json").write_text(to_json(page))
    monkeypatch.setattr("rocmox.facts.served.FOLDER", str(folder))
    context = Context(machine=LocalMachine("/"))
    result = next(services.run(context))
    assert (result.code, result.subject) == ("SERVICE_OK", "open-webui")


def test_a_unit_without_a_descriptor_is_unknown_with_the_way_out(tmp_path: Path) -> None:
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    (units / "llama-server@one.service").write_text("[Service]\nEnvironment=ROCMOX_CONFIGURATION=abc\n")
    (result,) = services.run(Context(machine=CapturedMachine(tmp_path)))
    assert (result.code, result.verdict) == ("SERVICE_UNDESCRIBED", Verdict.UNKNOWN)
    assert result.subject == "llama-server@one"
    assert "playbooks/serve_models.yml" in result.remedy
