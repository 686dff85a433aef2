"""What differs between llama.cpp's generations in how the same layer becomes nodes of a graph."""

from __future__ import annotations

import dataclasses
from typing import Protocol

from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor


@dataclasses.dataclass(kw_only=True)
class Inputs:
    """What llama.cpp fills in before each run. `*_sliding` belong to windowed layers, `output_rows` may be late."""

    embeddings: Tensor
    positions: Tensor
    output_rows: Tensor | None
    mask: Tensor | None = None
    mask_sliding: Tensor | None = None
    k_rows: Tensor | None = None
    v_rows: Tensor | None = None
    k_rows_sliding: Tensor | None = None
    v_rows_sliding: Tensor | None = None
    k_rotation: Tensor | None = None
    v_rotation: Tensor | None = None
    k_rotation_sliding: Tensor | None = None
    v_rotation_sliding: Tensor | None = None
    states: Tensor | None = None
    states_kept: Tensor | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class LatentHeads:
    """Compressed attention: one wide head of K and V for all queries, and the matrix that brings V back to heads."""

    query: Tensor
    key: Tensor
    value: Tensor
    decompress: Tensor


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experts:
    """How a mixture of experts picks and weighs them (arguments of `build_moe_ffn`)."""

    activation: str = "silu"
    normalizes: bool = True
    scales: bool = False
    gating: str = "softmax"
    weighs_input: bool = False


class Style(Protocol):
    """One generation of graph building."""

    def inputs(self, build: Build) -> Inputs:
        """Token embeddings and the other inputs, in the order in which llama.cpp makes them."""

    def output_rows(self, build: Build, inputs: Inputs) -> Tensor:
        """Which tokens' logits are wanted, asked for in the last layer."""

    def split_heads(self, build: Build, current: Tensor, layer: int) -> tuple[Tensor, Tensor, Tensor]:
        """Q, K and V by heads, before norms and rotation."""

    def attend(
        self,
        build: Build,
        inputs: Inputs,
        layer: int,
        heads: tuple[Tensor, Tensor, Tensor],
        *,
        sinks: Tensor | None = None,
    ) -> Tensor:
        """Store K and V, attend, and bring heads back together; the output projection comes after."""

    def attend_compressed(self, build: Build, inputs: Inputs, layer: int, heads: LatentHeads) -> Tensor:
        """Attention over a cache of K alone, of which V is a part (`build_attn` with `llm_graph_input_attn_k`)."""

    def feed_forward(
        self, build: Build, current: Tensor, layer: int, *, activation: str, prefix: str = "ffn"
    ) -> Tensor:
        """A dense feed-forward network."""

    def experts(self, build: Build, current: Tensor, layer: int, how: Experts) -> Tensor:
        """A mixture of experts."""
