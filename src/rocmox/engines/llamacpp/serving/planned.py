"""What follows from the role's settings alone, before a look at the guest.

Part of plan_role.py.
"""

import dataclasses
import re
from typing import Any

from rocmox.engines.llamacpp.build_numbers import UNNUMBERED
from rocmox.engines.llamacpp.serving import plan_build, sources
from rocmox.engines.llamacpp.serving.instances import instances

Settings = dict[str, Any]

# Ubuntu and Debian name these alike. curl fetches with resume, git is for llama_cpp_source: git.
PACKAGES = ("ca-certificates", "ccache", "cmake", "curl", "g++", "gcc", "git", "ninja-build")
VULKAN_PACKAGES = ("glslc", "libvulkan-dev", "mesa-vulkan-drivers", "spirv-headers")
KEPT_WERE_COMPARED = ("gfx906", "gfx900")  # a patched build whose description does not say for which


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What follows from the settings alone. `version` and `backend` are those served: of a kept build its own."""

    version: str
    backend: str
    build_number: int
    models: list[Settings]
    source: sources.Source
    problems: list[str]
    notes: list[str]
    force_cublas: bool
    mmvq: Settings | None
    programs: list[str]
    compared: list[str]
    packages: list[str]


def build_number(version: str) -> int:
    """b6170 → 6170; a release named v0.5.0 … is later than all of those."""
    match = re.fullmatch(r"b(\d+)", version)
    return int(match[1]) if match else UNNUMBERED


def plan(settings: Settings, kept: Settings | None) -> Plan:
    """Every decision that needs no look at the guest."""
    version = kept["version"] if kept else settings["version"]
    backend = kept["backend"] if kept else settings["backend"]
    models = instances(settings)
    served = {**settings, "version": version, "backend": backend, "build_number": build_number(version)}
    build = plan_build.main({**served, "models": models})
    mmvq = build["mmvq"]
    # A patched build brings upstream's comparison of every kernel with the processor's result.
    programs = list(dict.fromkeys([*settings["programs"], *(["test-backend-ops"] if mmvq else [])]))
    return Plan(
        version=version,
        backend=backend,
        build_number=build_number(version),
        models=models,
        source=sources.describe(settings),
        problems=build["problems"],
        notes=build["notes"],
        force_cublas=build["force_cublas"],
        mmvq=mmvq,
        programs=programs,
        compared=compared(kept, mmvq),
        packages=[*PACKAGES, *(VULKAN_PACKAGES if settings["backend"] == "vulkan" else ())],
    )


def compared(kept: Settings | None, mmvq: Settings | None) -> list[str]:
    """Architectures whose patched kernels a card is asked about: of this build, or of the kept one as it was built."""
    if kept:
        return list(kept.get("compared") or (KEPT_WERE_COMPARED if kept.get("mmvq") else ()))
    return list(mmvq["compared"]) if mmvq else []
