"""Every model with its port, its file and the settings of the role that it does not give itself.

Part of plan_role.py.
"""

from typing import Any

Settings = dict[str, Any]

# What a model may override, named as in the role's variables.
SHARED = (
    "context_tokens",
    "gpu_layers",
    "split_mode",
    "parallel",
    "cache_type_k",
    "cache_type_v",
    "flash_attention",
)
ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - compared, not listened on


def is_on(value: object) -> bool:
    """A switch of the role; with `-e name=value` it arrives as text."""
    return str(value).strip().lower() in {"true", "yes", "on", "1"}


def instances(settings: Settings) -> list[Settings]:
    """The models in their order; ports count up from the role's, a file is named after its checksum."""
    shared = {name: settings[name] for name in SHARED}
    found = []
    for index, model in enumerate(settings["models"]):
        checksum = str(model.get("sha256") or "")[:8]
        file = model.get("path") or f"{settings['models_directory']}/{model['name']}-{checksum}.gguf"
        own: Settings = {"port": int(settings["port"]) + index, "file": file, "tensor_split": [], "extra_arguments": []}
        one = {**shared, **own, **model}
        found.append({**one, "flash_attention": is_on(one["flash_attention"])})
    return found


def url_of(settings: Settings, model: Settings) -> str:
    """Where a model answers, as seen from the guest."""
    host = settings["listen_address"]
    return f"http://{'127.0.0.1' if host == ANY_ADDRESS else host}:{model['port']}"
