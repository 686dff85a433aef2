"""What is to be done in a guest, from the plan and one look at it.

Part of plan_role.py. Of a guest where all is as it should be every list is empty and every switch off.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from rocmox.engines.llamacpp.serving import cmake, descriptor, fit_models, instances, sources, unit_file
from rocmox.engines.llamacpp.serving.instances import is_on
from rocmox.engines.llamacpp.serving.plan import Plan
from rocmox.facts.served import FOLDER as SERVED
from rocmox.facts.served import to_json

Settings = dict[str, Any]

# Source, its copy, build tree and result, generously.
NEEDED_MIB = {"cpu": 1700, "vulkan": 3000, "hip": 4200}
JOB_MIB = 1500
LAUNCHER = Path(__file__).parent / "guest/start_on_cards.py"


def decide(settings: Settings, plan: Plan, *, facts: Settings, look: Settings) -> Settings:
    """The second half of the document."""
    toolchain = look["toolchain"]
    build = build_of(settings, plan, toolchain)
    rollback = bool(settings["rollback_to"])
    build_wanted = not rollback and build["build_key"] not in look["complete"]
    source_wanted = build_wanted and plan.source.key not in look["sources"]
    files = look["models"]["files"]
    models_wanted = [model for model in plan.models if model.get("url") and model["file"] not in files]
    units = [unit(settings, plan, model, build["build_key"], look) for model in plan.models]
    needed = build_wanted or bool(models_wanted) or any(one["write"] or one["restart"] for one in units)
    needed = needed or any(model["file"] not in files for model in plan.models) or ports_clash(plan)
    return {
        **build,
        "toolchain": toolchain,
        "jobs": jobs(settings, facts),
        "build_wanted": build_wanted,
        "archive_wanted": source_wanted and settings["source"] == "archive",
        "models_wanted": [{**model, "shown_url": sources.redacted(model["url"])} for model in models_wanted],
        "toolchain_problems": toolchain_problems(toolchain, rollback=rollback, build_wanted=build_wanted),
        **fit(settings, plan, look),
        "verified": verified(look),
        "comparison": look["comparisons"].get(build["build_key"], ""),
        "key_wanted": bool(settings["api_key"]) or not look["key"]["exists"] or not look["key"]["private"],
        "activate": look["current"] != f"builds/{build['build_key']}",
        "launcher_wanted": plan.backend != "cpu" and look["launcher"] != LAUNCHER.read_text(encoding="utf-8"),
        "served_folder_wanted": bool(units) and not look["served_folder"],
        "units": units,
        "serve": [one for one in units if one["write"] or one["restart"] or one["describe"] or not one["ready"]],
        **retired(settings, plan, build["build_key"], look),
        "preflight_request": preflight(settings, plan, facts, build=build_wanted, source=source_wanted)
        if needed
        else None,
    }


def build_of(settings: Settings, plan: Plan, toolchain: Settings) -> Settings:
    """The build's name, and what it is made of: the same settings and compiler give the same name."""
    options = cmake.options(
        settings,
        build_number=plan.build_number,
        programs=plan.programs,
        cpu_flags=toolchain["cpu_flags"],
        force_cublas=plan.force_cublas,
    )
    identity = {
        "source": plan.source.key,
        "options": options,
        "mmvq": plan.mmvq["identity"] if plan.mmvq else None,
        "programs": plan.programs,
        "toolchain": toolchain["identity"],
    }
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    key = settings["rollback_to"] or f"{settings['version']}-{settings['backend']}-{digest[:12]}"
    hip = {"HIPCXX": toolchain["hip_compiler"], "HIP_PATH": toolchain["hip_root"]}
    return {
        "build_key": key,
        "cmake_options": options,
        "build_environment": hip if settings["backend"] == "hip" else {},
        "smoke_test_words": smoke_test_words(settings, f"{settings['work_directory']}/builds/{key}/tree/bin"),
    }


def smoke_test_words(settings: Settings, programs: str) -> list[str]:
    """What smoke_test.py is started with."""
    if settings["backend"] == "cpu":
        return ["none", programs]
    required = is_on(settings["require_gpu"])
    return ["required" if required else "optional", programs, "--n-gpu-layers", "999"]


