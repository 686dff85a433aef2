"""What prompts take from the pools of the CUDA/HIP backend: the first one, and later ones over a longer context."""

from __future__ import annotations

import collections
import copy
import dataclasses
from collections.abc import Sequence

from rocmox.engines.llamacpp.memory.compute import plan_graph
from rocmox.engines.llamacpp.memory.graph.tensor import Tensor
from rocmox.engines.llamacpp.memory.kv_cache import Cells
from rocmox.engines.llamacpp.memory.model import Model
from rocmox.engines.llamacpp.memory.pools import (
    Kernels,
    Pool,
    elements,
    flash_attention_copies,
    node_requests,
    product_requests,
)
from rocmox.engines.llamacpp.memory.row_split import is_split, row_bounds, slice_requests
from rocmox.engines.llamacpp.memory.settings import Settings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scratch:
    """Pools by (GPU that owns the layer, GPU that holds the memory): in row split each owner has one on every GPU."""

    pools: dict[tuple[int, int], Pool]
    growing: dict[int, list[Tensor]]
    kernels: Kernels

    def total_bytes(self, device: int) -> int:
        """All pools on one device."""
        return sum(pool.total_bytes for (_, holder), pool in self.pools.items() if holder == device)


def first_prompt(
    model: Model, settings: Settings, *, places: tuple[int, ...], shares: Sequence[float], uses_cublas: bool
) -> Scratch:
    """One pass over the graph of a full micro batch with nothing in the context before it.

    In split tensor each GPU is counted like one that computes all of it, which is more than its parts need.
    """
    if settings.split == "tensor" and len(shares) > 1:
        one = first_prompt(model, settings, places=(0,) * len(places), shares=(1.0,), uses_cublas=uses_cublas)
        each = {(device, device): copy.deepcopy(one.pools[0, 0]) for device in range(len(shares))}
        return Scratch(pools=each, growing=dict.fromkeys(range(len(shares)), one.growing[0]), kernels=one.kernels)
    devices = len(shares)
    outputs = settings.ubatch_tokens if settings.all_logits else settings.parallel
    plan = plan_graph(model, settings, places=places, cells=_used(settings), devices=devices, outputs=outputs)
    kernels = Kernels(
        uses_cublas=uses_cublas, copies_flash_attention_in_pool=settings.build.leaks_flash_attention_copies
    )
    pools: dict[tuple[int, int], Pool] = collections.defaultdict(Pool)
    growing: dict[int, dict[tuple[object, ...], Tensor]] = {device: {} for device in range(devices)}
    for node, owner in plan.nodes:
        if owner >= devices or node.op not in {"mul_mat", "mul_mat_id", "flash_attn_ext"}:
            continue
        if settings.split == "row" and is_split(node, owner, shares):
            for device, (low, high) in enumerate(row_bounds(node.srcs[0].ne[1], shares)):
                if high > low:
                    requests = slice_requests(node, high - low, remote=device != owner, uses_cublas=uses_cublas)
                    pools[owner, device].hold(requests)
            continue
        pools[owner, owner].hold(node_requests(node, kernels))
        if _grows(node):
            growing[owner].setdefault((node.op, node.ne, node.srcs[0].ne, node.srcs[1].ne), node)
    return Scratch(
        pools=pools, growing={device: list(found.values()) for device, found in growing.items()}, kernels=kernels
    )


def last_held_context(
    scratch: Scratch, settings: Settings, *, room_bytes: Sequence[int], up_to_tokens: int
) -> int | None:
    """Fill the context micro batch by micro batch; the last used context that every device still holds, None for all.

    Without flash attention the softmax is copied to f16 for the product with V (`ggml_cuda_mul_mat_batched_cublas`):
    ub*heads*2 bytes for each token in the context. The pool never gives a buffer back, so every micro batch asks for a
    larger one, until the 5 % of look-ahead catch up. `room_bytes` is free on each device after the first prompt, which
    took `scratch`.
    """
    scratch = dataclasses.replace(scratch, pools=copy.deepcopy(scratch.pools))
    start = [scratch.total_bytes(device) for device in range(len(room_bytes))]
    step = settings.ubatch_tokens
    for used in range(2 * step, up_to_tokens + 1, step):
        for device, nodes in scratch.growing.items():
            for node in nodes:
                scratch.pools[device, device].hold(_stretched(node, used, step, scratch.kernels))
            if scratch.total_bytes(device) - start[device] > room_bytes[device]:
                return used - step
    return None


def _used(settings: Settings) -> Cells:
    """Caches filled by one micro batch."""
    step = settings.ubatch_tokens
    return Cells(full=step, sliding=step, streams=1, context_tokens=step)


def _grows(node: Tensor) -> bool:
    """Whether its scratch depends on the used context; one node of each shape is enough, they ask one after another."""
    if node.op == "flash_attn_ext":
        return True
    return node.op == "mul_mat" and node.srcs[1].op == "soft_max" and node.srcs[0].root.buffer is not None


def _stretched(node: Tensor, used: int, step: int, kernels: Kernels) -> list[int]:
    """The requests when `used` tokens are in the cache instead of `step`."""
    if node.op == "flash_attn_ext":
        sizes = flash_attention_copies(node) if kernels.copies_flash_attention_in_pool else []
        return [size // step * used for size in sizes]
    if len(product_requests(node, kernels)) == 1:  # a quantised cache takes another way
        return []
    return [2 * elements(node.srcs[1]) // step * used, 2 * elements(node)]
