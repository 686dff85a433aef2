"""A second embedding that every layer reads its own slice of (`build_inp_per_layer` of src/models/gemma4.cpp)."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.pieces import norm, project, scaled_norm
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.engines.llamacpp.memory.model import IncompleteModelError
from rocmox.facts.ggml_types import I32

TABLE = "per_layer_token_embd.weight"


def has_per_layer_inputs(build: Build) -> bool:
    """Whether the model has such a table (gemma3n, small gemma4)."""
    return TABLE in build.model.tensors


def build_per_layer_inputs(build: Build, embeddings: Tensor) -> Tensor:
    """Slices of all layers, [width, tokens, layers]: from the table, plus a projection of the embeddings."""
    layers, first = build.model.hyper.layers, build.places[0]
    table = build.weight(TABLE, build.cpu)
    projection = build.weight("per_layer_model_proj.weight", first)
    if table is None or projection is None:
        raise IncompleteModelError("per_layer_model_proj.weight")
    width, tokens = table.ne[0] // layers, build.tokens
    rows = op.get_rows(table, op.new_input("inp_per_layer_tokens", tokens, kind=I32))
    chosen = build.graph.expand(op.like("scale", op.reshape(rows, width, layers, tokens)))
    projected = op.reshape(op.like("scale", op.mul_mat(projection, embeddings)), width, layers, tokens)
    weight = build.weight("per_layer_proj_norm.weight", first)
    projected = scaled_norm(build, projected, weight, None, kind="rms_norm", place=None)
    summed = op.like("scale", op.like("add", projected, chosen))
    return op.cont(op.permute(summed, 0, 2, 1, 3))


def slice_of(slices: Tensor, index: int = 0) -> Tensor:
    """One layer's slice; which one does not matter for memory."""
    del index
    return op.view(slices, op.four(slices.ne[0], slices.ne[1]), slices.nb)


def add_layer_input(build: Build, layer: int, current: Tensor, slices: Tensor) -> Tensor:
    """The end of a layer: gate, times the slice, back to full width, norm, residual."""
    gated = op.like("mul", op.like("unary", project(build, current, layer, "inp_gate")), slice_of(slices))
    return op.like("add", current, norm(build, project(build, gated, layer, "proj"), layer, "post_norm"))
