"""Find every reason why this guest cannot build llama.cpp or serve the wished models, before anything is changed.

Runs inside the guest with the standard library alone: `python3 - WISH < preflight.py`, WISH being the JSON object
that tasks/preflight.yml writes. Prints `{"problems": ["what, where, why, what now", …]}`; looks, and changes nothing.
"""

import json
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Wish = dict[str, Any]

MIB = 1 << 20
SUPPORTED = {"Debian": ("12", "13"), "Ubuntu": ("22", "24")}
CACHE_TYPES = ("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1")
UNQUANTISED = ("f32", "f16", "bf16")
SPLIT_MODES = ("none", "layer", "row", "tensor")
ROW_SPLIT_ENDS_AT_BUILD = 9890  # removed from the CUDA/HIP backend by llama.cpp's pull request 24216
NEEDED_MIB = {"cpu": 1500, "hip": 4000}  # source, build tree and result, generously
NEEDED_MEMORY_MIB = 1500  # one compiler process on the largest file
SPARE_MIB = 512  # left on the models' disk
PORTS = range(1, 65536)
PATCHING_PYTHON = (3, 11)  # rocmox's own minimum


def source(wish: Wish) -> Iterator[str]:
    """Pinned sources are pinned wholly."""
    if wish["backend"] == "hip" and not wish["gpu_targets"]:
        yield "llama_cpp_gpu_targets is empty, and a HIP build needs a target. Name yours, such as gfx906 for MI50."
    if wish["source"] == "git" and not re.fullmatch(r"[0-9a-f]{40}", wish["commit"]):
        yield (
            f"llama_cpp_commit is {wish['commit']!r}, which is no full commit id. Give the 40 hexadecimal digits that "
            f"`git ls-remote {wish['git_url']} {wish['version']}` prints, so that a moved tag is noticed."
        )
    if wish["source"] == "archive" and not wish["archive_url"]:
        yield "llama_cpp_source is archive and llama_cpp_archive_url is empty. Name the archive, or use git as source."
    if wish["source"] == "archive" and not is_sha256(wish["archive_sha256"]):
        yield (
            f"llama_cpp_archive_sha256 is {wish['archive_sha256']!r}, which is no SHA-256. Give the 64 lower-case "
            "hexadecimal digits that `sha256sum` prints for the archive."
        )


def models(wish: Wish) -> Iterator[str]:
    """Every model can be told apart and started by this version."""
    names = [model["name"] for model in wish["models"]]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"llama_cpp_models names {name!r} twice. Give each entry a name of its own."
    for model in wish["models"]:
        for problem in (*model_problems(model), *split_problems(model, wish["build_number"])):
            yield f"Model {model['name']!r}: {problem}"


