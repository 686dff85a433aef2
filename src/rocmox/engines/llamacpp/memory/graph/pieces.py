"""Norms, projections and residuals that all architectures and versions share (`llm_graph_context::build_*`)."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.graph import operations as op
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.engines.llamacpp.memory.model import IncompleteModelError


def norm(
    build: Build, current: Tensor, layer: int, name: str, *, kind: str = "rms_norm", pinned: bool = True
) -> Tensor:
    """`build_norm`: the normalised tensor, times a weight, plus a bias, as far as the model has them.

    llama.cpp places the first node on the layer's device by order (`graph_get_cb`), except when it passes layer -1.
    """
    return scaled_norm(
        build,
        current,
        build.of_layer(layer, f"{name}.weight"),
        build.of_layer(layer, f"{name}.bias"),
        kind=kind,
        place=build.places[layer] if pinned else None,
    )


def scaled_norm(
    build: Build, current: Tensor, weight: Tensor | None, bias: Tensor | None, *, kind: str, place: int | None
) -> Tensor:
    """The same with the weights at hand."""
    current = op.like(kind, current)
    if place is not None and (weight is not None or bias is not None):
        build.pin(current, place)
    if weight is not None:
        current = op.like("mul", current, weight)
    if bias is not None:
        current = op.like("add", current, bias)
    return current


def head_norm(build: Build, part: Tensor, layer: int, name: str, *, kind: str) -> Tensor:
    """Norm of each head, or of the whole row when the weight is as long as that."""
    info = build.model.by_layer[layer].get(f"{name}.weight")
    if info is None:
        return part
    if info.shape[0] == part.ne[0]:
        return norm(build, part, layer, name, kind=kind)
    row = part.srcs[0] if part.op == "reshape" else op.reshape(part, part.ne[0] * part.ne[1], part.ne[2])
    return op.reshape(norm(build, row, layer, name, kind=kind), *part.ne[:3])


def project(build: Build, current: Tensor, layer: int, name: str) -> Tensor:
    """`build_lora_mm` and the bias: `name.weight` must be there, `name.bias` may."""
    weight = build.of_layer(layer, f"{name}.weight")
    if weight is None:
        raise IncompleteModelError(f"blk.{layer}.{name}.weight")
    current = op.mul_mat(weight, current)
    if build.has(layer, f"{name}.scale"):
        current = op.like("mul", current, build.of_layer(layer, f"{name}.scale"))  # type: ignore[arg-type]  # just seen
    return add_bias(build, current, layer, name)


def add_bias(build: Build, current: Tensor, layer: int, name: str) -> Tensor:
    """Plus `name.bias` when the model has it."""
    bias = build.of_layer(layer, f"{name}.bias")
    return current if bias is None else op.like("add", current, bias)


def chosen_rows(current: Tensor, rows: Tensor | None) -> Tensor:
    """Only the tokens whose logits are wanted (`ggml_get_rows(cur, inp_out_ids)` in the last layer)."""
    return current if rows is None else op.get_rows(current, rows)


def rope(current: Tensor, positions: Tensor, factors: Tensor | None = None) -> Tensor:
    """`ggml_rope_ext`."""
    return op.like("rope", current, positions, *(() if factors is None else (factors,)))


def rope_factors(build: Build, layer: int) -> Tensor | None:
    """`get_rope_factors`: a small weight, copied to each device."""
    for name in ("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"):
        info = build.model.tensors.get(name)
        if info is not None:
            return op.resident(f"{name}:{layer}", info.kind, op.four(*info.shape), build.places[layer], is_weight=True)
    return None
