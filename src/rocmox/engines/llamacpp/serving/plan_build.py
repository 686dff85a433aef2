"""Decide what a build is made of: rocBLAS forced or not, mmvq patched or not, and why.

Runs on the controller with rocmox on PYTHONPATH as `python3 -m` with this module, WISH on standard input: the JSON that
tasks/plan_build.yml writes (it may hold addresses with passwords, so it is no argument). Prints one JSON object:
`problems` (each says what, why and what now), `notes` (what was decided and why), `force_cublas` (a boolean), and
`mmvq`: null, or the patch's `architecture`, the `words` for `rocmox llamacpp patch`, the architectures to be `compared`
on a card, and the `identity` by which builds differ.
"""

import json
import re
import sys
from typing import Any

from rocmox.engines.llamacpp.serving import check_wishes
from rocmox.engines.llamacpp.source import mmvq_inline, mmvq_table
from rocmox.engines.llamacpp.source.advice import Advice, advise_cublas_for_build
from rocmox.engines.llamacpp.source.geometry import Geometry, check, parse_columns
from rocmox.engines.llamacpp.source.mmvq import ARCHITECTURES, STAMP_VERSION
from rocmox.errors import UsageError

Wish = dict[str, Any]

STATES = {"auto": None, "on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}
PATCH_FROM_BUILD = 3236  # mmvq.cu has had its place since #8006
TABLE_FROM_BUILD = 4873  # #12177: one table for host and device


def state(wish: Wish, name: str) -> bool | None:
    """True, False, or None for auto. YAML reads a bare `on` and `off` as booleans; both spellings mean the same."""
    value = str(wish[name]).lower()
    if value not in STATES:
        raise UsageError(f"llama_cpp_{name} is {wish[name]!r}", remedy="Use auto, on or off.")
    return STATES[value]


def architectures(wish: Wish) -> list[str]:
    """The targets without feature flags (`gfx906:sramecc+:xnack-`); none unless the build is for HIP."""
    return [target.partition(":")[0] for target in wish["gpu_targets"]] if wish["backend"] == "hip" else []


def cublas(wish: Wish) -> Advice:
    """What was asked for, else what suits this version on these cards."""
    asked = state(wish, "force_cublas")
    if asked is None:
        return advise_cublas_for_build(int(wish["build_number"]), architectures(wish))
    return Advice(on=asked, reason=f"llama_cpp_force_cublas is {wish['force_cublas']}")


def patch_target(wish: Wish) -> tuple[str, str]:
    """The architecture to patch for (empty for none), and why; UsageError when the wished patch cannot be."""
    asked = state(wish, "mmvq_patch")
    known = [name for name in architectures(wish) if name in ARCHITECTURES]
    hindrance = ""
    if not known:
        hindrance = f"the patch changes {' and '.join(ARCHITECTURES)}, and this is a build for "
        hindrance += ", ".join(architectures(wish)) or f"the backend {wish['backend']}"
    elif int(wish["build_number"]) < PATCH_FROM_BUILD:
        hindrance = f"the patch knows llama.cpp from b{PATCH_FROM_BUILD} on, and llama_cpp_version is {wish['version']}"
    if asked is False:
        return "", "llama_cpp_mmvq_patch is off"
    if asked and hindrance:
        raise UsageError(f"llama_cpp_mmvq_patch is on: {hindrance}", remedy="Set llama_cpp_mmvq_patch: off.")
    return ("", hindrance) if hindrance else (known[0], f"the build is for {known[0]}")


def patch(wish: Wish, architecture: str) -> dict[str, Any]:
    """The patch's settings, judged as far as the version's number tells; the source itself is judged in the guest."""
    era = mmvq_table if int(wish["build_number"]) >= TABLE_FROM_BUILD else mmvq_inline
    given = {name: str(wish[f"mmvq_{name}"]).strip("[]").replace(" ", "") for name in ("nwarps", "rows")}
    columns = {name: parse_columns(text, option=f"llama_cpp_mmvq_{name}") for name, text in given.items() if text}
    stock = {"nwarps": era.STOCK.nwarps, "rows": (1,) * len(era.STOCK.rows)}
    check(Geometry(**{**stock, **columns}), warp_size=era.WARP_SIZE, buffers=1)
    settings = {name: ",".join(map(str, values)) for name, values in columns.items()}
    return {
        "architecture": architecture,
        "compared": [name for name in architectures(wish) if name in ARCHITECTURES],
        "words": ["--arch", architecture, *(word for name in settings for word in (f"--{name}", settings[name]))],
        "identity": {"stamp": STAMP_VERSION, "architecture": architecture, **settings},
    }


def main(wish: Wish) -> dict[str, Any]:
    """Every decision; the first senseless setting of each is a problem."""
    plan: dict[str, Any] = {"problems": [], "notes": [], "force_cublas": False, "mmvq": None}
    try:
        advice = cublas(wish)
        plan["force_cublas"] = advice.on
        if wish["backend"] == "hip":
            plan["notes"].append(f"GGML_CUDA_FORCE_CUBLAS is {'on' if advice.on else 'off'}: {advice.reason}.")
    except UsageError as error:
        plan["problems"].append(sentence(error))
    try:
        architecture, why = patch_target(wish)
        plan["mmvq"] = patch(wish, architecture) if architecture else None
        if wish["backend"] == "hip":
            plan["notes"].append(f"mmvq is {'patched' if architecture else 'as it came'}: {why}.")
    except UsageError as error:
        plan["problems"].append(sentence(error))
    plan["problems"] += [*check_wishes.source(wish), *check_wishes.models(wish)]
    return plan


def sentence(error: UsageError) -> str:
    """What is wrong and what now, in the role's words for the command's options."""
    text = f"{error.message}. {error.remedy}"
    return re.sub(r"--(?=nwarps|rows)", "llama_cpp_mmvq_", text)


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin)), ensure_ascii=False))
