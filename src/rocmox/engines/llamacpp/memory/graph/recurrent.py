"""Which layers keep a state instead of a cache."""

from __future__ import annotations

from rocmox.engines.llamacpp.memory.graph.build import Build


def keeps_state(build: Build, layer: int) -> bool:
    """Whether a layer has the weights of one of these."""
    return any(build.has(layer, f"{name}.weight") for name in ("ssm_in", "ssm_conv1d", "shortconv.in_proj"))