def jobs(settings: Settings, facts: Settings) -> int:
    """One job for each processor, as far as the memory reaches."""
    asked = int(settings["build_jobs"])
    return asked if asked > 0 else min(int(facts["processors"]), max(int(facts["memory_mib"]) // JOB_MIB, 1))


def toolchain_problems(toolchain: Settings, *, rollback: bool, build_wanted: bool) -> list[str]:
    """What the role does not install itself; before its own packages are there, only that."""
    problems = [toolchain["hip_problem"]] if build_wanted and toolchain["hip_problem"] else []
    if toolchain["problem"] and not toolchain["missing"] and not rollback:
        problems.append(toolchain["problem"])
    return list(dict.fromkeys(problems))


def fit(settings: Settings, plan: Plan, look: Settings) -> Settings:
    """What planning says about the models; senseless settings are named first, and alone."""
    files = look["models"]["files"]
    models = [model for model in plan.models if model.get("url") or model["file"] in files]
    if plan.problems or not models:
        return {"fit_problems": [], "fit_notes": []}
    said = fit_models.main(
        {
            "cards": look["cards"],
            "version": plan.version,
            "force_cublas": plan.force_cublas,
            "peer_copy": settings["peer_copy"],
            "fit": settings["fit"],
            "models": models,
            "found": files,
            "environment": settings["download_environment"],
        }
    )
    memory = settings["fit"]
    return {
        "fit_problems": said["problems"] + (said["memory"] if memory == "refuse" else []),
        "fit_notes": said["notes"] + (said["memory"] if memory == "warn" else []),
    }


def verified(look: Settings) -> str:
    """The new text of the file of compared checksums; empty when it stands there already, or nothing was compared."""
    known = look["models"]["verified"]
    text = json.dumps(known) + "\n"
    return text if known and text != look["verified"] else ""


def unit(settings: Settings, plan: Plan, model: Settings, build_key: str, look: Settings) -> Settings:
    """One unit and its descriptor: their texts, and what is to be done about them."""
    how: Settings = {"backend": plan.backend, "build_number": plan.build_number}
    bare = unit_file.unit_text(settings, model, **how)
    configuration = unit_file.configuration_of(bare, build_key, look["key"]["mtime"])
    name = unit_file.unit_name(model)
    text = unit_file.unit_text(settings, model, **how, configuration=configuration)
    actual = look["units"].get(name, {})
    described = to_json(descriptor.describe(settings, model, **how))
    file = descriptor.file_name(model["name"])
    state = (actual.get("enabled"), actual.get("active"), actual.get("configuration"))
    answer = look["answers"].get(name, {})
    return {
        "name": model["name"],
        "unit": name,
        "path": f"{unit_file.FOLDER}/{name}",
        "text": text,
        "write": actual.get("text") != text,
        "restart": state != ("enabled", "active", configuration),
        "descriptor_path": f"{SERVED}/{file}",
        "descriptor": described,
        "describe": look["descriptors"].get(file) != described,
        "url": instances.url_of(settings, model),
        "ready": bool(answer.get("ready")),
        "on_processor": bool(answer.get("on_processor")),
    }


def ports_clash(plan: Plan) -> bool:
    """Whether two models want one port, which the preflight names."""
    return len({int(model["port"]) for model in plan.models}) < len(plan.models)


def retired(settings: Settings, plan: Plan, build_key: str, look: Settings) -> Settings:
    """Units, descriptors, builds and sources that nothing asks for any more."""
    names = {model["name"] for model in plan.models}
    units = [unit for unit in look["units"] if unit not in {unit_file.unit_name(model) for model in plan.models}]
    files = [file for file in look["descriptors"] if file not in {descriptor.file_name(name) for name in names}]
    return {
        "retired_units": units,
        "retired_descriptors": [f"{SERVED}/{file}" for file in files],
        "leftovers": leftovers(settings, plan, build_key, look) if look["current"] else [],
    }


def leftovers(settings: Settings, plan: Plan, build_key: str, look: Settings) -> list[str]:
    """Builds and sources beyond those kept; the builds that went into service last are kept longest."""
    work = settings["work_directory"]
    others = [name for name in look["installed"] if name != build_key]
    kept = [build_key, *others][: int(settings["builds_kept"])]
    kept_sources = {plan.source.key, f"{plan.source.key}.log"}
    return [
        *(f"{settings['install_directory']}/builds/{name}" for name in sorted(look["installed"]) if name not in kept),
        *(f"{work}/builds/{name}" for name in look["work_builds"] if name not in kept),
        *(f"{work}/downloads/{name}" for name in look["downloads"] if not name.endswith(".partial")),
        *(f"{work}/sources/{name}" for name in look["sources"] if name not in kept_sources),
    ]


def preflight(settings: Settings, plan: Plan, facts: Settings, *, build: bool, source: bool) -> Settings:
    """What guest/preflight.py is asked before anything is changed."""
    return {
        "backend": plan.backend,
        "gpu_targets": settings["gpu_targets"],
        "hip_root": settings["hip_root"],
        "patched": plan.mmvq is not None,
        "models": plan.models,
        "distribution": facts["distribution"],
        "distribution_version": facts["distribution_version"],
        "memory_mib": int(facts["memory_mib"]),
        "needed_mib": NEEDED_MIB[settings["backend"]] if build else 0,
        "source": plan.source.request if source else {},
        "environment": settings["download_environment"],
        "work_directory": settings["work_directory"],
        "models_directory": settings["models_directory"],
    }
