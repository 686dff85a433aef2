"""Whether to force rocBLAS (`GGML_CUDA_FORCE_CUBLAS`) for prompt processing, and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what judges a build by its number does not wait for what reads sources
    from rocmox.engines.llamacpp.source.tree import Tree

_TUNED = frozenset({"gfx906", "gfx900"})
_GCN_TILES_FROM = 10_930
"""The first release seen with #27841 (b10917 lacks it), for a version that is known by its number alone."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Advice:
    """`on` is the default; the reason is printed beside it."""

    on: bool
    reason: str


def advise_cublas(tree: Tree, architectures: Collection[str]) -> Advice:
    """For a tree that lies here: what it holds decides, not its number."""
    return _advise(architectures, gcn_tiles=tree.has("gcn_mmq_tiles"), automatic=_automatic(tree))


def advise_cublas_for_build(build: int, architectures: Collection[str]) -> Advice:
    """For a build that is known by its number alone."""
    automatic = 4567 <= build < 4699  # noqa: PLR2004 - the builds of #11244 and #11831
    return _advise(architectures, gcn_tiles=build >= _GCN_TILES_FROM, automatic=automatic)


def _automatic(tree: Tree) -> bool:
    return tree.has("hexadecimal_cc") and tree.has("mmq_excepts_vega20")


def _advise(architectures: Collection[str], *, gcn_tiles: bool, automatic: bool) -> Advice:
    if not _TUNED & set(architectures):
        return Advice(on=False, reason="upstream's own matrix kernels are tuned for these GPUs")
    if gcn_tiles:
        return Advice(
            on=False,
            reason="this version has matrix kernels tuned for GCN (#27841), reported 60 to 70 % faster at prompts than "
            "before; rocBLAS would also take 0.5 to 1 GiB more of each card",
        )
    if automatic:
        return Advice(on=False, reason="this version takes rocBLAS for 64 rows and more by itself (#11244)")
    return Advice(
        on=True,
        reason="owners of MI50 measured faster prompts with rocBLAS before matrix kernels were tuned for GCN (#27841); "
        "it takes 0.5 to 1 GiB more of each card",
    )
