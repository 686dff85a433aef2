"""Writes small and sparse GGUF files: a header as the format asks for, and a hole where the data would be."""

import math
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from rocmox.engines.llamacpp.memory.catalogue import find_model
from rocmox.facts.gguf import TensorInfo

Value = bool | int | float | str | Sequence[int] | Sequence[bool] | Sequence[str]


def header_bytes(
    metadata: Mapping[str, Value], tensors: Sequence[TensorInfo] = (), *, version: int = 3, alignment: int = 32
) -> bytes:
    """Magic, counts, keys, tensors, padding."""
    parts = [b"GGUF", struct.pack("<IQQ", version, len(tensors), len(metadata))]
    parts += [_text(key) + _value(value) for key, value in metadata.items()]
    offset = 0
    for tensor in tensors:
        parts.append(_text(tensor.name) + struct.pack("<I", len(tensor.shape)))
        parts += [struct.pack("<Q", length) for length in tensor.shape]
        parts.append(struct.pack("<IQ", tensor.kind.number, offset))
        offset += -(-tensor.data_bytes // alignment) * alignment
    header = b"".join(parts)
    return header + bytes(-len(header) % alignment)


def write_sparse(path: Path, metadata: Mapping[str, Value], tensors: Sequence[TensorInfo]) -> Path:
    """A file as long as the real one that takes some kilobytes on the disk."""
    header = header_bytes(metadata, tensors)
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + sum(-(-tensor.data_bytes // 32) * 32 for tensor in tensors))
    return path


def write_catalogue_model(path: Path, name: str) -> Path:
    """A model of the catalogue as a file, with a vocabulary in it."""
    model = find_model(name)
    hyper = model.hyper
    metadata: dict[str, Value] = {
        "general.architecture": hyper.architecture,
        f"{hyper.architecture}.block_count": hyper.all_layers,
        f"{hyper.architecture}.embedding_length": hyper.embedding,
        f"{hyper.architecture}.context_length": hyper.context_train,
        f"{hyper.architecture}.feed_forward_length": hyper.feed_forward[0],
        f"{hyper.architecture}.attention.head_count": hyper.heads[0],
        f"{hyper.architecture}.attention.head_count_kv": hyper.kv_heads[0],
        f"{hyper.architecture}.attention.key_length": hyper.head_k,
        f"{hyper.architecture}.attention.value_length": hyper.head_v,
        "tokenizer.ggml.tokens": [f"<{index}>" for index in range(hyper.vocabulary)],
        "tokenizer.ggml.token_type": [1] * hyper.vocabulary,
    }
    return write_sparse(path, metadata, list(model.tensors.values()))


def data_bytes(tensor: TensorInfo) -> int:
    """Bytes of a tensor's data, counted another way than the reader does."""
    rows = math.prod(tensor.shape[1:])
    return tensor.shape[0] // tensor.kind.block_elements * tensor.kind.block_bytes * rows


def _text(text: str) -> bytes:
    content = text.encode()
    return struct.pack("<Q", len(content)) + content


def _value(value: Value) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<Iq", 11, value) if value > 0xFFFFFFFF else struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if value and isinstance(value[0], str):
        return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(_text(str(entry)) for entry in value)
    form, kind = ("?", 7) if value and isinstance(value[0], bool) else ("i", 5)
    return struct.pack("<IIQ", 9, kind, len(value)) + struct.pack(f"<{len(value)}{form}", *value)