def model_problems(model: Wish) -> Iterator[str]:
    """What is wrong with one entry, whatever the version."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", model["name"]):
        yield "the name becomes a unit and a file name. Use letters, digits, dot, dash and underscore."
    if bool(model.get("url")) == bool(model.get("path")):
        yield "give either url (with sha256) or path (a file in the guest)."
    checksum = model.get("sha256", "")
    if model.get("url") and not is_sha256(checksum):
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


def split_problems(model: Wish, build_number: int) -> Iterator[str]:
    """What this version cannot do over several cards."""
    mode = model["split_mode"]
    if mode not in SPLIT_MODES:
        yield f"split_mode is {mode!r}. Use one of {', '.join(SPLIT_MODES)}."
    if mode == "row" and build_number >= ROW_SPLIT_ENDS_AT_BUILD:
        yield (
            f"split_mode row left llama.cpp's HIP backend with b{ROW_SPLIT_ENDS_AT_BUILD}, and llama_cpp_version is "
            "newer. Use split_mode tensor with flash_attention: true, or an older version."
        )
    if mode == "tensor" and not model["flash_attention"]:
        yield "split_mode tensor needs flash attention. Set flash_attention: true."


def ports(wish: Wish) -> Iterator[str]:
    """Ports are free, or held by the llama-server that this role runs."""
    wished = [int(model["port"]) for model in wish["models"]]
    for port in sorted({port for port in wished if wished.count(port) > 1}):
        yield f"Two models want port {port}. Give each a port of its own, or none: they count up from llama_cpp_port."
    listening = run(["ss", "-Hltnp"]).splitlines()
    for port in wished:
        for line in listening:
            if re.search(rf":{port}\s", line) and '"llama-server"' not in line:
                owner = re.search(r'\(\("([^"]+)",pid=(\d+)', line)
                who = f"{owner[1]} (process {owner[2]})" if owner else "another program"
                yield f"Port {port} is held by {who} in this guest. Stop it, or set llama_cpp_port to a free port."


def distribution(wish: Wish) -> Iterator[str]:
    """A distribution whose packages the role knows."""
    name, version = wish["distribution"], wish["distribution_version"]
    if version.split(".")[0] not in SUPPORTED.get(name, ()):
        known = ", ".join(f"{known} {'/'.join(versions)}" for known, versions in SUPPORTED.items())
        yield f"This guest runs {name} {version}; the role knows {known}. Create the container from such a template."


def sandbox(_wish: Wish) -> Iterator[str]:
    """The hardened unit needs what nesting grants: mounts in a namespace of its own."""
    if not Path("/run/systemd/system").is_dir():
        yield "This guest does not run systemd. Create the container from a template with systemd."
    elif not succeeds(["systemd-run", "--quiet", "--wait", "--collect", "-p", "ProtectProc=invisible", "true"]):
        yield (
            "systemd cannot give a service a mount namespace in this guest. Switch nesting on: `pct set VMID "
            "--features nesting=1` on the node, then restart the container (in gpu_containers it is the default)."
        )


def patching(wish: Wish) -> Iterator[str]:
    """The program that patches the source needs a Python of 2022."""
    if wish["patched"] and sys.version_info < PATCHING_PYTHON:
        found, needed = (".".join(map(str, version[:2])) for version in (sys.version_info, PATCHING_PYTHON))
        yield (
            f"This guest has Python {found}, and the mmvq patch needs {needed}. Create the container from a newer "
            "template (Debian 12 or 13, Ubuntu 24.04), or set llama_cpp_mmvq_patch: off."
        )


def memory(wish: Wish) -> Iterator[str]:
    """Enough for one compiler."""
    if wish["memory_mib"] < NEEDED_MEMORY_MIB:
        yield (
            f"This guest has {wish['memory_mib']} MiB of memory, and compiling llama.cpp takes {NEEDED_MEMORY_MIB} "
            "MiB. Raise memory_mib in gpu_containers."
        )


def build_space(wish: Wish) -> Iterator[str]:
    """Enough for the first build; later ones replace what the role removes."""
    free, need = free_mib(wish["work_directory"]), NEEDED_MIB[wish["backend"]]
    if not Path(wish["install_directory"], "current").exists() and free < need:
        yield (
            f"{free} MiB are free for {wish['work_directory']}, and a {wish['backend']} build takes {need} MiB. "
            f"Enlarge the disk: `pct resize VMID rootfs +{need - free}M` on the node."
        )


def model_files(wish: Wish) -> Iterator[str]:
    """Local files are there, remote ones answer, and what is missing fits."""
    missing_mib = 0
    for model in wish["models"]:
        if model.get("path") and not Path(model["path"]).is_file():
            yield f"Model {model['name']!r}: {model['path']} is no file in this guest. Copy it there, or give url."
        if not model.get("url") or Path(model["file"]).exists():
            continue
        try:
            missing_mib += (remote_bytes(model["url"]) - present_bytes(Path(model["file"] + ".partial"))) // MIB
        except (OSError, ValueError) as error:
            yield (
                f"Model {model['name']!r}: {model['url']} cannot be fetched from this guest: {error}. Check the "
                "address and the guest's route; a proxy goes into llama_cpp_download_environment."
            )
    free = free_mib(wish["models_directory"])
    if missing_mib and missing_mib + SPARE_MIB > free:
        yield (
            f"The models still to be fetched take {missing_mib} MiB, and {free} MiB are free for "
            f"{wish['models_directory']}. Enlarge the disk (`pct resize`), or mount a bigger one there."
        )


def is_sha256(text: str) -> bool:
    """64 lower-case hexadecimal digits."""
    return re.fullmatch(r"[0-9a-f]{64}", text) is not None


def remote_bytes(url: str) -> int:
    """The size a server announces, 0 when it announces none; OSError and ValueError when it cannot be asked."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("only http and https addresses can be fetched")
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - checked above
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return int(answer.headers.get("Content-Length") or 0)


def present_bytes(path: Path) -> int:
    """What an interrupted download has left."""
    return path.stat().st_size if path.exists() else 0


def free_mib(directory: str) -> int:
    """Free space where `directory` is, or will be."""
    path = Path(directory)
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free // MIB


def run(argv: list[str]) -> str:
    """Standard output; empty when the program is missing."""
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""


def succeeds(argv: list[str]) -> bool:
    """Whether the command exits with 0."""
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


CHECKS = (source, models, ports, distribution, sandbox, patching, memory, build_space, model_files)

if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    print(json.dumps({"problems": [problem for check in CHECKS for problem in check(asked)]}))
