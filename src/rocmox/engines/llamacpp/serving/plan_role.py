"""Everything that the role llama_cpp decides, in one document: asked once before it looks at a guest, once after.

Runs on the controller with rocmox on PYTHONPATH as `python3 -m` with this module, the request on standard input: it may
hold addresses with passwords, so it is not an argument. `settings` are the role's variables without their prefix,
`facts` what Ansible knows of the guest, `kept` the description of the build to go back to (or null), `look` what
guest/look.py answered (null the first time). Prints the document of `plan`, and after a look that of `decide` besides.
"""

import dataclasses
import json
import re
import sys
from typing import Any

from rocmox.engines.llamacpp.build_numbers import UNNUMBERED
from rocmox.engines.llamacpp.serving import plan_build, sources
from rocmox.engines.llamacpp.serving.instances import instances, is_on, url_of
from rocmox.engines.llamacpp.serving.plan import Plan
from rocmox.engines.llamacpp.serving.unit_file import unit_name
from rocmox.facts.served import FOLDER as SERVED
from rocmox.machine import carried

Settings = dict[str, Any]

GUEST = "rocmox.engines.llamacpp.serving.guest"
# Ubuntu and Debian name these alike. curl fetches with resume, git is for llama_cpp_source: git.
PACKAGES = ("ca-certificates", "ccache", "cmake", "curl", "g++", "gcc", "git", "ninja-build")
VULKAN_PACKAGES = ("glslc", "libvulkan-dev", "mesa-vulkan-drivers", "spirv-headers")
KEPT_WERE_COMPARED = ("gfx906", "gfx900")  # a patched build whose description does not say for which


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


def cards_asked(settings: Settings, backend: str) -> str:
    """What await_server.py asks about cards."""
    if backend == "cpu":
        return "none"
    return "required" if is_on(settings["require_gpu"]) else "desired"


def look_request(settings: Settings, planned: Plan) -> Settings:
    """What guest/look.py is asked."""
    named = ("hip_root", "hip_compiler", "build_user", "service_user", "device_groups")
    return {
        "toolchain": {
            "backend": settings["backend"],
            "packages": planned.packages,
            **{name: settings[name] for name in named},
        },
        "models": [{**model, "sha256": model.get("sha256") or ""} for model in planned.models],
        "verified_file": verified_file(settings),
        "work_directory": settings["work_directory"],
        "install_directory": settings["install_directory"],
        "api_key_file": settings["api_key_file"],
        "unit_pattern": "llama-server@*.service",
        "served_folder": SERVED,
        "served_pattern": "llama_cpp-*.json",
        "asks_cards": planned.backend == "hip",  # what planning knows
        "cards_asked": cards_asked(settings, planned.backend),
        "servers": [{"unit": unit_name(model), "url": url_of(settings, model)} for model in planned.models],
    }


def verified_file(settings: Settings) -> str:
    """Where the guest remembers by what a compared file is known."""
    return f"{settings['work_directory']}/verified.json"


def document(settings: Settings, planned: Plan) -> Settings:
    """The plan as the role reads it."""
    source = planned.source
    return {
        "problems": planned.problems,
        "notes": planned.notes,
        "version": planned.version,
        "backend": planned.backend,
        "mmvq": planned.mmvq,
        "patched": planned.mmvq is not None,
        "programs": planned.programs,
        "compared": planned.compared,
        "packages": planned.packages,
        "source": dataclasses.asdict(source),
        "verified_file": verified_file(settings),
        "cards_asked": cards_asked(settings, planned.backend),
        "look": carried.program(f"{GUEST}.look", look_request(settings, planned)),
    }


def main(request: Settings) -> Settings:
    """The plan, and after a look what is to be done."""
    settings = request["settings"]
    planned = plan(settings, request["kept"])
    if request["look"] is None:
        return document(settings, planned)
    from rocmox.engines.llamacpp.serving.decide import decide  # noqa: PLC0415 - planning memory is slow to load

    decided = decide(settings, planned, facts=request["facts"], look=request["look"])
    preflight = decided.pop("preflight_request")
    text = carried.program(f"{GUEST}.preflight", preflight) if preflight else ""
    return {**document(settings, planned), **decided, "preflight": text}


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin)), ensure_ascii=False))
