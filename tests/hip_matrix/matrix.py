"""One row of the matrix: a version, stock against patched, compiled for both GPUs and executed on the CPU."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

from rocmox.engines.llamacpp.source.geometry import Geometry
from rocmox.engines.llamacpp.source.mmvq import desired_geometry, patch
from tests.hip_matrix import emulate
from tests.hip_matrix.compile import Compiled, compile_for, intermediate_code
from tests.hip_matrix.sources import Version, mmvq_source, tree


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """What was found; `problems` is empty when every promise of the patch holds for this version."""

    version: str
    kernels: int
    stock_scratch: int
    patched_scratch: int
    lowest_occupancy: tuple[int, int]
    """Waves per SIMD of the worst single-column kernel, stock and patched."""
    executed: int
    problems: tuple[str, ...]


def examine(version: Version, work: Path, *, execute: bool) -> Row:
    """Patch with the default settings, compile and compare; `execute` runs both on the CPU as well."""
    source = mmvq_source(version)
    geometry = desired_geometry(source, nwarps=None, rows=None)
    patched_text = patch(source, geometry, architecture="gfx906")
    texts = {"stock": source.mmvq, "patched": patched_text}
    vega = {key: compile_for("gfx906", text, tree=tree(version), work=work) for key, text in texts.items()}
    navi = {key: intermediate_code("gfx1100", text, tree=tree(version), work=work) for key, text in texts.items()}
    problems = compare_kernels(vega["stock"], vega["patched"])
    if navi["stock"] != navi["patched"]:
        problems.append("gfx1100: the code is another one")
    executed = 0
    if execute:
        results = {key: emulate.run(text, tree=tree(version), work=work / key) for key, text in texts.items()}
        problems += compare_results(results["stock"], results["patched"])
        executed = len(results["patched"])
    return Row(
        version=version.name,
        kernels=len(vega["stock"].kernels),
        stock_scratch=_with_scratch(vega["stock"]),
        patched_scratch=_with_scratch(vega["patched"]),
        lowest_occupancy=(_lowest_occupancy(vega["stock"]), _lowest_occupancy(vega["patched"])),
        executed=executed,
        problems=tuple(problems),
    )


def compare_kernels(stock: Compiled, patched: Compiled) -> list[str]:
    """Which promises about registers the patched code breaks."""
    if not stock.kernels or stock.kernels.keys() != patched.kernels.keys():
        return [f"{len(stock.kernels)} kernels before the patch, {len(patched.kernels)} other ones after it"]
    problems = []
    for name, kernel in patched.kernels.items():
        before = stock.kernels[name]
        allowed = 0 if kernel.is_legacy_or_k_quant else before.scratch_bytes
        if kernel.scratch_bytes > allowed:
            problems.append(f"{name}: {kernel.scratch_bytes} bytes of scratch, {allowed} allowed")
        if kernel.is_single_column and kernel.occupancy_waves < before.occupancy_waves:
            problems.append(f"{name}: {kernel.occupancy_waves} waves per SIMD, {before.occupancy_waves} before")
    return problems


def compare_results(stock: emulate.Results, patched: emulate.Results) -> list[str]:
    """With upstream's warps the sums are added in the same order: the products must agree to the bit."""
    if not stock or stock.keys() != patched.keys():
        return ["stock and patched did not multiply the same quants"]
    return [
        f"{name}, {columns} columns: other values"
        for (name, columns), values in stock.items()
        if patched[name, columns] != values
    ]


def largest_difference(stock: emulate.Results, other: emulate.Results) -> float:
    """The largest difference as a share of its product's largest value: for geometries that add in another order.

    Infinite where one result is finite and the other is not, or either is no number.
    """
    worst = 0.0
    for key, values in stock.items():
        scale = max((abs(value) for value in values if math.isfinite(value)), default=1.0)
        for before, after in zip(values, other[key], strict=True):
            share = 0.0 if before == after else abs(before - after) / scale
            worst = max(worst, share if math.isfinite(share) else math.inf)
    return worst


def run_geometry(version: Version, geometry: Geometry, work: Path) -> emulate.Results:
    """The products of a patched version with a geometry of one's own."""
    text = patch(mmvq_source(version), geometry, architecture="gfx906")
    return emulate.run(text, tree=tree(version), work=work)


def _with_scratch(compiled: Compiled) -> int:
    return sum(kernel.scratch_bytes > 0 for kernel in compiled.kernels.values())


def _lowest_occupancy(compiled: Compiled) -> int:
    return min((kernel.occupancy_waves for kernel in compiled.kernels.values() if kernel.is_single_column), default=0)
