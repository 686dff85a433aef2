"""Where a graph's tensors lie in each device's compute buffer (ggml/src/ggml-alloc.c, `ggml_gallocr_alloc_graph_impl`).

Tensors are allocated in the order of the graph, a block is free again after its last reader, and an operation that can
work in place takes over its source's block. The largest end of a block ever handed out is the size of the buffer.
"""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.graph.tensor import Tensor

_ENDLESS = 1 << 62
_PLAIN_IN_PLACE = frozenset(
    {"scale", "add", "add1", "sub", "mul", "div", "sqr", "sqrt", "log", "unary", "rope", "rms_norm", "soft_max"}
)
_LATER_IN_PLACE = _PLAIN_IN_PLACE | {"fill", "add_id", "clamp"}


class Arena:
    """The free blocks of one buffer by address (`ggml_dyn_tallocr`): best fit, the last block as last resort."""

    def __init__(self, alignment: int) -> None:
        self._mask = alignment - 1
        self._blocks: list[list[int]] = [[0, _ENDLESS]]
        self.peak_bytes = 0

    def padded(self, size: int) -> int:
        """The size rounded up to the alignment."""
        return (size + self._mask) & ~self._mask

    def allocate(self, size: int) -> int:
        """Offset of a new block (`ggml_dyn_tallocr_alloc`)."""
        size = self.padded(size)
        blocks = self._blocks
        chosen, best = len(blocks) - 1, _ENDLESS
        for index in range(len(blocks) - 1):
            if size <= blocks[index][1] <= best:
                chosen, best = index, blocks[index][1]
        block = blocks[chosen]
        offset = block[0]
        block[0] += size
        block[1] -= size
        if not block[1]:
            del blocks[chosen]
        self.peak_bytes = max(self.peak_bytes, offset + size)
        return offset

    def free(self, offset: int, size: int) -> None:
        """Give a block back and join it with its neighbours (`ggml_dyn_tallocr_free_bytes`)."""
        size = self.padded(size)
        blocks = self._blocks
        for index, block in enumerate(blocks):
            if block[0] + block[1] == offset:
                block[1] += size
                if index + 1 < len(blocks) and block[0] + block[1] == blocks[index + 1][0]:
                    block[1] += blocks[index + 1][1]
                    del blocks[index + 1]
                return
            if offset + size == block[0]:
                block[0] = offset
                block[1] += size
                return
            if block[0] > offset:
                blocks.insert(index, [offset, size])
                return


class Allocator:
    """Runs through a scheduled graph; `arenas[b].peak_bytes` is the compute buffer of backend b afterwards."""

    def __init__(self, *, backends: int, alignment: int, later_in_place: bool) -> None:
        self.arenas = [Arena(alignment) for _ in range(backends)]
        self._in_place = _LATER_IN_PLACE if later_in_place else _PLAIN_IN_PLACE

    def run(self, nodes: list[tuple[Tensor, int]], leafs: list[tuple[Tensor, int]]) -> None:
        """Allocate leafs, then inputs, then nodes in order; each pair is (tensor, backend)."""
        for leaf, backend in leafs:
            self._place(leaf, backend)
        self._count(nodes)
        for node, backend in nodes:
            for source in node.srcs:
                if not source.allocated:
                    self._place(source, backend)
            if not node.allocated:
                self._place(node, backend)
            for source in node.srcs:
                source.children -= 1
                if not source.children and not source.views:
                    self._release(source)

    def _count(self, nodes: list[tuple[Tensor, int]]) -> None:
        """Readers and views of every tensor; inputs are placed on the way."""
        for node, backend in nodes:
            if node.view_src is not None and node.op != "none":
                node.view_src.views += 1
            if node.is_input:
                self._place(node, backend)
            for source in node.srcs:
                source.children += 1
                if source.is_input:
                    self._place(source, backend)

    def _place(self, node: Tensor, backend: int) -> None:
        if node.allocated or node.buffer is not None or node.view_src is not None:
            return
        node.allocated = True
        if node.op in self._in_place:
            for parent in node.srcs:
                if self._can_take_over(node, parent):
                    node.owner, node.offset = parent.owner, parent.offset
                    parent.allocated = False
                    return
        node.owner = backend
        node.offset = self.arenas[backend].allocate(node.nbytes())

    @staticmethod
    def _can_take_over(node: Tensor, parent: Tensor) -> bool:
        return (
            parent.allocated
            and parent.children == 1
            and parent.views == 0
            and not parent.is_output
            and parent.kind is node.kind
            and parent.ne == node.ne
            and parent.nb == node.nb
        )

    def _release(self, source: Tensor) -> None:
        """Free what has neither readers nor views left; a view lets go of what it looks at."""
        root = source.view_src
        if root is None:
            self._free(source)
            return
        root.views -= 1
        if not root.views and not root.children:
            self._free(root)

    def _free(self, tensor: Tensor) -> None:
        if tensor.allocated and not tensor.is_output:
            self.arenas[tensor.owner].free(tensor.offset, tensor.nbytes())
            tensor.allocated = False
