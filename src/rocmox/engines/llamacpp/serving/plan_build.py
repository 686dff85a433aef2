"""Decide what a build is made of: rocBLAS forced or not, mmvq patched or not, and why.

Part of plan_role.py. `main` answers with `problems` (each says what, why and what now), `notes` (what was decided and
why), `force_cublas` (a boolean), and `mmvq`: None, or the patch's `architecture`, the `words` for `rocmox llamacpp
patch`, the architectures to be `compared` on a card, and the `identity` by which builds differ.
"""

import re
from typing import Any

from rocmox.engines.llamacpp.build_numbers import GCN_TABLE, GGML_FOLDER
from rocmox.engines.llamacpp.serving import check_desired
from rocmox.engines.llamacpp.source import mmvq_inline, mmvq_table
from rocmox.engines.llamacpp.source.advice import Advice, advise_cublas_for_build
from rocmox.engines.llamacpp.source.geometry import Geometry, check, parse_columns
from rocmox.engines.llamacpp.source.mmvq import ARCHITECTURES, STAMP_VERSION
from rocmox.errors import UsageError

Desired = dict[str, Any]

STATES = {"auto": None, "on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


def state(desired: Desired, name: str) -> bool | None:
    """True, False, or None for auto. YAML reads a bare `on` and `off` as booleans; both spellings mean the same."""
    value = str(desired[name]).lower()
    if value not in STATES:
        raise UsageError(f"llama_cpp_{name} is {desired[name]!r}", remedy="Use auto, on or off.")
    return STATES[value]


def architectures(desired: Desired) -> list[str]:
    """The targets without feature flags (`gfx906:sramecc+:xnack-`); none unless the build is for HIP."""
    return [target.partition(":")[0] for target in desired["gpu_targets"]] if desired["backend"] == "hip" else []


def cublas(desired: Desired) -> Advice:
    """What was asked for, else what suits this version on these cards."""
    asked = state(desired, "force_cublas")
    if asked is None:
        return advise_cublas_for_build(int(desired["build_number"]), architectures(desired))
    return Advice(on=asked, reason=f"llama_cpp_force_cublas is {desired['force_cublas']}")


def patch_target(desired: Desired) -> tuple[str, str]:
    """The architecture to patch for (empty for none), and why; UsageError when the desired patch cannot be."""
    asked = state(desired, "mmvq_patch")
    known = [name for name in architectures(desired) if name in ARCHITECTURES]
    hindrance = ""
    if not known:
        hindrance = f"the patch changes {' and '.join(ARCHITECTURES)}, and this is a build for "
        hindrance += ", ".join(architectures(desired)) or f"the backend {desired['backend']}"
    elif int(desired["build_number"]) < GGML_FOLDER:
        hindrance = f"the patch knows llama.cpp from b{GGML_FOLDER} on, and llama_cpp_version is {desired['version']}"
    if asked is False:
        return "", "llama_cpp_mmvq_patch is off"
    if asked and hindrance:
        raise UsageError(f"llama_cpp_mmvq_patch is on: {hindrance}", remedy="Set llama_cpp_mmvq_patch: off.")
    return ("", hindrance) if hindrance else (known[0], f"the build is for {known[0]}")


def patch(desired: Desired, architecture: str) -> dict[str, Any]:
    """The patch's settings, judged as far as the version's number tells; the source itself is judged in the guest."""
    era = mmvq_table if int(desired["build_number"]) >= GCN_TABLE else mmvq_inline
    given = {name: str(desired[f"mmvq_{name}"]).strip("[]").replace(" ", "") for name in ("nwarps", "rows")}
    columns = {name: parse_columns(text, option=f"llama_cpp_mmvq_{name}") for name, text in given.items() if text}
    stock = {"nwarps": era.STOCK.nwarps, "rows": (1,) * len(era.STOCK.rows)}
    check(Geometry(**{**stock, **columns}), warp_size=era.WARP_SIZE, buffers=1)
    settings = {name: ",".join(map(str, values)) for name, values in columns.items()}
    return {
        "architecture": architecture,
        "compared": [name for name in architectures(desired) if name in ARCHITECTURES],
        "words": ["--arch", architecture, *(word for name in settings for word in (f"--{name}", settings[name]))],
        "identity": {"stamp": STAMP_VERSION, "architecture": architecture, **settings},
    }


def main(desired: Desired) -> dict[str, Any]:
    """Every decision; the first senseless setting of each is a problem."""
    plan: dict[str, Any] = {"problems": [], "notes": [], "force_cublas": False, "mmvq": None}
    try:
        advice = cublas(desired)
        plan["force_cublas"] = advice.on
        if desired["backend"] == "hip":
            plan["notes"].append(f"GGML_CUDA_FORCE_CUBLAS is {'on' if advice.on else 'off'}: {advice.reason}.")
    except UsageError as error:
        plan["problems"].append(sentence(error))
    try:
        architecture, why = patch_target(desired)
        plan["mmvq"] = patch(desired, architecture) if architecture else None
        if desired["backend"] == "hip":
            plan["notes"].append(f"mmvq is {'patched' if architecture else 'as it came'}: {why}.")
    except UsageError as error:
        plan["problems"].append(sentence(error))
    plan["problems"] += [*check_desired.source(desired), *check_desired.models(desired)]
    return plan


def sentence(error: UsageError) -> str:
    """What is wrong and what now, in the role's words for the command's options."""
    text = f"{error.message}. {error.remedy}"
    return re.sub(r"--(?=nwarps|rows)", "llama_cpp_mmvq_", text)
