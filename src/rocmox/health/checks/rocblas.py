"""rocBLAS on this machine has kernels for the cards' architectures.

AMD's packages from 6.4 on bring none for gfx906 (ROCm/legacy-rocm-build issue 4625): programs end with "Cannot read
TensileLibrary.dat".
"""

from __future__ import annotations

from collections.abc import Iterator

from rocmox.facts.rocm import RocBlas, read_rocblas
from rocmox.gpu import Gpu
from rocmox.health.cards import judged_cards, why_none
from rocmox.health.context import Context
from rocmox.health.result import Reporter, Result, seen

LEVEL = 1
report = Reporter("rocblas")


def run(context: Context) -> Iterator[Result]:
    """One result for each architecture of the machine."""
    if nothing := why_none(context, report):
        yield nothing
        return
    libraries = context.read(read_rocblas)
    if not libraries:
        yield report.not_applicable(context.machine.name, "no rocBLAS is installed here")
        return
    architectures = {gpu.architecture: gpu for gpu in judged_cards(context)}
    for architecture, gpu in architectures.items():
        yield _judge(architecture, gpu, libraries)


def _judge(architecture: str | None, gpu: Gpu, libraries: list[RocBlas]) -> Result:
    evidence = [
        seen(library.folder, ", ".join(sorted(library.architectures)) or "no architecture") for library in libraries
    ]
    if architecture is None:
        why = f"the architecture of {gpu.pci_address} is unknown"
        return report.unknown("ROCBLAS_NO_ARCHITECTURE", gpu.pci_address, why, evidence)
    lacking = [library.folder for library in libraries if architecture not in library.architectures]
    if not lacking:
        return report.passed("ROCBLAS_OK", architecture, "rocBLAS has kernels for it", evidence)
    return report.fail(
        "ROCBLAS_NO_KERNELS",
        architecture,
        f"rocBLAS has no kernels for {architecture} in {', '.join(lacking)}",
        evidence,
        remedy=f"Install a ROCm whose rocBLAS still has {architecture} (for gfx906 AMD's up to 6.3, or the "
        "distribution's), or build rocBLAS for it; files copied from another version are a risk of their own.",
    )
