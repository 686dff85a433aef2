"""ggml's operations as far as memory is concerned: the shape of each result (ggml/src/ggml.c, `ggml_*`)."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.graph.tensor import Shape, Tensor
from rocmox.facts.ggml_types import F32, I32, GgmlType


def new_input(name: str, *ne: int, kind: GgmlType = F32) -> Tensor:
    """A leaf that llama.cpp fills before each run (`ggml_set_input`)."""
    tensor = Tensor("none", kind, four(*ne))
    tensor.name = name
    tensor.is_input = True
    return tensor


def resident(name: str, kind: GgmlType, ne: Shape, backend: int, *, is_weight: bool) -> Tensor:
    """A leaf that a backend already holds: a weight, or a layer's KV cache."""
    tensor = Tensor("none", kind, ne)
    tensor.name = name
    tensor.buffer = backend
    tensor.is_weight = is_weight
    return tensor


def four(*ne: int) -> Shape:
    """A shape with the missing dimensions 1."""
    return (*ne, *(1,) * (4 - len(ne)))  # type: ignore[return-value]  # always four


def like(op: str, first: Tensor, *others: Tensor) -> Tensor:
    """An operation whose result has the shape of its first source, without gaps (`ggml_dup_tensor`)."""
    return Tensor(op, first.kind, first.ne, (first, *others))


def mul_mat(weight: Tensor, current: Tensor) -> Tensor:
    """`ggml_mul_mat`: rows of the weight times columns of the other."""
    return Tensor("mul_mat", F32, (weight.ne[1], current.ne[1], current.ne[2], current.ne[3]), (weight, current))


def mul_mat_id(experts: Tensor, current: Tensor, chosen: Tensor) -> Tensor:
    """`ggml_mul_mat_id`: the chosen experts' matrices times each token."""
    return Tensor("mul_mat_id", F32, (experts.ne[1], chosen.ne[0], current.ne[2], 1), (experts, current, chosen))


def get_rows(table: Tensor, rows: Tensor) -> Tensor:
    """`ggml_get_rows`: always f32, except from an i32 table."""
    kind = I32 if table.kind is I32 else F32
    return Tensor("get_rows", kind, (table.ne[0], rows.ne[0], rows.ne[1], rows.ne[2]), (table, rows))


def view(source: Tensor, ne: Shape, nb: Shape | None = None, op: str = "view") -> Tensor:
    """A window on another tensor; a view of a view looks at the first one (`ggml_new_tensor_impl`)."""
    return Tensor(op, source.kind, ne, (source,), nb=nb, view_src=source.root)


def reshape(source: Tensor, *ne: int) -> Tensor:
    """`ggml_reshape_*`."""
    return view(source, four(*ne), op="reshape")


def permute(source: Tensor, *axes: int) -> Tensor:
    """`ggml_permute`: dimension i of the source becomes dimension axes[i]."""
    ne, nb = [1] * 4, [0] * 4
    for index, axis in enumerate(axes):
        ne[axis], nb[axis] = source.ne[index], source.nb[index]
    return view(source, four(*ne), (nb[0], nb[1], nb[2], nb[3]), op="permute")


def transpose(source: Tensor) -> Tensor:
    """`ggml_transpose`."""
    ne, nb = source.ne, source.nb
    return view(source, (ne[1], ne[0], ne[2], ne[3]), (nb[1], nb[0], nb[2], nb[3]), op="transpose")


def cont(source: Tensor, *ne: int) -> Tensor:
    """`ggml_cont` and `ggml_cont_*d`: a copy without gaps, of another shape when one is given."""
    return Tensor("cont", source.kind, four(*ne) if ne else source.ne, (source,))


def cast(source: Tensor, kind: GgmlType) -> Tensor:
    """`ggml_cast`."""
    return Tensor("cpy", kind, source.ne, (source,))


def copy_into(source: Tensor, target: Tensor) -> Tensor:
    """`ggml_cpy`: the result is a view of the target."""
    return Tensor("cpy", target.kind, target.ne, (source, target), nb=target.nb, view_src=target.root)


def set_rows(target: Tensor, rows: Tensor, indices: Tensor) -> Tensor:
    """`ggml_set_rows`: the result is a view of the target."""
    return Tensor("set_rows", target.kind, target.ne, (rows, indices, target), nb=target.nb, view_src=target.root)


def concat(first: Tensor, second: Tensor, axis: int) -> Tensor:
    """`ggml_concat` along one dimension."""
    ne = list(first.ne)
    ne[axis] += second.ne[axis]
    return Tensor("concat", first.kind, four(*ne), (first, second))


def argsort(source: Tensor) -> Tensor:
    """`ggml_argsort`."""
    return Tensor("argsort", I32, source.ne, (source,))


def top_k(source: Tensor, count: int) -> Tensor:
    """`ggml_argsort_top_k` (`ggml_top_k` before 2026): a view of the sorted order."""
    order = argsort(source)
    return view(order, (count, source.ne[1], source.ne[2], source.ne[3]), order.nb)


def sum_rows(source: Tensor) -> Tensor:
    """`ggml_sum_rows`."""
    return Tensor("sum_rows", source.kind, (1, *source.ne[1:]), (source,))


def gated(name: str, gate: Tensor, up: Tensor) -> Tensor:
    """`ggml_swiglu_split`, `ggml_geglu_split`, … (`ggml_glu_impl` with two sources)."""
    del name
    return Tensor("glu", gate.kind, gate.ne, (gate, up))


def gated_halves(source: Tensor) -> Tensor:
    """`ggml_swiglu`, `ggml_geglu`, …: one half of the rows gates the other (`ggml_glu_impl`)."""
    return Tensor("glu", source.kind, (source.ne[0] // 2, *source.ne[1:]), (source,))


def flash_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, sinks: Tensor | None) -> Tensor:
    """`ggml_flash_attn_ext`: [head size of V, heads, tokens, streams]."""
    ne = (value.ne[0], query.ne[2], query.ne[1], query.ne[3])
    srcs = [source for source in (query, key, value, mask, sinks) if source is not None]
    return Tensor("flash_attn_ext", F32, ne, tuple(srcs))
