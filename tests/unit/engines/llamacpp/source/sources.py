"""The constructed sources of tests/cases/llamacpp."""

from pathlib import Path

from rocmox.engines.llamacpp.source.mmvq import Source

CASES = Path(__file__).parents[4] / "cases/llamacpp"
NAMES = ("constants", "table", "gated")
COMMON = "#define GGML_CUDA_CC_OFFSET_AMD      0x1000000\n"


def source(name: str) -> Source:
    return Source(path=f"{name}.cu", mmvq=(CASES / f"{name}.cu").read_text(encoding="utf-8"), common=COMMON)
