import http.server
import struct
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rocmox.errors import CannotLookError, UsageError
from rocmox.facts.ggml_types import BY_NAME
from rocmox.facts.gguf import GgufHeader, TensorInfo, read_header
from rocmox.facts.gguf_source import read_model
from tests.unit.engines.llamacpp.memory.gguf_files import (
    Value,
    data_bytes,
    header_bytes,
    write_catalogue_model,
    write_sparse,
)

KEYS: dict[str, Value] = {
    "general.architecture": "llama",
    "llama.block_count": 2,
    "llama.rope.freq_base": 5e5,
    "llama.attention.head_count_kv": [8, 4],
    "llama.big": 1 << 40,
    "llama.yes": True,
    "tokenizer.ggml.tokens": ["<a>", "<b>", "ç"],
}
TENSORS = (
    TensorInfo(name="token_embd.weight", shape=(256, 100), kind=BY_NAME["q4_K"]),
    TensorInfo(name="blk.0.ffn_down_exps.weight", shape=(32, 8, 4), kind=BY_NAME["q8_0"]),
    TensorInfo(name="output_norm.weight", shape=(256,), kind=BY_NAME["f32"]),
)


def parse(content: bytes) -> GgufHeader:
    return read_header(lambda offset, count: content[offset : offset + count], size_bytes=len(content), where="x.gguf")


def parsed_or_refused(content: bytes) -> GgufHeader | None:
    try:
        return parse(content)
    except UsageError:
        return None


def whole() -> bytes:
    return header_bytes(KEYS, TENSORS) + bytes(sum(-(-data_bytes(tensor) // 32) * 32 for tensor in TENSORS))


@pytest.mark.parametrize("version", [2, 3])
def test_keys_and_tensors(version: int) -> None:
    content = header_bytes(KEYS, TENSORS, version=version) + bytes(1 << 16)
    header = parse(content)
    assert header.version == version
    assert header.architecture == "llama"
    assert header.metadata["llama.attention.head_count_kv"] == (8, 4)
    assert header.metadata["llama.big"] == 1 << 40
    assert header.metadata["llama.yes"] is True
    assert header.metadata["tokenizer.ggml.tokens"] is None
    assert header.lengths["tokenizer.ggml.tokens"] == 3
    assert header.tensors == TENSORS
    assert [tensor.data_bytes for tensor in header.tensors] == [data_bytes(tensor) for tensor in TENSORS]


def test_every_cut_is_refused() -> None:
    content = whole()
    for length in range(0, len(header_bytes(KEYS, TENSORS)), 7):
        with pytest.raises(UsageError, match=r"x\.gguf: "):
            parse(content[:length])
    with pytest.raises(UsageError, match="stopped early"):
        parse(content[:-1000])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"GGML" + bytes(100), "does not begin with GGUF"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "version 1"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0), "announces"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1 << 50) + bytes(64), "announced with"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1) + b"k" + struct.pack("<I", 99), "unknown type"),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1) + b"k" + struct.pack("<IIQ", 9, 8, 1 << 22),
            "ends inside",
        ),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1) + b"k" + struct.pack("<IIQ", 9, 8, 1 << 29),
            "more than any vocabulary",
        ),
    ],
)
def test_hostile_files_are_refused(content: bytes, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        parse(content)


@pytest.mark.parametrize(
    ("tensor", "why"),
    [
        (TensorInfo(name="a", shape=(1 << 40, 1 << 40), kind=BY_NAME["f32"]), "shape"),
        (TensorInfo(name="a", shape=(100,), kind=BY_NAME["q4_K"]), "no multiple of 256"),
        (TensorInfo(name="a", shape=(1, 1, 1, 1, 1), kind=BY_NAME["f32"]), "5 dimensions"),
    ],
)
def test_hostile_tensors_are_refused(tensor: TensorInfo, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        parse(header_bytes({}, [tensor]) + bytes(4096))


def test_doubles_are_refused() -> None:
    with pytest.raises(UsageError, match="same name"):
        parse(header_bytes({}, [TENSORS[2], TENSORS[2]]) + bytes(4096))


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(place=st.integers(0, len(whole()) - 1), content=st.binary(max_size=16))
def test_changed_bytes_end_in_a_clear_error_or_in_a_header(place: int, content: bytes) -> None:
    changed = whole()
    changed = changed[:place] + content + changed[place + len(content) :]
    header = parsed_or_refused(changed)
    assert header is None or sum(tensor.data_bytes for tensor in header.tensors) <= len(changed)


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_pass(content: bytes) -> None:
    with pytest.raises(UsageError):
        parse(b"GGUF" + struct.pack("<IQQ", 3, 2, 2) + content)


def test_forty_gigabytes_in_a_blink_and_in_flat_memory(tmp_path: Path) -> None:
    path = write_catalogue_model(tmp_path / "large.gguf", "qwen2.5-72b:q4_K_S")
    assert path.stat().st_size > 40 << 30
    started = time.process_time()
    header = read_model(str(path))
    seconds = time.process_time() - started
    tracemalloc.start()
    read_model(str(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(header.tensors) == 80 * 12 + 3
    assert header.lengths["tokenizer.ggml.tokens"] == 152064
    assert seconds < 0.3
    assert peak < 4 << 20


def test_a_split_model_is_one(tmp_path: Path) -> None:
    parts = (TENSORS[:1], TENSORS[1:])
    for number, tensors in enumerate(parts):
        keys = {"split.count": 2, "split.no": number, "split.tensors.count": 3}
        path = tmp_path / f"m-{number + 1:05}-of-00002.gguf"
        write_sparse(path, {**keys, **(KEYS if number == 0 else {})}, tensors)
    header = read_model(str(tmp_path / "m-00001-of-00002.gguf"))
    assert header.tensors == TENSORS
    with pytest.raises(UsageError, match="part 2"):
        read_model(str(tmp_path / "m-00002-of-00002.gguf"))
    (tmp_path / "m-00002-of-00002.gguf").unlink()
    with pytest.raises(UsageError, match="part 2 of 2 is missing"):
        read_model(str(tmp_path / "m-00001-of-00002.gguf"))


def test_a_renamed_part_is_refused(tmp_path: Path) -> None:
    path = write_sparse(tmp_path / "m.gguf", {"split.count": 2, **KEYS}, TENSORS)
    with pytest.raises(UsageError, match="does not end in -00001-of-00002"):
        read_model(str(path))


class Ranges(http.server.BaseHTTPRequestHandler):
    content = b""
    served = 0
    partial = True

    def do_GET(self) -> None:
        first, last = self.headers["Range"].removeprefix("bytes=").split("-")
        body = self.content[int(first) : int(last) + 1]
        type(self).served += len(body)
        self.send_response(206 if self.partial else 200)
        if self.partial:
            self.send_header("Content-Range", f"bytes {first}-{int(first) + len(body) - 1}/{len(self.content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    Ranges.served, Ranges.partial, Ranges.content = 0, True, whole() + bytes(4 << 20)
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ranges)
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.server_address[1]}"
    listener.shutdown()
    listener.server_close()
    thread.join()


def test_a_header_over_http_reads_little(server: str) -> None:
    header = read_model(f"{server}/m.gguf?download=true")
    assert header.tensors == TENSORS
    assert Ranges.served <= 1 << 18


def test_a_server_without_ranges_is_refused(server: str) -> None:
    Ranges.partial = False
    with pytest.raises(UsageError, match="does not serve ranges"):
        read_model(f"{server}/m.gguf")


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(CannotLookError):
        read_model("http://127.0.0.1:9/m.gguf")
