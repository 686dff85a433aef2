"""A model as the planner sees it: its hyperparameters and its tensors, from a GGUF header or from the catalogue."""

from __future__ import annotations

import dataclasses
import functools

from rocmox.engines.llamacpp.memory.architectures import shares_embeddings
from rocmox.engines.llamacpp.memory.hyperparameters import Hyperparameters, read_hyperparameters
from rocmox.errors import UsageError
from rocmox.facts.gguf import GgufHeader, TensorInfo


class IncompleteModelError(UsageError):
    """The file lacks what a model of its architecture has, or its architecture is put together in an unknown way."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"the model has no {what}, which its graph needs; its memory cannot be planned",
            remedy="Name a whole language model (a split one by its first part).",
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """`tensors` by their names in the file, such as `blk.0.attn_q.weight`."""

    name: str
    hyper: Hyperparameters
    tensors: dict[str, TensorInfo]

    @property
    def tied_output(self) -> TensorInfo | None:
        """The embeddings, when a second copy of them on a device is the output matrix (TENSOR_DUPLICATED)."""
        if "output.weight" in self.tensors or shares_embeddings(self.hyper.architecture):
            return None
        return self.tensors.get("token_embd.weight")

    @functools.cached_property
    def loaded(self) -> dict[str, TensorInfo]:
        """The tensors that are loaded: those of draft (NextN) layers are skipped."""
        last = self.hyper.layers if self.hyper.draft_layers else self.hyper.all_layers
        return {
            name: tensor
            for name, tensor in self.tensors.items()
            if not name.startswith("blk.") or int(name.split(".")[1]) < last
        }

    @functools.cached_property
    def file_bytes(self) -> int:
        """Bytes of all tensors, which is the size of the file but for its header."""
        return sum(tensor.data_bytes for tensor in self.tensors.values())

    @functools.cached_property
    def by_layer(self) -> tuple[dict[str, TensorInfo], ...]:
        """The tensors of each layer without `blk.N.`."""
        layers: tuple[dict[str, TensorInfo], ...] = tuple({} for _ in range(self.hyper.all_layers))
        for name, tensor in self.tensors.items():
            block, _, rest = name.removeprefix("blk.").partition(".")
            if name.startswith("blk.") and block.isdecimal() and int(block) < len(layers):
                layers[int(block)][rest] = tensor
        return layers


def from_header(header: GgufHeader, *, name: str) -> Model:
    """The model of a file; UsageError when a needed key is missing."""
    hyper = read_hyperparameters(header, where=name)
    for tensor in header.tensors:
        layer = tensor.name.split(".")[1] if tensor.name.startswith("blk.") else "0"
        if not (layer.isdecimal() and int(layer) < hyper.all_layers):
            raise UsageError(f"{name}: tensor {tensor.name[:80]!r} belongs to none of the {hyper.all_layers} layers")
    return Model(name=name, hyper=hyper, tensors={tensor.name: tensor for tensor in header.tensors})
