"""The role's variables as `rocmox.engines.llamacpp.serving.plan_role` takes them, and a guest as the role leaves it."""

from typing import Any

from rocmox.engines.llamacpp.serving.decide import LAUNCHER
from rocmox.engines.llamacpp.serving.plan_role import main

SHA256 = "ab" * 32
MODEL: dict[str, Any] = {
    "name": "one",
    "url": "http://user:secret@mirror.invalid/one.gguf?token=secret",
    "sha256": SHA256,
}
SETTINGS: dict[str, Any] = {
    "version": "b6170",
    "commit": "4" * 40,
    "source": "git",
    "git_url": "https://user:pa%2Fss@git.invalid/llama.cpp",
    "archive_url": "",
    "archive_sha256": "",
    "source_subdirectory": "",
    "download_environment": {},
    "backend": "hip",
    "gpu_targets": ["gfx906"],
    "force_cublas": "auto",
    "mmvq_patch": "auto",
    "mmvq_nwarps": "",
    "mmvq_rows": "",
    "peer_copy": True,
    "native": False,
    "cmake_options": [],
    "programs": ["llama-server", "llama-bench"],
    "hip_root": "",
    "hip_compiler": "",
    "build_jobs": 0,
    "work_directory": "/var/lib/llama-cpp",
    "install_directory": "/opt/llama.cpp",
    "builds_kept": 2,
    "rollback_to": "",
    "build_user": "llama-build",
    "models": [MODEL],
    "models_directory": "/var/lib/llama-models",
    "port": 8080,
    "context_tokens": 4096,
    "gpu_layers": 999,
    "split_mode": "layer",
    "parallel": 1,
    "cache_type_k": "f16",
    "cache_type_v": "f16",
    "flash_attention": False,
    "fit": "skip",
    "listen_address": "10.0.0.5",
    "api_key": False,
    "api_key_file": "/etc/llama-server/api-key",
    "service_user": "llama",
    "device_groups": ["render", "video"],
    "require_gpu": True,
}
FACTS = {"distribution": "Debian", "distribution_version": "13.1", "memory_mib": 8192, "processors": 4}
EMPTY_GUEST: dict[str, Any] = {
    "toolchain": {
        "identity": ["c++ 14", "clang 18", "hipconfig 6.2"],
        "cpu_flags": ["avx", "avx2"],
        "hip_root": "/opt/rocm",
        "hip_compiler": "/opt/rocm/bin/clang++",
        "card_visible": False,
        "missing": [],
        "problem": "",
        "hip_problem": "",
    },
    "models": {"files": {}, "verified": {}},
    "verified": "",
    "installed": [],
    "complete": [],
    "work_builds": [],
    "downloads": [],
    "sources": [],
    "comparisons": {},
    "current": "",
    "launcher": "",
    "key": {"exists": False, "mtime": 0, "private": False},
    "units": {},
    "served_folder": False,
    "descriptors": {},
    "cards": [],
    "answers": {},
}


def ask(look: dict[str, Any] | None, *, kept: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """What the role is told."""
    return main({"settings": {**SETTINGS, **changes}, "facts": FACTS, "kept": kept, "look": look})


def settled(**changes: Any) -> dict[str, Any]:
    """The look at a guest in which the role has done everything."""
    begun = {**EMPTY_GUEST, "key": {"exists": True, "mtime": 1764000000.25, "private": True}}
    decision = ask(begun, **changes)
    key = decision["build_key"]
    return {
        **begun,
        "installed": [key],
        "complete": [key],
        "work_builds": [key],
        "sources": [decision["source"]["key"], f"{decision['source']['key']}.log"],
        "current": f"builds/{key}",
        "launcher": LAUNCHER.read_text(encoding="utf-8"),
        "models": {"files": {one["file"]: {} for one in decision["models_wanted"]}, "verified": {}},
        "units": {
            one["unit"]: {
                "text": one["text"],
                "enabled": "enabled",
                "active": "active",
                "configuration": one["text"].partition("ROCMOX_CONFIGURATION=")[2].partition("\n")[0],
            }
            for one in decision["units"]
        },
        "served_folder": True,
        "descriptors": {one["descriptor_path"].rpartition("/")[2]: one["descriptor"] for one in decision["units"]},
        "answers": {one["unit"]: {"ready": True, "on_processor": False} for one in decision["units"]},
    }
