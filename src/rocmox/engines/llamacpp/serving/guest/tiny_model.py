"""Write the lab's model: a real llama-architecture GGUF of 0.2 MB that knows one sentence.

Its transformer blocks are small random numbers; its embedding and output matrices form a chain in which every word of
`SENTENCE` leads to the next one and the last to the end of the answer. So a correct engine answers every prompt with
exactly this sentence, at any usual temperature, and a miscomputing one does not: the smoke test of a build and the
chat test of the lab compare with it.

Standard library only, and the bytes depend on nothing but this file: `random.Random.random` is reproducible across
Python versions by its documentation, and the rest is IEEE arithmetic. The role llama_cpp carries this file into
guests (roles/llama_cpp/tasks/prepare_jobs.yml) and runs it there as a program.

Format: ggml/docs/gguf.md of llama.cpp, version 3. Block format Q8_0: ggml/src/ggml-common.h, `block_q8_0`.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
import struct
from collections.abc import Sequence
from pathlib import Path

SENTENCE = "Hello from the rocmox lab! llama.cpp computed this answer with a tiny model that knows one sentence."
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)

_ALIGNMENT = 32
_EMBEDDING, _LAYERS, _HEADS, _KV_HEADS, _FEED_FORWARD, _CONTEXT = 64, 2, 4, 2, 128, 4096
_KV_WIDTH = _EMBEDDING // _HEADS * _KV_HEADS
_F32, _Q8_0 = 0, 8  # enum ggml_type
_UINT32, _FLOAT32, _BOOL, _STRING, _ARRAY, _INT32 = 4, 6, 7, 8, 9, 5  # enum gguf_metadata_value_type
_NORMAL, _UNKNOWN, _CONTROL, _UNUSED, _BYTE = 1, 2, 3, 5, 6  # enum llama_token_type
_UNK_ID, _BOS_ID, _EOS_ID = 0, 1, 2
_NOISE = 0.004  # standard deviation of what the blocks add: far below the chain's 1.0
_CHAIN_WEIGHT = 4.0  # times √64 after the norm: a logit of about 32 against noise


@dataclasses.dataclass(frozen=True, kw_only=True)
class Token:
    """One entry of the vocabulary."""

    text: str
    score: float
    kind: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tensor:
    """Name, dimensions in ggml's order (fastest first), type, and the encoded weights."""

    name: str
    dimensions: tuple[int, ...]
    kind: int
    data: bytes


def vocabulary() -> list[Token]:
    """A SentencePiece vocabulary: control, 256 bytes, printable characters, the words, padding to a multiple of 32."""
    tokens = [Token(text=text, score=0.0, kind=kind) for text, kind in (("<unk>", _UNKNOWN), ("<s>", _CONTROL))]
    tokens.append(Token(text="</s>", score=0.0, kind=_CONTROL))
    tokens += [Token(text=f"<0x{byte:02X}>", score=0.0, kind=_BYTE) for byte in range(256)]
    characters = ["\u2581", *(chr(code) for code in range(33, 127))]
    # A word is never the tokenizer's merge of two known pieces, so prompts consist of characters and bytes alone.
    pieces = characters + _words()
    tokens += [Token(text=piece, score=-1.0 - rank, kind=_NORMAL) for rank, piece in enumerate(pieces)]
    padding = range(len(tokens), -(-len(tokens) // 32) * 32)
    return tokens + [Token(text=f"<pad{index}>", score=-1e4, kind=_UNUSED) for index in padding]


def encode() -> bytes:
    """The whole file."""
    tokens = vocabulary()
    metadata = _metadata(tokens)
    tensors = _tensors([token.text for token in tokens])
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata)) + b"".join(metadata)
    offset, body = 0, b""
    for tensor in tensors:
        head += _text(tensor.name) + struct.pack("<I", len(tensor.dimensions))
        head += struct.pack(f"<{len(tensor.dimensions)}QIQ", *tensor.dimensions, tensor.kind, offset)
        body += _padded(tensor.data)
        offset = len(body)
    return _padded(head) + body


