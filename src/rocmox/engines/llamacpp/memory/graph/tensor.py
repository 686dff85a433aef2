"""A tensor of a compute graph: shape, strides and sources, never data (`struct ggml_tensor`)."""

from __future__ import annotations

from rocmox.facts.ggml_types import GgmlType

Shape = tuple[int, int, int, int]

# ggml_is_view_op of ggml/src/ggml-backend.cpp: these compute nothing.
VIEW_OPS = frozenset({"none", "view", "reshape", "permute", "transpose"})


class Tensor:
    """One node or leaf. `ne` counts elements, `nb` strides in bytes, both of four dimensions as in ggml.

    `buffer` is the backend that already holds the data (weights, KV cache), None for what the graph allocates.
    The last block belongs to the scheduler and the allocator.
    """

    __slots__ = (
        "allocated",
        "backend",
        "buffer",
        "children",
        "copies",
        "is_input",
        "is_output",
        "is_weight",
        "kind",
        "name",
        "nb",
        "ne",
        "offset",
        "op",
        "owner",
        "size",
        "srcs",
        "view_src",
        "views",
        "visited",
        "wants_f32",
    )

    def __init__(
        self,
        op: str,
        kind: GgmlType,
        ne: Shape,
        srcs: tuple[Tensor, ...] = (),
        *,
        nb: Shape | None = None,
        view_src: Tensor | None = None,
    ) -> None:
        self.op = op
        self.kind = kind
        self.ne = ne
        self.nb = nb if nb is not None else contiguous(kind, ne)
        self.srcs = list(srcs)
        self.view_src = view_src
        self.buffer: int | None = None
        self.is_weight = False
        self.is_input = False
        self.is_output = False
        self.name = op
        self.backend = -1
        self.copies: dict[int, list[Tensor]] | None = None
        self.children = 0
        self.views = 0
        self.allocated = False
        self.owner = -1
        self.offset = 0
        self.size = -1
        self.visited = False
        self.wants_f32 = False

    def nbytes(self) -> int:
        """`ggml_nbytes`: from the first to the last byte, strides included."""
        if self.size < 0:
            self.size = _span(self.kind, self.ne, self.nb)
        return self.size

    @property
    def root(self) -> Tensor:
        """Itself, or what it is a view of."""
        return self if self.view_src is None else self.view_src


def contiguous(kind: GgmlType, ne: Shape) -> Shape:
    """Strides of a tensor without gaps (`ggml_new_tensor_impl`)."""
    row = kind.block_bytes * (ne[0] // kind.block_elements)
    return (kind.block_bytes, row, row * ne[1], row * ne[1] * ne[2])


def _span(kind: GgmlType, ne: Shape, nb: Shape) -> int:
    if not all(ne):
        return 0
    one = kind.block_elements == 1
    row = kind.block_bytes + (ne[0] - 1) * nb[0] if one else ne[0] * nb[0] // kind.block_elements
    return row + (ne[1] - 1) * nb[1] + (ne[2] - 1) * nb[2] + (ne[3] - 1) * nb[3]
