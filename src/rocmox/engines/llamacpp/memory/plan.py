"""One plan: this model with these settings on these cards, every byte named."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rocmox.engines.llamacpp.memory.cards import CardMemory
from rocmox.engines.llamacpp.memory.compute import ComputeBuffers, compute_buffers
from rocmox.engines.llamacpp.memory.kv_cache import Cells, cache_bytes, count_cells
from rocmox.engines.llamacpp.memory.model import Model
from rocmox.engines.llamacpp.memory.overhead import Overhead, measure_overhead
from rocmox.engines.llamacpp.memory.placement import place_layers
from rocmox.engines.llamacpp.memory.row_split import row_weights
from rocmox.engines.llamacpp.memory.scratch import Scratch, first_prompt, last_held_context
from rocmox.engines.llamacpp.memory.settings import Settings
from rocmox.engines.llamacpp.memory.weights import Weights, weight_bytes

_MIB = 1 << 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class DevicePlan:
    """What one card holds, in bytes."""

    card: CardMemory
    layers: int
    model_bytes: int
    context_bytes: int
    compute_bytes: int
    overhead: Overhead

    @property
    def total_bytes(self) -> int:
        """All of it, overhead included."""
        return self.model_bytes + self.context_bytes + self.compute_bytes + self.overhead.total_bytes

    @property
    def loads(self) -> bool:
        """Whether what is allocated before the first prompt has room."""
        prompt = self.overhead.pool_bytes + self.overhead.library_bytes + self.overhead.remainder_bytes
        return self.total_bytes - prompt <= self.card.capacity_mib * _MIB

    @property
    def free_bytes(self) -> int:
        """What is left on the card; negative when it is too small."""
        return self.card.capacity_mib * _MIB - self.total_bytes


@dataclasses.dataclass(frozen=True, kw_only=True)
class MemoryPlan:
    """All cards, and the host."""

    settings: Settings
    devices: tuple[DevicePlan, ...]
    host_model_bytes: int
    host_context_bytes: int
    host_compute_bytes: int
    context_tokens: int
    places: tuple[int, ...]
    uses_cublas: bool
    scratch: Scratch | None = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def is_pipelined(self) -> bool:
        """Whether inputs are kept four times so that cards work on different micro batches."""
        split = self.settings.split == "layer" and not self.settings.is_partly_on_cpu
        return len(self.devices) > 1 and split and self.settings.peer_copy

    @property
    def loads(self) -> bool:
        """Whether what is allocated before the first prompt has room on every card."""
        return all(device.loads for device in self.devices)

    @property
    def may_drop_pipeline(self) -> bool:
        """Whether llama.cpp tries again without the pipeline's copies when a load with them fails."""
        return self.is_pipelined and self.settings.build.drops_pipeline

    @property
    def compute(self) -> ComputeBuffers:
        """The compute buffers of all cards."""
        return ComputeBuffers(
            device_bytes=tuple(device.compute_bytes for device in self.devices),
            host_bytes=self.host_compute_bytes,
            copies_bytes=tuple(device.overhead.copies_bytes for device in self.devices),
        )

    @property
    def fits(self) -> bool:
        """Whether it loads and answers one prompt of a full micro batch."""
        return all(device.free_bytes >= 0 for device in self.devices)


def shares_of(settings: Settings, cards: Sequence[CardMemory]) -> tuple[float, ...]:
    """The tensor split: as asked for, else by the cards' free memory (equal in split tensor); split none takes one."""
    if settings.split == "none":
        return (1.0,) + (0.0,) * (len(cards) - 1)
    if settings.split == "tensor" and not settings.tensor_split:
        return (1.0,) * len(cards)
    return settings.tensor_split or tuple(float(card.capacity_mib) for card in cards)


def settle_plan(
    model: Model,
    settings: Settings,
    cards: Sequence[CardMemory],
    *,
    uses_cublas: bool,
    overhead: Sequence[Overhead] | None = None,
) -> MemoryPlan:
    """The plan that llama.cpp ends up with: without the pipeline's copies when a load with them fails."""
    plan = make_plan(model, settings, cards, uses_cublas=uses_cublas, overhead=overhead)
    if not plan.may_drop_pipeline or plan.loads:
        return plan
    without = make_plan(model, without_pipeline(settings), cards, uses_cublas=uses_cublas, overhead=overhead)
    return without if without.fits else plan


def without_pipeline(settings: Settings) -> Settings:
    """The settings of a load without the pipeline's copies."""
    return dataclasses.replace(settings, peer_copy=False)


