"""What the page and the model servers answer, asked in one start of Python."""

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

FILE = Path(__file__).parents[4] / "roles" / "open_webui" / "files" / "verify.py"
PAGE = {"version": "0.12.4", "features": {"enable_signup": False}}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        opened = self.path != "/props" or self.headers["Authorization"] == "Bearer right"
        self.send_response(200 if opened else 401)
        self.end_headers()
        self.wfile.write(json.dumps(PAGE).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's signature
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def verify(url: str, servers: list[dict[str, str]]) -> dict[str, object]:
    questions = json.dumps({"url": url, "start_seconds": 0, "servers": servers})
    done = subprocess.run([sys.executable, "-I", FILE], input=questions, check=True, stdout=subprocess.PIPE, text=True)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_a_page_and_servers_with_the_right_the_wrong_and_no_key(url: str) -> None:
    servers = [
        {"url": f"{url}/v1", "probe": f"{url}/props", "api_key": "right"},
        {"url": f"{url}/v1", "probe": f"{url}/props", "api_key": "wrong"},
        {"url": f"{url}/open"},
        {"url": "http://127.0.0.1:1"},
    ]
    answer = verify(url, servers)
    assert answer["health"] == {"status": 200, "msg": ""}
    assert answer["page"] == PAGE
    states = [server["status"] for server in answer["servers"]]  # type: ignore[attr-defined]
    assert states == [200, 401, 200, -1]
    assert "right" not in json.dumps(answer)


def test_a_page_that_does_not_answer() -> None:
    answer = verify("http://127.0.0.1:1", [])
    assert answer["health"]["status"] == -1  # type: ignore[index]
    assert "refused" in answer["health"]["msg"]  # type: ignore[index]
