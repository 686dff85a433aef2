"""Everything that the role llama_cpp decides, in one document: asked once before it looks at a guest, once after.

Runs on the controller with rocmox on PYTHONPATH as `python3 -m` with this module, the request on standard input: it may
hold addresses with passwords, so it is not an argument. `settings` are the role's variables without their prefix,
`facts` what Ansible knows of the guest, `kept` the description of the build to go back to (or null), `look` what
guest/look.py answered (null the first time). Prints the document of `plan`, and after a look that of `decide`.
"""

import dataclasses
import json
import sys
from typing import Any

from rocmox.engines.llamacpp.serving.instances import is_on, url_of
from rocmox.engines.llamacpp.serving.planned import Plan, plan
from rocmox.engines.llamacpp.serving.unit_file import unit_name
from rocmox.facts.served import FOLDER as SERVED
from rocmox.machine import carried

Settings = dict[str, Any]

GUEST = "rocmox.engines.llamacpp.serving.guest"


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
    """The plan, or after a look what is to be done."""
    settings = request["settings"]
    planned = plan(settings, request["kept"])
    if request["look"] is None:
        return document(settings, planned)
    from rocmox.engines.llamacpp.serving.decide import decide  # noqa: PLC0415 - planning memory is slow to load

    decided = decide(settings, planned, facts=request["facts"], look=request["look"])
    preflight = decided.pop("preflight_request")
    text = carried.program(f"{GUEST}.preflight", preflight) if preflight else ""
    return {**decided, "preflight": text}


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin)), ensure_ascii=False))
