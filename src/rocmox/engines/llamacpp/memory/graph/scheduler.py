"""Which backend runs which node, and what is copied between them (`ggml_backend_sched_split_graph`).

Backends are numbered as llama.cpp orders them: the devices first, the CPU last. Every device runs every operation here
(a GPU that lacks one computes it on the CPU, which this does not model), and each reads its own buffers only.
"""

from __future__ import annotations

import dataclasses

from rocmox.engines.llamacpp.memory.graph.graph import Graph
from rocmox.engines.llamacpp.memory.graph.tensor import VIEW_OPS, Tensor

PIPELINE_COPIES = 4  # GGML_SCHED_MAX_COPIES
_OFFLOADED_BATCH = 32  # GGML_OP_OFFLOAD_MIN_BATCH of ggml-cuda


@dataclasses.dataclass(kw_only=True)
class Split:
    """Consecutive nodes of one backend, and what it needs from others."""

    backend: int
    start: int
    end: int = 0
    inputs: list[Tensor] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule:
    """What the allocator runs through: (tensor, backend) pairs, copies included."""

    nodes: list[tuple[Tensor, int]]
    leafs: list[tuple[Tensor, int]]
    splits: int


def schedule(graph: Graph, *, backends: int, copies: int, all_inputs: bool) -> Schedule:
    """Place and split a graph. `all_inputs`: unread inputs are copied too (pass 6 of 2026; before, read ones only)."""
    _assign(graph, backends)
    graph_inputs: list[Tensor] = []
    splits = _split(graph, copies, None if all_inputs else graph_inputs)
    if all_inputs and copies > 1:
        for leaf in graph.leafs:
            if leaf.is_input:
                _copy_in_place(leaf, copies, graph_inputs)
    return _ordered(graph, splits, graph_inputs, copies)


def _assign(graph: Graph, backends: int) -> None:
    """Passes 1 to 4: from buffers and weights, then to neighbours, then to what is left."""
    last = backends - 1
    for tensor, backend in graph.pins:
        tensor.backend = backend
    for tensor in (*graph.leafs, *graph.nodes):
        if tensor.backend < 0:
            tensor.backend = _from_current(tensor, last)
    computing = [node for node in graph.nodes if node.op not in VIEW_OPS]
    _expand(computing, skip=last)
    _expand(computing[::-1], skip=last)
    _expand(computing, skip=-1)
    _expand(computing[::-1], skip=-1)
    for node in graph.nodes:
        if node.backend < 0 and node.view_src is not None:
            node.backend = node.view_src.backend
        for source in node.srcs:
            if source.backend < 0:
                source.backend = node.backend if source.view_src is None else source.view_src.backend


def _from_current(tensor: Tensor, last: int) -> int:
    """`ggml_backend_sched_backend_id_from_cur`."""
    buffer = tensor.root.buffer
    if buffer is not None:
        return buffer
    if tensor.is_input:
        return last
    if tensor.op in {"rope", "flash_attn_ext"}:
        return -1
    place = next((source.buffer for source in tensor.srcs if source.is_weight and source.buffer is not None), -1)
    return 0 if place == last > 0 and _batch(tensor) >= _OFFLOADED_BATCH else place


def _batch(tensor: Tensor) -> int:
    """`get_op_batch_size`: from 32 on, a GPU takes an operation over and has the weight copied to it."""
    if tensor.op == "get_rows":
        return 0
    if tensor.op == "mul_mat":
        return tensor.ne[1]
    if tensor.op in {"mul_mat_id", "rope"}:
        return tensor.ne[2]
    return tensor.ne[1] * tensor.ne[2] * tensor.ne[3]


def _expand(nodes: list[Tensor], *, skip: int) -> None:
    """Pass 2: hand each placement on to the next unplaced nodes; the backend `skip` hands nothing on."""
    current = -1
    for node in nodes:
        if node.backend >= 0:
            current = -1 if node.backend == skip else node.backend
        elif current >= 0:
            node.backend = current


def _split(graph: Graph, copies: int, read_inputs: list[Tensor] | None) -> list[Split]:
    """Pass 5: cut where the backend changes, and replace sources of other backends by copies."""
    first = next(node for node in graph.nodes if node.op not in VIEW_OPS)
    splits = [Split(backend=first.backend, start=0)]
    for index, node in enumerate(graph.nodes):
        if node.op in VIEW_OPS:
            continue
        if node.backend != splits[-1].backend or _wants_own_split(node, splits[-1]):
            splits[-1].end = index
            splits.append(Split(backend=node.backend, start=index))
        current = splits[-1]
        for place, source in enumerate(node.srcs):
            if read_inputs is not None and copies > 1 and source.is_input:
                _copy_in_place(source, copies, read_inputs)
            if _readable(source, current.backend):
                continue
            if source.copies is None:
                source.copies = {}
            if current.backend not in source.copies:
                source.copies[current.backend] = [_copy(source, pinned=copies > 1) for _ in range(copies)]
                current.inputs.append(source)
            node.srcs[place] = source.copies[current.backend][0]
    splits[-1].end = len(graph.nodes)
    return splits


def _wants_own_split(node: Tensor, split: Split) -> bool:
    if not split.inputs:
        return False
    return any(source.is_weight and not _readable(source, split.backend) for source in node.srcs)


def _readable(source: Tensor, backend: int) -> bool:
    """`ggml_backend_sched_buffer_supported`: a backend reads only what lies in its own memory."""
    if source.backend == backend:
        return True
    root = source.root
    if root.buffer is not None:
        return root.buffer == backend
    return source.backend < 0 and root.backend == backend


def _copy(source: Tensor, *, pinned: bool) -> Tensor:
    copy = Tensor("none", source.kind, source.ne, nb=source.nb)
    copy.name = f"copy of {source.name}"
    copy.is_input = copy.is_output = pinned
    return copy


def _copy_in_place(source: Tensor, copies: int, graph_inputs: list[Tensor]) -> None:
    """Further copies of an input on its own backend; the original counts as the first."""
    if source.copies is None:
        source.copies = {}
    if source.backend in source.copies:
        return
    source.is_output = True
    source.copies[source.backend] = [source, *(_copy(source, pinned=True) for _ in range(copies - 1))]
    graph_inputs.append(source)


def _ordered(graph: Graph, splits: list[Split], graph_inputs: list[Tensor], copies: int) -> Schedule:
    """The graph copy: at the start of a split its inputs, each with a reader that keeps the source until then."""
    nodes: list[tuple[Tensor, int]] = []
    leafs: list[tuple[Tensor, int]] = []
    if copies > 1:
        leafs += [(copy, source.backend) for source in graph_inputs for copy in _copies(source, source.backend)]
        leafs += [(copy, split.backend) for split in splits for source in split.inputs
                  for copy in _copies(source, split.backend)]  # fmt: skip
    leafs += [(leaf, leaf.backend) for leaf in graph.leafs]
    for split in splits:
        for source in split.inputs:
            reader = Tensor("none", source.kind, source.ne, (source,), nb=source.nb, view_src=source.root)
            nodes += [(reader, source.backend), (_copies(source, split.backend)[0], split.backend)]
        nodes += [(node, node.backend) for node in graph.nodes[split.start : split.end]]
    return Schedule(nodes=nodes, leafs=leafs, splits=len(splits))


def _copies(source: Tensor, backend: int) -> list[Tensor]:
    return source.copies[backend] if source.copies else []
