"""Split models whose parts do not belong together, and servers that do odd things."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rocmox.errors import CannotLookError, RocmoxError, UsageError
from rocmox.facts.ggml_types import BY_NAME
from rocmox.facts.gguf import TensorInfo
from rocmox.facts.gguf_source import read_model
from tests.unit.engines.llamacpp.memory.gguf_files import Value, data_bytes, header_bytes, write_sparse

KEYS: dict[str, Value] = {"general.architecture": "llama", "llama.block_count": 2}
FIRST = (TensorInfo(name="token_embd.weight", shape=(256, 8), kind=BY_NAME["f16"]),)
SECOND = (TensorInfo(name="output_norm.weight", shape=(256,), kind=BY_NAME["f32"]),)
WHOLE = header_bytes(KEYS, FIRST) + bytes(sum(-(-data_bytes(tensor) // 32) * 32 for tensor in FIRST))


def split_model(
    folder: Path, second: dict[str, Value], tensors: tuple[TensorInfo, ...] = SECOND, announced: int = 2
) -> str:
    first: dict[str, Value] = {**KEYS, "split.count": 2, "split.no": 0, "split.tensors.count": announced}
    write_sparse(folder / "m-00002-of-00002.gguf", second, tensors)
    return str(write_sparse(folder / "m-00001-of-00002.gguf", first, FIRST))


def test_parts_that_belong_together(tmp_path: Path) -> None:
    assert read_model(split_model(tmp_path, {"split.count": 2, "split.no": 1})).tensors == FIRST + SECOND


@pytest.mark.parametrize(
    ("second", "tensors", "announced", "why"),
    [
        ({"split.count": 2, "split.no": 0}, SECOND, 2, "another part"),
        ({"split.count": 3, "split.no": 1}, SECOND, 2, "another model"),
        ({"split.count": 2, "split.no": 1}, FIRST, 2, "the same name"),
        ({"split.count": 2, "split.no": 1}, SECOND, 9, "announces 9"),
    ],
)
def test_parts_that_do_not(
    tmp_path: Path, second: dict[str, Value], tensors: tuple[TensorInfo, ...], announced: int, why: str
) -> None:
    with pytest.raises(UsageError, match=why) as raised:
        read_model(split_model(tmp_path, second, tensors, announced))
    assert raised.value.remedy


class Odd(http.server.BaseHTTPRequestHandler):
    """Answers as the path says."""

    def do_GET(self) -> None:
        {
            "/redirected": lambda: self._redirect("/ranges"),
            "/loop": lambda: self._redirect("/loop"),
            "/elsewhere": lambda: self._redirect("file:///etc/passwd"),
            "/ranges": lambda: self._partial(WHOLE, len(WHOLE)),
            "/short": lambda: self._partial(WHOLE[:100], len(WHOLE), promised=1 << 18),
            "/lies": lambda: self._partial(WHOLE, 40 << 30),
            "/unknown-size": lambda: self._partial(WHOLE, "*"),
            "/other-place": lambda: self._partial(WHOLE, len(WHOLE), first=4096),
            "/page": lambda: self._partial(b"<!doctype html>" + bytes(300), 315),
            "/whole": self._everything,
            "/garbage": lambda: self.wfile.write(b"\x00\x01\x02 what\r\n\r\n"),
            "/hangs-up": lambda: None,
            "/forbidden": lambda: self.send_error(403),
        }[self.path]()

    def _redirect(self, target: str) -> None:
        self.send_response(302)
        self.send_header("Location", target)
        self.end_headers()

    def _partial(self, body: bytes, size: int | str, *, first: int = 0, promised: int | None = None) -> None:
        begin = int(self.headers["Range"].removeprefix("bytes=").split("-")[0])
        body = body[begin:]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {begin + first}-{begin + len(body) - 1}/{size}")
        self.send_header("Content-Length", str(len(body) if promised is None else promised))
        self.end_headers()
        self.wfile.write(body)

    def _everything(self) -> None:
        """Forty gigabytes, which nobody may begin to read."""
        self.send_response(200)
        self.send_header("Content-Length", str(40 << 30))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.server_address[1]}"
    listener.shutdown()
    listener.server_close()
    thread.join()


@pytest.mark.parametrize("path", ["/ranges", "/redirected"])
def test_a_header_is_read_where_redirects_lead(server: str, path: str) -> None:
    assert read_model(server + path).tensors == FIRST


@pytest.mark.parametrize(
    ("path", "kind", "why"),
    [
        ("/short", UsageError, "ends inside"),
        ("/unknown-size", UsageError, "does not serve ranges"),
        ("/other-place", UsageError, "does not serve ranges"),
        ("/whole", UsageError, "does not serve ranges"),
        ("/page", UsageError, "does not begin with GGUF"),
        ("/loop", CannotLookError, "302"),
        ("/elsewhere", CannotLookError, "302"),
        ("/garbage", CannotLookError, "127"),
        ("/hangs-up", CannotLookError, "127"),
        ("/forbidden", CannotLookError, "403"),
    ],
)
def test_servers_that_do_odd_things(server: str, path: str, kind: type[RocmoxError], why: str) -> None:
    started = time.monotonic()
    with pytest.raises(kind, match=why):
        read_model(server + path)
    assert time.monotonic() - started < 30


def test_a_size_that_is_too_large_is_no_harm(server: str) -> None:
    assert read_model(f"{server}/lies").tensors == FIRST


@pytest.mark.parametrize("made", [Path.mkdir, lambda path: path.touch(), lambda path: path.write_bytes(b"GG")])
def test_no_models(tmp_path: Path, made: Callable[[Path], object]) -> None:
    path = tmp_path / "m.gguf"
    made(path)
    with pytest.raises(UsageError, match=r"m\.gguf"):
        read_model(str(path))
