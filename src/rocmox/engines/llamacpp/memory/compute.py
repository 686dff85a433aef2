"""Compute buffers: the graph of a full micro batch, scheduled and allocated as before the first prompt.

`sched_reserve` of src/llama-context.cpp (2026); the end of `llama_new_context_with_model` of src/llama.cpp (2025-01).
"""

from __future__ import annotations

import dataclasses

from rocmox.engines.llamacpp.memory.graph.allocator import Allocator
from rocmox.engines.llamacpp.memory.graph.build import Build
from rocmox.engines.llamacpp.memory.graph.decoder import Decoder
from rocmox.engines.llamacpp.memory.graph.modern import Modern
from rocmox.engines.llamacpp.memory.graph.profiles import profile_of
from rocmox.engines.llamacpp.memory.graph.scheduler import PIPELINE_COPIES, Schedule, schedule
from rocmox.engines.llamacpp.memory.graph.style import Style
from rocmox.engines.llamacpp.memory.kv_cache import Cells
from rocmox.engines.llamacpp.memory.model import Model
from rocmox.engines.llamacpp.memory.pools import flash_attention_copies
from rocmox.engines.llamacpp.memory.settings import Settings

_ALIGNMENT = 128  # ggml_backend_cuda_buffer_type_get_alignment


@dataclasses.dataclass(frozen=True, kw_only=True)
class ComputeBuffers:
    """Bytes on each device and in host memory; `copies_bytes` come on top of a device's on CUDA and HIP."""

    device_bytes: tuple[int, ...]
    host_bytes: int
    copies_bytes: tuple[int, ...] = ()


def compute_buffers(
    model: Model,
    settings: Settings,
    *,
    places: tuple[int, ...],
    cells: Cells,
    devices: int,
    alignment: int = _ALIGNMENT,
) -> ComputeBuffers:
    """What the scheduler reserves."""

    def peaks(*, with_copies: bool) -> list[int]:
        plan = plan_graph(model, settings, places=places, cells=cells, devices=devices)
        if with_copies:
            _lengthen_attention(plan)
        allocator = Allocator(backends=devices + 1, alignment=alignment, later_in_place=not settings.build.is_early)
        allocator.run(plan.nodes, plan.leafs)
        return [arena.peak_bytes for arena in allocator.arenas]

    plain = peaks(with_copies=False)
    longer = peaks(with_copies=True) if _copies_quantized_caches(settings) else plain
    copies = tuple(more - less for more, less in zip(longer[:-1], plain[:-1], strict=True))
    return ComputeBuffers(device_bytes=tuple(plain[:-1]), host_bytes=plain[-1], copies_bytes=copies)


def _copies_quantized_caches(settings: Settings) -> bool:
    quantized = settings.kv_k.is_quantized or settings.kv_v.is_quantized
    return quantized and settings.flash_attention and not settings.build.leaks_flash_attention_copies


def _lengthen_attention(plan: Schedule) -> None:
    """`ggml_cuda_flash_attn_ext_get_alloc_size`: behind its result, attention keeps a quantised cache as halves."""
    for node, _ in plan.nodes:
        if node.op == "flash_attn_ext":
            copies = flash_attention_copies(node)
            shared = node.srcs[1].root is node.srcs[2].root
            node.size = node.nbytes() + (max(copies, default=0) if shared else sum(copies))


def plan_graph(
    model: Model, settings: Settings, *, places: tuple[int, ...], cells: Cells, devices: int, outputs: int | None = None
) -> Schedule:
    """The scheduled graph of one full micro batch over caches of these sizes; `outputs` None: as many as reserved."""
    early = settings.build.is_early
    build = Build(
        model=model,
        settings=settings,
        places=places,
        cpu=devices,
        tokens=_tokens(settings, cells),
        outputs=0,
        streams=cells.streams,
        sequences=_reserved_sequences(settings, cells),
        slots=settings.parallel,
        kv_cells=cells.full,
        kv_cells_sliding=cells.sliding,
        marks_outputs=not early,
    )
    build.outputs = outputs or _outputs(settings, build.tokens)
    style = _early_style() if early else Modern()
    Decoder(build=build, style=style, profile=profile_of(model.hyper.architecture), inputs=style.inputs(build)).run()
    pipelined = devices > 1 and settings.split == "layer" and settings.peer_copy and not settings.is_partly_on_cpu
    return schedule(
        build.graph,
        backends=devices + 1,
        copies=PIPELINE_COPIES if pipelined else 1,
        all_inputs=settings.build.copies_unread_inputs,
    )


def _early_style() -> Style:
    from rocmox.engines.llamacpp.memory.graph.early import Early  # noqa: PLC0415 - builds of early 2025 alone

    return Early()


def _tokens(settings: Settings, cells: Cells) -> int:
    """Tokens of a full micro batch, a multiple of the slots where graphs are reserved for all of them."""
    tokens = min(cells.context_tokens, settings.ubatch_tokens)
    sequences = _reserved_sequences(settings, cells)
    return -(-tokens // sequences) * sequences


def _reserved_sequences(settings: Settings, cells: Cells) -> int:
    if settings.build.is_early:
        return 1
    return settings.parallel if settings.build.reserves_slot_logits else cells.streams


def _outputs(settings: Settings, tokens: int) -> int:
    if settings.all_logits or not settings.build.reserves_slot_logits:
        return tokens
    return min(tokens, settings.parallel)
