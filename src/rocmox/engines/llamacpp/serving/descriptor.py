"""The descriptor of one served model (facts/served.py), from the settings that make its unit.

Part of plan_role.py.
"""

from collections.abc import Sequence
from typing import Any

from rocmox.engines.llamacpp.serving.instances import is_on
from rocmox.engines.llamacpp.serving.unit_file import server_words, unit_name
from rocmox.facts.served import BenchSettings, Served

Settings = dict[str, Any]

ENGINE = "llama_cpp"
# What a bench takes over, by the options of llama-server; the last one counts, and extra_arguments come last.
SPELLINGS = {
    "split_mode": ("--split-mode", "-sm"),
    "gpu_layers": ("--n-gpu-layers", "--gpu-layers", "-ngl"),
    "ubatch": ("--ubatch-size", "-ub"),
    "threads": ("--threads", "-t"),
}
FLASH_ATTENTION = ("--flash-attn", "-fa")


def file_name(name: str) -> str:
    """The descriptor's file in facts/served.py's folder."""
    return f"{ENGINE}-{name}.json"


def describe(settings: Settings, model: Settings, *, backend: str, build_number: int) -> Served:
    """Everything that others ask about a served model; the key by its file."""
    lines = server_words(settings, model, backend=backend, build_number=build_number)
    words = [word for line in lines for word in line]
    return Served(
        engine=ENGINE,
        name=model["name"],
        unit=unit_name(model),
        host=settings["listen_address"],
        port=int(model["port"]),
        api_path="/v1",
        guarded_path="/props",
        api_key_file=settings["api_key_file"],
        computes=True,
        user=settings["service_user"],
        groups=tuple(map(str, settings["device_groups"])),
        model_file=argument(words, ("--model", "-m")),
        backend=backend,
        bench=BenchSettings(
            programs=f"{settings['install_directory']}/current/bin",
            flash_attention=flash_attention(words, asked=is_on(model["flash_attention"])),
            **{name: argument(words, spellings) for name, spellings in SPELLINGS.items()},
        ),
    )


def argument(words: Sequence[str], spellings: Sequence[str]) -> str:
    """What follows an option; the last one counts, as for llama-server."""
    places = [place + 1 for place, word in enumerate(words[:-1]) if word in spellings]
    return words[places[-1]] if places else ""


def flash_attention(words: Sequence[str], *, asked: bool) -> str:
    """The value of the last option; a bare switch, as builds before b6325 have it, is on."""
    value = argument(words, FLASH_ATTENTION)
    if value in {"on", "off", "auto"}:
        return value
    return "on" if asked or set(FLASH_ATTENTION) & set(words) else "off"
