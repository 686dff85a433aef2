"""What can be varied on a machine with a given build, and why the rest cannot."""

from __future__ import annotations

from collections.abc import Sequence

from rocmox.engines.llamacpp.source import mmvq_table
from rocmox.engines.llamacpp.source.geometry import Geometry, check
from rocmox.engines.llamacpp.source.mmvq import ARCHITECTURES, desired_geometry
from rocmox.engines.llamacpp.tune.descent import Axis
from rocmox.engines.llamacpp.tune.ground import Ground
from rocmox.engines.llamacpp.tune.site import Site
from rocmox.engines.llamacpp.tune.variant import Variant
from rocmox.errors import UsageError

NAMES = ("mmvq", "cublas", "split", "ubatch", "threads")

_BLOCK_THREADS = (64, 128, 256)
"""One, two and four full waves of GCN."""
_ROWS = (1, 2)


def find_axes(names: Sequence[str], ground: Ground, site: Site) -> list[Axis]:
    """One axis for each name; those without values say why."""
    makers = {"mmvq": _mmvq, "cublas": _cublas, "split": _split, "ubatch": _ubatch, "threads": _threads}
    return [makers[name](ground, site) for name in names]


def start_variant(ground: Ground, site: Site, split_mode: str) -> Variant:
    """What serves now: the first to be beaten."""
    return Variant(
        geometry=ground.geometry if not _mmvq(ground, site).reason else None,
        cublas=ground.is_on("GGML_CUDA_FORCE_CUBLAS") if not _cublas(ground, site).reason else None,
        split_mode=split_mode,
        ubatch=site.ubatches[0] if site.ubatches else Variant().ubatch,
        threads=site.threads[0] if site.threads else None,
    )


def _mmvq(ground: Ground, _: Site) -> Axis:
    name = "mmvq"
    if ground.backend != "hip":
        return Axis(name=name, reason="warps and rows of mmvq are the cards' own: this build has no HIP code")
    if not set(ground.architectures) & set(ARCHITECTURES):
        named = " ".join(ground.architectures) or "no named architecture"
        return Axis(name=name, reason=f"the patch changes {' and '.join(ARCHITECTURES)}; this build is for {named}")
    source = ground.mmvq
    if source is None:
        return Axis(name=name, reason="there is no source to build from; name it with --source")
    sizes = dict.fromkeys(threads // source.warp_size for threads in _BLOCK_THREADS)
    uniform = [Geometry(nwarps=(nwarps,) * 8, rows=(rows,) * 8) for nwarps in sizes for rows in _ROWS]
    geometries = [
        None,
        desired_geometry(source, nwarps=None, rows=None),
        *(one for one in uniform if _launches(one, ground)),
    ]
    return Axis(name=name, values=tuple({"geometry": one} for one in dict.fromkeys(geometries)))


def _launches(geometry: Geometry, ground: Ground) -> bool:
    source = ground.mmvq
    try:
        if source:
            buffers = 2 if mmvq_table.has_gate(source.mmvq) else 1
            check(geometry, warp_size=source.warp_size, buffers=buffers)
    except UsageError:
        return False
    return source is not None


def _cublas(ground: Ground, _: Site) -> Axis:
    if ground.backend == "other":
        return Axis(name="cublas", reason="GGML_CUDA_FORCE_CUBLAS is for cards: this build has no HIP or CUDA code")
    if ground.tree is None:
        return Axis(name="cublas", reason="there is no source to build from; name it with --source")
    if not ground.tree.has("force_cublas"):
        return Axis(name="cublas", reason="this version has no GGML_CUDA_FORCE_CUBLAS")
    return Axis(name="cublas", values=({"cublas": False}, {"cublas": True}))


def _split(_: Ground, site: Site) -> Axis:
    """Every mode that llama-bench names: one that this version or these devices refuse fails in llama.cpp's words."""
    if site.devices < 2:  # noqa: PLR2004 - a single card has nothing to split over
        return Axis(name="split", reason=f"{site.devices or 'no'} card: a model is split over two or more")
    modes = [mode for mode in ("layer", "row", "tensor", "none") if mode in site.split_modes]
    return Axis(name="split", values=tuple({"split_mode": mode} for mode in modes))


def _ubatch(_: Ground, site: Site) -> Axis:
    values = site.ubatches or (() if site.devices else (512, 128, 256, 1024))
    if not values:
        return Axis(name="ubatch", reason="it also decides what memory is left for context; name values with --ubatch")
    return Axis(name="ubatch", values=tuple({"ubatch": value} for value in values))


def _threads(_: Ground, site: Site) -> Axis:
    if site.devices and not site.threads:
        return Axis(name="threads", reason="the cards compute; name values with --threads")
    own = sorted({site.processor_threads, max(site.processor_threads // 2, 1)}, reverse=True)
    return Axis(name="threads", values=tuple({"threads": value} for value in site.threads or own))