def make_plan(
    model: Model,
    settings: Settings,
    cards: Sequence[CardMemory],
    *,
    uses_cublas: bool,
    overhead: Sequence[Overhead] | None = None,
) -> MemoryPlan:
    """Weights, caches, compute buffers and overhead of each card; `overhead` does not depend on the context."""
    shares = shares_of(settings, cards)
    places = place_layers(
        layers=model.hyper.all_layers,
        shares=shares,
        on_gpus=settings.gpu_layers,
        output_first=settings.build.offloads_output_first,
    )
    cells = count_cells(model, settings)
    weights = _weights(model, settings, places, shares)
    caches = _caches(model, settings, cells, places, shares)
    compute = _compute(model, settings, cells, places, shares)
    scratch = None
    if not overhead:
        scratch = first_prompt(model, settings, places=places, shares=shares, uses_cublas=uses_cublas)
        overhead = measure_overhead(
            model, settings, scratch, cards=cards, places=places, shares=shares, uses_cublas=uses_cublas
        )
    devices = tuple(
        DevicePlan(
            card=card,
            layers=model.hyper.layers if settings.split == "tensor" else places[:-1].count(index),
            model_bytes=weights.device_bytes[index],
            context_bytes=caches[index],
            compute_bytes=compute.device_bytes[index],
            overhead=dataclasses.replace(overhead[index], copies_bytes=compute.copies_bytes[index]),
        )
        for index, card in enumerate(cards)
    )
    return MemoryPlan(
        settings=settings,
        devices=devices,
        host_model_bytes=weights.host_bytes,
        host_context_bytes=caches[len(shares)],
        host_compute_bytes=compute.host_bytes,
        context_tokens=cells.context_tokens,
        places=places,
        uses_cublas=uses_cublas,
        scratch=scratch,
    )


def resize_plan(plan: MemoryPlan, model: Model, settings: Settings, compute: ComputeBuffers) -> MemoryPlan:
    """The plan for settings that differ in context or pipeline alone: weights and the rest of the overhead stay."""
    shares = shares_of(settings, [device.card for device in plan.devices])
    cells = count_cells(model, settings)
    caches = _caches(model, settings, cells, plan.places, shares)
    devices = tuple(
        dataclasses.replace(
            device,
            context_bytes=caches[index],
            compute_bytes=compute.device_bytes[index],
            overhead=dataclasses.replace(device.overhead, copies_bytes=compute.copies_bytes[index]),
        )
        for index, device in enumerate(plan.devices)
    )
    return dataclasses.replace(
        plan,
        settings=settings,
        devices=devices,
        host_context_bytes=caches[len(shares)],
        host_compute_bytes=compute.host_bytes,
        context_tokens=cells.context_tokens,
    )


def resized_compute(plan: MemoryPlan, model: Model, settings: Settings) -> ComputeBuffers:
    """The compute buffers for settings that differ from the plan's in context or pipeline alone."""
    shares = shares_of(settings, [device.card for device in plan.devices])
    return _compute(model, settings, count_cells(model, settings), plan.places, shares)


def _weights(model: Model, settings: Settings, places: tuple[int, ...], shares: Sequence[float]) -> Weights:
    if settings.split == "tensor":
        from rocmox.engines.llamacpp.memory.tensor_split import tensor_weights  # noqa: PLC0415 - one split needs it

        return tensor_weights(model, shares)
    whole = weight_bytes(model, places=places, devices=len(shares), overrides=settings.overrides)
    if settings.split != "row":
        return whole
    return Weights(
        device_bytes=row_weights(model, places=places, shares=shares).device_bytes, host_bytes=whole.host_bytes
    )


def _caches(
    model: Model, settings: Settings, cells: Cells, places: tuple[int, ...], shares: Sequence[float]
) -> list[int]:
    """Bytes on each device and, last, on the host."""
    if settings.split == "tensor":
        from rocmox.engines.llamacpp.memory.tensor_split import tensor_cache_bytes  # noqa: PLC0415

        return [*tensor_cache_bytes(model, settings, cells, shares), 0]
    return cache_bytes(model, settings, cells, places=places, devices=len(shares))


def _compute(
    model: Model, settings: Settings, cells: Cells, places: tuple[int, ...], shares: Sequence[float]
) -> ComputeBuffers:
    """In split tensor every GPU computes the whole graph on its parts, and reserves for it what one GPU would."""
    if settings.split != "tensor":
        return compute_buffers(model, settings, places=places, cells=cells, devices=len(shares))
    one = compute_buffers(model, settings, places=(0,) * len(places), cells=cells, devices=1)
    each = len(shares)
    return ComputeBuffers(
        device_bytes=one.device_bytes * each, host_bytes=one.host_bytes, copies_bytes=one.copies_bytes * each
    )


def ends_at(model: Model, plan: MemoryPlan) -> int | None:
    """The used context at which a card runs full although the model loaded; None when the whole context can be used."""
    shares = shares_of(plan.settings, [device.card for device in plan.devices])
    scratch = plan.scratch or first_prompt(
        model, plan.settings, places=plan.places, shares=shares, uses_cublas=plan.uses_cublas
    )
    return last_held_context(
        scratch,
        plan.settings,
        room_bytes=[device.free_bytes for device in plan.devices],
        up_to_tokens=plan.context_tokens,
    )
