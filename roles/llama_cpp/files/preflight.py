"""Find every reason why this guest cannot build llama.cpp or serve the wished models, before anything is changed.

Runs inside the guest with the standard library alone: `python3 -c PROGRAM < WISH`, WISH being the JSON object that
tasks/preflight.yml writes (it may hold addresses with passwords, so it is no argument). Prints
`{"problems": ["what, where, why, what now", …]}`; looks, and changes nothing.
"""

import json
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Wish = dict[str, Any]

MIB = 1 << 20
SUPPORTED = {"Debian": ("12", "13"), "Ubuntu": ("22", "24")}
NEEDED_MEMORY_MIB = 1500  # one compiler process on the largest file
SPARE_MIB = 512  # left on the models' disk
SYSTEM_ROCBLAS = ("/usr/lib/x86_64-linux-gnu/rocblas", "/usr/lib64/rocblas", "/usr/lib/rocblas")
PATCHING_PYTHON = (3, 11)  # rocmox's own minimum


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
    elif wish["backend"] == "vulkan" and (name, version.split(".")[0]) == ("Ubuntu", "22"):
        yield "Ubuntu 22.04 has no package of the shader compiler glslc. Create the container from Ubuntu 24.04."


def sandbox(_wish: Wish) -> Iterator[str]:
    """The hardened unit needs what nesting grants: mounts in a namespace of its own."""
    if not Path("/run/systemd/system").is_dir():
        yield "This guest does not run systemd. Create the container from a template with systemd."
    elif not succeeds(["systemd-run", "--quiet", "--wait", "--collect", "-p", "ProtectProc=invisible", "true"]):
        yield (
            "systemd cannot give a service a mount namespace in this guest. Switch nesting on: `pct set VMID "
            "--features nesting=1` on the node, then restart the container (in gpu_containers it is the default)."
        )


def rocblas(wish: Wish) -> Iterator[str]:
    """A HIP build computes with rocBLAS, which has kernels for the architectures it was built for and no others."""
    if wish["backend"] != "hip":
        return
    folders = [Path(root) for root in (wish["hip_root"], *map(str, Path("/opt").glob("rocm*"))) if root]
    roots = [*(folder / "lib/rocblas" for folder in folders), *map(Path, SYSTEM_ROCBLAS)]
    names = [entry.name for root in roots for pattern in ("library/*", "*/library/*") for entry in root.glob(pattern)]
    known = {found for name in names for found in re.findall(r"gfx[0-9a-f]{3,4}(?![0-9a-f])", name)}
    missing = sorted({target.partition(":")[0] for target in wish["gpu_targets"]} - known)
    if not known:
        yield (
            "No ROCm with rocBLAS was found in this guest (/opt/rocm*, /usr/lib). Run playbooks/install_rocm.yml "
            "first, or set llama_cpp_hip_root, or build for the processor alone with llama_cpp_backend: cpu."
        )
    elif missing:
        yield (
            f"This guest's rocBLAS has no kernels for {', '.join(missing)}; it has them for {', '.join(sorted(known))}."
            " Install a ROCm that knows the card (playbooks/install_rocm.yml; gfx906 is in rocBLAS up to ROCm 6.3: "
            "rocm_version 6.2.4), or correct llama_cpp_gpu_targets."
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
    """Enough for the first build; whether a later one is to be made is known, and asked, when it has its name."""
    free, need = free_mib(wish["work_directory"]), int(wish["needed_mib"])
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
                f"Model {model['name']!r}: {shown(model['url'])} cannot be fetched from this guest: {error}. Check the "
                "address and the guest's route; a proxy goes into llama_cpp_download_environment."
            )
    free = free_mib(wish["models_directory"])
    if missing_mib and missing_mib + SPARE_MIB > free:
        yield (
            f"The models still to be fetched take {missing_mib} MiB, and {free} MiB are free for "
            f"{wish['models_directory']}. Enlarge the disk (`pct resize`), or mount a bigger one there."
        )


def remote_bytes(url: str) -> int:
    """The size a server announces, 0 when it announces none; OSError and ValueError when it cannot be asked."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("only http and https addresses can be fetched")
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - checked above
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return int(answer.headers.get("Content-Length") or 0)


def shown(url: str) -> str:
    """An address without what may be a password: user, and everything behind the path."""
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


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


CHECKS = (ports, distribution, sandbox, rocblas, patching, memory, build_space, model_files)

if __name__ == "__main__":
    asked = json.load(sys.stdin)
    print(json.dumps({"problems": [problem for check in CHECKS for problem in check(asked)]}))
