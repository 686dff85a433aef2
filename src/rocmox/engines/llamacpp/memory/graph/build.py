"""What every part of a graph's construction shares: the model, the settings, and the graph so far."""

from __future__ import annotations

import dataclasses

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.graph import Graph
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.engines.llamacpp.memory.model import Model
from rocmox.engines.llamacpp.memory.overrides import place_of
from rocmox.engines.llamacpp.memory.settings import Settings
from rocmox.facts.ggml_types import F32
from rocmox.facts.gguf import TensorInfo

_ALWAYS_PINNED_BELOW = 32


@dataclasses.dataclass(kw_only=True)
class Build:
    """One graph being built. `places` is the device of each layer and, last, of the output; the CPU is `cpu`.

    `tokens` in this batch, of `sequences` of the `slots`, `outputs` of them with logits, `streams` KV streams of
    `kv_cells` (`kv_cells_sliding` in
    windowed layers) each.
    """

    model: Model
    settings: Settings
    places: tuple[int, ...]
    cpu: int
    tokens: int
    outputs: int
    streams: int
    sequences: int
    slots: int
    kv_cells: int
    kv_cells_sliding: int
    marks_outputs: bool = True
    graph: Graph = dataclasses.field(default_factory=Graph)
    resident: dict[str, Tensor] = dataclasses.field(default_factory=dict)

    def weight(self, name: str, place: int) -> Tensor | None:
        """A weight of the model on a device, None when the file has none of this name."""
        known = self.resident.get(name)
        if known is not None:
            return known
        info: TensorInfo | None = self.model.tensors.get(name)
        if info is None:
            return None
        place = place_of(self.settings.overrides, name, place=place, cpu=self.cpu)
        self.resident[name] = weight = op.resident(name, info.kind, op.four(*info.shape), place, is_weight=True)
        return weight

    def tied_output(self, place: int) -> Tensor:
        """The token embeddings as output matrix, a copy of them on the output device (TENSOR_DUPLICATED)."""
        info = self.model.tensors["token_embd.weight"]
        return op.resident("output (token_embd)", info.kind, op.four(*info.shape), place, is_weight=True)

    def of_layer(self, layer: int, name: str) -> Tensor | None:
        """A layer's weight by its name behind `blk.N.`."""
        tensors = self.model.by_layer[layer]
        if name not in tensors:  # plamo2 names some norms without a suffix
            name = name.removesuffix(".weight")
        return self.weight(f"blk.{layer}.{name}", self.places[layer])

    def has(self, layer: int, name: str) -> bool:
        """Whether a layer has this weight."""
        tensors = self.model.by_layer[layer]
        return name in tensors or name.removesuffix(".weight") in tensors

    def cache(self, layer: int, part: str, width: int, cells: int) -> Tensor:
        """A layer's K or V cache, all streams."""
        name = f"cache_{part}_l{layer}"
        if name not in self.resident:
            kind = self.settings.kv_k if part == "k" else self.settings.kv_v
            shape = (width, cells, self.streams, 1)
            self.resident[name] = op.resident(name, kind, shape, self.cache_place(layer), is_weight=False)
        return self.resident[name]

    def state(self, layer: int, part: str, width: int) -> Tensor:
        """A layer's recurrent state, one row for each slot."""
        name = f"cache_{part}_l{layer}"
        if name not in self.resident:
            self.resident[name] = op.resident(
                name, F32, (width, self.slots, 1, 1), self.cache_place(layer), is_weight=False
            )
        return self.resident[name]

    def cache_place(self, layer: int) -> int:
        """Where a layer's cache lies."""
        return self.places[layer] if self.settings.kv_offload else self.cpu

    def pin(self, tensor: Tensor, place: int) -> None:
        """A node that llama.cpp places by order (`graph_get_cb`), which it does for whole models on cards."""
        if self.settings.gpu_layers is None or self.tokens < _ALWAYS_PINNED_BELOW:
            self.graph.pin(tensor, place)

    def on_host(self, tensor: Tensor) -> Tensor:
        """The end of attention, which runs where the cache is when that is the host."""
        if not self.settings.kv_offload:
            self.graph.pin(tensor, self.cpu)
        return tensor

    def cells(self, layer: int) -> int:
        """Cells of a layer's KV cache in one stream."""
        return self.kv_cells_sliding if self.model.hyper.sliding[layer] else self.kv_cells
