"""The architectures that llama.cpp's generations load (`LLM_ARCH_NAMES` of src/llama-arch.cpp)."""

from __future__ import annotations

import pkgutil
import tomllib

from rocmox.engines.llamacpp.memory.builds import LlamaBuild

_TABLE = tomllib.loads((pkgutil.get_data(__name__, "data/architectures.toml") or b"").decode())
_EARLY = frozenset(_TABLE["known_at_b4447"])
_SINCE_2025_08 = frozenset(_TABLE["new_by_b6170"])
_SINCE_2026_10 = frozenset(_TABLE["new_by_latest"])
_NO_TENSOR_SPLIT = frozenset(_TABLE["no_tensor_split"])
_NOT_PLANNED = frozenset(_TABLE["not_planned"])
_LIKE_LLAMA = frozenset(_TABLE["like_llama"])

_SHARES_EMBEDDINGS = frozenset(_TABLE["shares_embeddings"])

_B6170 = 6170
_B6170_FROM = 5000


def loads(build: LlamaBuild, architecture: str) -> bool:
    """Whether a build knows an architecture; between the measured builds the later list decides."""
    if architecture in _EARLY:
        return True
    if architecture in _SINCE_2025_08:
        return build.number >= _B6170_FROM
    return architecture in _SINCE_2026_10 and build.number > _B6170


def is_known(architecture: str) -> bool:
    """Whether any build knows it."""
    return architecture in _EARLY | _SINCE_2025_08 | _SINCE_2026_10


def splits_tensors(architecture: str) -> bool:
    """Whether `-sm tensor` is implemented for it."""
    return architecture not in _NO_TENSOR_SPLIT


def is_planned(architecture: str) -> bool:
    """Whether rocmox can say what its graph and its caches take."""
    return architecture not in _NOT_PLANNED


def is_embedding(architecture: str) -> bool:
    """Whether it makes embeddings instead of text."""
    return "bert" in architecture or "embed" in architecture


def shares_embeddings(architecture: str) -> bool:
    """Whether logits come from the embeddings in host memory, without a copy on a device."""
    return architecture in _SHARES_EMBEDDINGS


def is_like_llama(architecture: str) -> bool:
    """Whether it is put together like a llama, or told apart by its tensors alone."""
    return architecture in _LIKE_LLAMA