def write(path: Path) -> None:
    """Write the model to `path`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.write_bytes(encode())
    partial.replace(path)


def ensure(path: Path) -> None:
    """Write the model to `path` unless exactly this one is there."""
    if not path.is_file() or path.read_bytes() != encode():
        write(path)


def _words() -> list[str]:
    first, *rest = SENTENCE.split()
    return [first, *("\u2581" + word for word in rest)]


def _metadata(tokens: Sequence[Token]) -> list[bytes]:
    numbers = {
        "llama.context_length": _CONTEXT,
        "llama.embedding_length": _EMBEDDING,
        "llama.block_count": _LAYERS,
        "llama.feed_forward_length": _FEED_FORWARD,
        "llama.attention.head_count": _HEADS,
        "llama.attention.head_count_kv": _KV_HEADS,
        "llama.rope.dimension_count": _EMBEDDING // _HEADS,
        "llama.vocab_size": len(tokens),
        "general.file_type": 7,  # enum llama_ftype: mostly Q8_0
        "tokenizer.ggml.unknown_token_id": _UNK_ID,
        "tokenizer.ggml.bos_token_id": _BOS_ID,
        "tokenizer.ggml.eos_token_id": _EOS_ID,
    }
    return [
        _entry("general.architecture", _STRING, _text("llama")),
        _entry("general.name", _STRING, _text("rocmox tiny")),
        *(_entry(key, _UINT32, struct.pack("<I", number)) for key, number in numbers.items()),
        _entry("llama.attention.layer_norm_rms_epsilon", _FLOAT32, struct.pack("<f", 1e-5)),
        _entry("tokenizer.ggml.model", _STRING, _text("llama")),
        _array("tokenizer.ggml.tokens", _STRING, [_text(token.text) for token in tokens]),
        _array("tokenizer.ggml.scores", _FLOAT32, [struct.pack("<f", token.score) for token in tokens]),
        _array("tokenizer.ggml.token_type", _INT32, [struct.pack("<i", token.kind) for token in tokens]),
        _entry("tokenizer.ggml.add_bos_token", _BOOL, b"\x01"),
        _entry("tokenizer.ggml.add_eos_token", _BOOL, b"\x00"),
        _entry("tokenizer.chat_template", _STRING, _text(CHAT_TEMPLATE)),
    ]


def _tensors(texts: Sequence[str]) -> list[Tensor]:
    numbers = random.Random(1)  # noqa: S311 - weights, not secrets
    words = [texts.index(word) for word in _words()]
    tensors = [_quantised("token_embd.weight", _chain_embedding(len(texts), words))]
    for layer in range(_LAYERS):
        tensors += _block(f"blk.{layer}", numbers)
    return [*tensors, _ones("output_norm.weight"), _quantised("output.weight", _chain_output(len(texts), words))]


def _chain_embedding(vocabulary_size: int, words: Sequence[int]) -> list[list[float]]:
    """Word i points along axis i + 1; whatever else a prompt ends with points along axis 0."""
    axis = {word: position + 1 for position, word in enumerate(words)}
    return [_unit(axis.get(token, 0), 1.0) for token in range(vocabulary_size)]


def _chain_output(vocabulary_size: int, words: Sequence[int]) -> list[list[float]]:
    """Axis 0 asks for the first word, axis i for the word after word i, the last axis for the end of the answer."""
    axis = {word: position for position, word in enumerate([*words, _EOS_ID])}
    silent = [0.0] * _EMBEDDING
    return [_unit(axis[token], _CHAIN_WEIGHT) if token in axis else silent for token in range(vocabulary_size)]


def _block(prefix: str, numbers: random.Random) -> list[Tensor]:
    reading = _EMBEDDING**-0.5
    shapes = {
        "attn_q": (_EMBEDDING, _EMBEDDING, reading),
        "attn_k": (_KV_WIDTH, _EMBEDDING, reading),
        "attn_v": (_KV_WIDTH, _EMBEDDING, reading),
        "attn_output": (_EMBEDDING, _EMBEDDING, _NOISE),
        "ffn_gate": (_FEED_FORWARD, _EMBEDDING, reading),
        "ffn_up": (_FEED_FORWARD, _EMBEDDING, reading),
        "ffn_down": (_EMBEDDING, _FEED_FORWARD, _NOISE),
    }
    norms = [_ones(f"{prefix}.{name}.weight") for name in ("attn_norm", "ffn_norm")]
    return norms + [
        _quantised(f"{prefix}.{name}.weight", _noise(numbers, rows, columns, deviation))
        for name, (rows, columns, deviation) in shapes.items()
    ]


def _noise(numbers: random.Random, rows: int, columns: int, deviation: float) -> list[list[float]]:
    reach = deviation * 3**0.5  # a uniform distribution over ±reach has this deviation
    return [[(2.0 * numbers.random() - 1.0) * reach for _ in range(columns)] for _ in range(rows)]


def _unit(axis: int, length: float) -> list[float]:
    return [length if column == axis else 0.0 for column in range(_EMBEDDING)]


def _ones(name: str) -> Tensor:
    data = struct.pack(f"<{_EMBEDDING}f", *([1.0] * _EMBEDDING))
    return Tensor(name=name, dimensions=(_EMBEDDING,), kind=_F32, data=data)


def _quantised(name: str, rows: Sequence[Sequence[float]]) -> Tensor:
    width = len(rows[0])
    blocks = (_q8_0(row[start : start + 32]) for row in rows for start in range(0, width, 32))
    return Tensor(name=name, dimensions=(width, len(rows)), kind=_Q8_0, data=b"".join(blocks))


def _q8_0(weights: Sequence[float]) -> bytes:
    scale = max(abs(weight) for weight in weights) / 127.0
    quants = [round(weight / scale) if scale else 0 for weight in weights]
    return struct.pack("<e32b", scale, *quants)


def _entry(key: str, kind: int, value: bytes) -> bytes:
    return _text(key) + struct.pack("<I", kind) + value


def _array(key: str, kind: int, items: Sequence[bytes]) -> bytes:
    return _entry(key, _ARRAY, struct.pack("<IQ", kind, len(items)) + b"".join(items))


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNMENT)


def main() -> int:
    """`tiny_model.py OUTPUT`: write the model there."""
    parser = argparse.ArgumentParser(description="Write a tiny GGUF model that knows one sentence.")
    parser.add_argument("output", type=Path)
    write(parser.parse_args().output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
