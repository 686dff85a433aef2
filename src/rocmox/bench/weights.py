"""Which weights a token meets, from the header of the model's file: all but idle experts and looked-up rows."""

from __future__ import annotations

import base64
import dataclasses
import math
import re
from collections.abc import Iterator

from rocmox.errors import CannotLookError, UsageError
from rocmox.facts.gguf import GgufHeader, TensorInfo, read_header
from rocmox.machine import Machine

_PART = re.compile(r"-00001-of-(\d{5})\.gguf$")
_PIECE_BYTES = 4 << 20
_FETCH_SECONDS = 300.0
# One range of a file, base64, because a command's output is text. `tail -c +N` of a file seeks.
_FETCH = 'tail --bytes=+"$(($2 + 1))" -- "$1" | head --bytes="$3" | base64 --wrap=0'
# `ffn_gate_exps` of all experts of a layer in one tensor, `ffn_gate.0` of one expert (before April 2024, #6387).
_EXPERT = re.compile(r"\.ffn_(?:gate|up|down|gate_up)(?:_exps|_chexps|\.\d+)\.(?:weight|bias)$")
_LAYER = re.compile(r"^blk\.(\d+)\.")
# Rows of these are looked up, one for each token; token_embd also where it is no output matrix.
_LOOKED_UP = frozenset({"per_layer_token_embd.weight", "position_embd.weight", "token_types.weight"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Weights:
    """`dense` weights meet every token; of `experts` experts in each layer a token meets `experts_used`."""

    dense_bytes: int
    dense_parameters: int
    expert_bytes: int = 0
    expert_parameters: int = 0
    experts: int = 0
    experts_used: int = 0

    def __post_init__(self) -> None:
        """ValueError for a model without weights."""
        numbers = (self.dense_bytes, self.dense_parameters, self.expert_bytes, self.expert_parameters)
        if min(numbers) < 0 or min(self.step_bytes(1), self.active_parameters) <= 0:
            raise ValueError("no weights")
        if not 0 <= self.experts_used <= self.experts:
            raise ValueError(f"{self.experts_used} of {self.experts} experts")

    def step_bytes(self, sequences: int) -> float:
        """What a step of so many sequences reads: several meet more experts, as if each chose at random."""
        if not self.experts:
            return self.dense_bytes
        untouched = (1 - self.experts_used / self.experts) ** sequences
        return self.dense_bytes + self.expert_bytes * (1 - untouched)

    @property
    def active_parameters(self) -> float:
        """What one token is multiplied with."""
        used = self.experts_used / self.experts if self.experts else 0.0
        return self.dense_parameters + self.expert_parameters * used


def weigh(header: GgufHeader) -> Weights | None:
    """None for experts of which the file does not say how many a token meets."""
    metadata, name = header.metadata, header.architecture
    experts, used = (metadata.get(f"{name}.{key}") or 0 for key in ("expert_count", "expert_used_count"))
    if not isinstance(experts, int) or not isinstance(used, int) or (experts and not 0 < used <= experts):
        return None
    routed: list[TensorInfo] = []
    dense: list[TensorInfo] = []
    for one in _computed(header):
        (routed if experts and _EXPERT.search(one.name) else dense).append(one)
    return Weights(
        dense_bytes=sum(one.data_bytes for one in dense),
        dense_parameters=sum(math.prod(one.shape) for one in dense),
        expert_bytes=sum(one.data_bytes for one in routed),
        expert_parameters=sum(math.prod(one.shape) for one in routed),
        experts=experts if routed else 0,
        experts_used=used if routed else 0,
    )


def read_weights(machine: Machine, model: str) -> Weights | None:
    """Of the model on that machine, all parts of it; None when its header cannot be read."""
    match = _PART.search(model)
    names = [model]
    if match:
        names = [f"{model[: match.start()]}-{part:05}-of-{match[1]}.gguf" for part in range(1, int(match[1]) + 1)]
    try:
        first, *rest = [_header(machine, name) for name in names]
        tensors = sum((part.tensors for part in rest), first.tensors)
        return weigh(dataclasses.replace(first, tensors=tensors))
    except (CannotLookError, UsageError, OSError, ValueError):
        return None


def _computed(header: GgufHeader) -> Iterator[TensorInfo]:
    """Every tensor that a token is multiplied with; layers that predict further tokens are not run (`nextn`)."""
    layers = header.metadata.get(f"{header.architecture}.block_count")
    extra = header.metadata.get(f"{header.architecture}.nextn_predict_layers")
    last = layers - extra if isinstance(layers, int) and isinstance(extra, int) else None
    tied = not any(tensor.name == "output.weight" for tensor in header.tensors)
    for tensor in header.tensors:
        layer = _LAYER.match(tensor.name)
        beyond = layer is not None and last is not None and int(layer[1]) >= last
        looked_up = tensor.name in _LOOKED_UP or (tensor.name == "token_embd.weight" and not tied)
        if not beyond and not looked_up:
            yield tensor


@dataclasses.dataclass(kw_only=True)
class _File:
    """Ranges of a file on a machine; the last piece is kept, because a header is read in small steps."""

    machine: Machine
    path: str
    size_bytes: int
    _offset: int = 0
    _piece: bytes = b""

    def fetch(self, offset: int, count: int) -> bytes:
        """So many bytes from there."""
        if not self._offset <= offset <= offset + count <= self._offset + len(self._piece):
            wanted = min(max(count, _PIECE_BYTES), self.size_bytes - offset)
            words = ["sh", "-c", _FETCH, "sh", self.path, str(offset), str(wanted)]
            answer = self.machine.run(words, timeout_seconds=_FETCH_SECONDS).check()
            self._offset, self._piece = offset, base64.b64decode(answer.stdout)
        return self._piece[offset - self._offset :][:count]


def _header(machine: Machine, path: str) -> GgufHeader:
    size = int(machine.run(["stat", "--dereference", "--format=%s", "--", path]).check().stdout)
    file = _File(machine=machine, path=path, size_bytes=size)
    return read_header(file.fetch, size_bytes=size, where=path)
