"""What a look at the variables alone tells: sources pinned wholly, models that this version can start.

Part of plan_role.py, which runs on the controller; every problem says what, why and what now.
"""

import re
from collections.abc import Iterator
from typing import Any

from rocmox.engines.llamacpp.build_numbers import NO_SPLIT_ROW, SPLIT_TENSOR
from rocmox.engines.llamacpp.serving.guest.web_access import is_address

Desired = dict[str, Any]

CACHE_TYPES = ("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1")
UNQUANTISED = ("f32", "f16", "bf16")
SPLIT_MODES = ("none", "layer", "row", "tensor")
PORTS = range(1, 65536)
ENCODED = "In a user or password write %2F for /, %3A for :, %40 for @ and %23 for #."


def source(desired: Desired) -> Iterator[str]:
    """Pinned sources are pinned wholly."""
    if desired["backend"] == "hip" and not desired["gpu_targets"]:
        yield "llama_cpp_gpu_targets is empty, and a HIP build needs a target. Name yours, such as gfx906 for MI50."
    repository = re.sub(r"://[^/@]*@", "://", desired["git_url"])
    if desired["source"] == "git" and not re.fullmatch(r"[0-9a-f]{40}", desired["commit"]):
        yield (
            f"llama_cpp_commit is {desired['commit']!r}, which is not a full commit id. Give the 40 hexadecimal "
            f"digits that `git ls-remote {repository} {desired['version']}` prints, so that a moved tag is noticed."
        )
    if desired["source"] == "archive" and not desired["archive_url"]:
        yield "llama_cpp_source is archive and llama_cpp_archive_url is empty. Name the archive, or use git as source."
    if not is_address(desired["git_url"] if desired["source"] == "git" else desired["archive_url"]):
        yield f"llama_cpp_{desired['source']}_url is not an address. {ENCODED}"
    if desired["source"] == "archive" and not is_sha256(desired["archive_sha256"]):
        yield (
            f"llama_cpp_archive_sha256 is {desired['archive_sha256']!r}, which is not a SHA-256. Give the 64 "
            "lower-case hexadecimal digits that `sha256sum` prints for the archive."
        )


def models(desired: Desired) -> Iterator[str]:
    """Every model can be told apart and started by this version."""
    names = [model["name"] for model in desired["models"]]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"llama_cpp_models names {name!r} twice. Give each entry a name of its own."
    for model in desired["models"]:
        for problem in (*model_problems(model), *split_problems(model, desired)):
            yield f"Model {model['name']!r}: {problem}"


def model_problems(model: Desired) -> Iterator[str]:
    """What is wrong with one entry, whatever the version."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", model["name"]):
        yield "the name becomes a unit and a file name. Use letters, digits, dot, dash and underscore."
    if bool(model.get("url")) == bool(model.get("path")):
        yield "give either url (with sha256) or path (a file in the guest)."
    if not is_address(model.get("url") or ""):
        yield f"url is not an address. {ENCODED}"
    checksum = model.get("sha256", "")
    if (model.get("url") or checksum) and not is_sha256(checksum):
        yield f"sha256 is {checksum!r}. Give the 64 lower-case hexadecimal digits that the file's publisher lists."
    if int(model["port"]) not in PORTS:
        yield f"port {model['port']} does not exist. Use 1024 to 65535."
    for key in ("cache_type_k", "cache_type_v"):
        if model[key] not in CACHE_TYPES:
            yield f"{key} is {model[key]!r}, which llama.cpp does not know. Use one of {', '.join(CACHE_TYPES)}."
    if model["cache_type_v"] not in UNQUANTISED and not model["flash_attention"]:
        yield (
            f"cache_type_v {model['cache_type_v']} needs flash attention. Set flash_attention: true, "
            "or cache_type_v: f16."
        )


def split_problems(model: Desired, desired: Desired) -> Iterator[str]:
    """What this version cannot do over several cards."""
    mode, build_number = model["split_mode"], int(desired["build_number"])
    if mode not in SPLIT_MODES:
        yield f"split_mode is {mode!r}. Use one of {', '.join(SPLIT_MODES)}."
    if mode == "row" and desired["backend"] == "vulkan":
        yield "split_mode row does not exist in llama.cpp's Vulkan backend. Use split_mode layer."
    elif mode == "row" and build_number >= NO_SPLIT_ROW:
        yield (
            f"split_mode row left llama.cpp's HIP backend with b{NO_SPLIT_ROW}, and llama_cpp_version is "
            "newer. Use split_mode tensor with flash_attention: true, or an older version."
        )
    if mode == "tensor" and build_number < SPLIT_TENSOR:
        yield (
            f"split_mode tensor came with b{SPLIT_TENSOR}, and llama_cpp_version is older. Use split_mode "
            "row or layer, or a newer version."
        )
    elif mode == "tensor" and not model["flash_attention"]:
        yield "split_mode tensor needs flash attention. Set flash_attention: true."


def is_sha256(text: str) -> bool:
    """64 lower-case hexadecimal digits."""
    return re.fullmatch(r"[0-9a-f]{64}", text) is not None
