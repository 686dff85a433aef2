"""The order of a compute graph (`ggml_build_forward_expand`, `ggml_visit_parents` of ggml/src/ggml.c)."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.graph.tensor import Tensor


class Graph:
    """Nodes and leafs in the order in which ggml visits them; `pins` are placements that llama.cpp asks for."""

    def __init__(self) -> None:
        self.nodes: list[Tensor] = []
        self.leafs: list[Tensor] = []
        self.pins: list[tuple[Tensor, int]] = []

    def expand(self, tensor: Tensor) -> Tensor:
        """Add the tensor and everything it needs, sources first, from left to right."""
        if tensor.visited:
            return tensor
        tensor.visited = True
        stack = [(tensor, iter(tensor.srcs))]
        while stack:
            current, sources = stack[-1]
            for source in sources:
                if not source.visited:
                    source.visited = True
                    stack.append((source, iter(source.srcs)))
                    break
            else:
                stack.pop()
                (self.leafs if current.op == "none" else self.nodes).append(current)
        return tensor

    def pin(self, tensor: Tensor, backend: int) -> None:
        """Place a tensor by order (`ggml_backend_sched_set_tensor_backend`)."""
        self.pins.append((tensor, backend))
