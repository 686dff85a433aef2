"""Find every reason why this guest cannot build llama.cpp or serve the desired models, before anything is changed.

Runs inside the guest with the standard library alone (machine/carried.py), what it is asked on standard input: it may
hold addresses with passwords. `main` answers `{"problems": ["what, where, why, what now", …]}`; looks, and changes
nothing.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rocmox.engines.llamacpp.serving.guest.web_access import FAILURES, commit_of_tag, find_tag, shown, size_bytes, why

Desired = dict[str, Any]

MIB = 1 << 20
SUPPORTED = {"Debian": ("12", "13"), "Ubuntu": ("22", "24")}
NEEDED_MEMORY_MIB = 1500  # one compiler process on the largest file
SPARE_MIB = 512  # left on the models' disk
SYSTEM_ROCBLAS = ("/usr/lib/x86_64-linux-gnu/rocblas", "/usr/lib64/rocblas", "/usr/lib/rocblas")
PATCHING_PYTHON = (3, 11)  # rocmox's own minimum
ROUTE = "Check the address and the guest's route to it; a proxy goes into llama_cpp_download_environment."


def ports(desired: Desired) -> Iterator[str]:
    """Ports are free, or held by the llama-server that this role runs."""
    desired_ports = [int(model["port"]) for model in desired["models"]]
    for port in sorted({port for port in desired_ports if desired_ports.count(port) > 1}):
        yield f"Two models want port {port}. Give each a port of its own, or none: they count up from llama_cpp_port."
    listening = run(["ss", "-Hltnp"]).splitlines()
    for port in desired_ports:
        for line in listening:
            if re.search(rf":{port}\s", line) and '"llama-server"' not in line:
                owner = re.search(r'\(\("([^"]+)",pid=(\d+)', line)
                who = f"{owner[1]} (process {owner[2]})" if owner else "another program"
                yield f"Port {port} is held by {who} in this guest. Stop it, or set llama_cpp_port to a free port."


def distribution(desired: Desired) -> Iterator[str]:
    """A distribution whose packages the role knows."""
    name, version = desired["distribution"], desired["distribution_version"]
    if version.split(".")[0] not in SUPPORTED.get(name, ()):
        known = ", ".join(f"{known} {'/'.join(versions)}" for known, versions in SUPPORTED.items())
        yield f"This guest runs {name} {version}; the role knows {known}. Create the container from such a template."
    elif desired["backend"] == "vulkan" and (name, version.split(".")[0]) == ("Ubuntu", "22"):
        yield "Ubuntu 22.04 has no package of the shader compiler glslc. Create the container from Ubuntu 24.04."


def sandbox(_desired: Desired) -> Iterator[str]:
    """The hardened unit needs what nesting grants: mounts in a namespace of its own."""
    if not Path("/run/systemd/system").is_dir():
        yield "This guest does not run systemd. Create the container from a template with systemd."
    elif not succeeds(["systemd-run", "--quiet", "--wait", "--collect", "-p", "ProtectProc=invisible", "true"]):
        yield (
            "systemd cannot give a service a mount namespace in this guest. Switch nesting on: `pct set VMID "
            "--features nesting=1` on the node, then restart the container (in gpu_containers it is the default)."
        )


def rocblas(desired: Desired) -> Iterator[str]:
    """A HIP build computes with rocBLAS, which has kernels for the architectures it was built for and no others."""
    if desired["backend"] != "hip":
        return
    folders = [Path(root) for root in (desired["hip_root"], *map(str, Path("/opt").glob("rocm*"))) if root]
    roots = [*(folder / "lib/rocblas" for folder in folders), *map(Path, SYSTEM_ROCBLAS)]
    names = [entry.name for root in roots for pattern in ("library/*", "*/library/*") for entry in root.glob(pattern)]
    known = {found for name in names for found in re.findall(r"gfx[0-9a-f]{3,4}(?![0-9a-f])", name)}
    missing = sorted({target.partition(":")[0] for target in desired["gpu_targets"]} - known)
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


def patching(desired: Desired) -> Iterator[str]:
    """The program that patches the source needs a Python of 2022."""
    if desired["patched"] and sys.version_info < PATCHING_PYTHON:
        found, needed = (".".join(map(str, version[:2])) for version in (sys.version_info, PATCHING_PYTHON))
        yield (
            f"This guest has Python {found}, and the mmvq patch needs {needed}. Create the container from a newer "
            "template (Debian 12 or 13, Ubuntu 24.04), or set llama_cpp_mmvq_patch: off."
        )


def memory(desired: Desired) -> Iterator[str]:
    """Enough for one compiler."""
    if desired["memory_mib"] < NEEDED_MEMORY_MIB:
        yield (
            f"This guest has {desired['memory_mib']} MiB of memory, and compiling llama.cpp takes {NEEDED_MEMORY_MIB} "
            "MiB. Raise memory_mib in gpu_containers."
        )


def source(desired: Desired) -> Iterator[str]:
    """The source that a build needs is what it should be, as far as that can be known before it is fetched."""
    wanted = desired["source"]
    if not wanted or not wanted["url"] or Path(wanted.get("file", "/")).is_file():
        return
    where = shown(wanted["url"])
    if wanted["kind"] == "archive":
        try:
            wanted["mib"] = remote_mib(wanted["url"], wanted["file"], schemes=("http", "https", "file"))
        except FAILURES as error:
            yield f"The source {where} cannot be fetched from this guest: {why(error)}. {ROUTE}"
        return
    try:
        found = tag_commit(wanted["url"], wanted["tag"])
    except FAILURES as error:
        yield f"The repository {where} cannot be read from this guest: {why(error)}. {ROUTE}"
        return
    if not found:
        yield f"The repository {where} has no tag {wanted['tag']}. Check llama_cpp_git_url and llama_cpp_version."
    elif found != wanted["commit"]:
        yield (
            f"In {where} the tag {wanted['tag']} is commit {found}, and llama_cpp_commit is {wanted['commit']}. "
            "The tag was moved, or llama_cpp_commit is wrong: compare it with the release's page."
        )


def tag_commit(url: str, tag: str) -> str:
    """The commit behind a tag; by git itself where it is not a web address."""
    if url.startswith(("http://", "https://")):
        return commit_of_tag(url, tag)
    if not shutil.which("git"):
        raise OSError("git is not installed here yet, and without it only http and https addresses can be asked")
    done = subprocess.run(
        ["timeout", "60", "git", "ls-remote", "--", url, f"refs/tags/{tag}", f"refs/tags/{tag}^{{}}"],
        capture_output=True,
        text=True,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"},
        check=False,
    )
    if done.returncode != 0:
        raise OSError(" ".join(done.stderr.split())[-200:] or "git does not answer")
    return find_tag(done.stdout, tag)


def model_files(desired: Desired) -> Iterator[str]:
    """Local files are there, and remote ones answer."""
    for model in desired["models"]:
        if model.get("path") and not Path(model["path"]).is_file():
            yield f"Model {model['name']!r}: {model['path']} is not a file in this guest. Copy it there, or give url."
        if not model.get("url") or Path(model["file"]).exists():
            continue
        try:
            model["mib"] = remote_mib(model["url"], model["file"], schemes=("http", "https"))
        except FAILURES as error:
            where = shown(model["url"])
            yield f"Model {model['name']!r}: {where} cannot be fetched from this guest: {why(error)}. {ROUTE}"


def remote_mib(url: str, file: str, *, schemes: tuple[str, ...]) -> int:
    """What is still to be fetched; one of FAILURES when it cannot be."""
    if url.partition("://")[0] not in schemes:
        raise OSError(f"only {' and '.join(schemes)} addresses can be fetched")
    return (size_bytes(url) - present_bytes(Path(f"{file}.partial"))) // MIB


def space(desired: Desired) -> Iterator[str]:
    """Room for everything that is to come, counted for each disk; what model_files and source have found is known."""
    models = sum(model.get("mib", 0) for model in desired["models"])
    needs = [
        (desired["work_directory"], int(desired["needed_mib"]), f"a {desired['backend']} build"),
        (desired["work_directory"], desired["source"].get("mib", 0), "its source"),
        (desired["models_directory"], models + SPARE_MIB if models else 0, "the models still to be fetched"),
    ]
    disks: dict[int, list[tuple[str, int, str]]] = {}
    for need in needs:
        if need[1] > 0:
            disks.setdefault(existing(need[0]).stat().st_dev, []).append(need)
    for wanted in disks.values():
        free, need_mib = free_mib(wanted[0][0]), sum(mib for _, mib, _ in wanted)
        if free < need_mib:
            yield (
                f"{free} MiB are free for {' and '.join(dict.fromkeys(place for place, _, _ in wanted))}, and "
                f"{' and '.join(f'{what} ({mib} MiB)' for _, mib, what in wanted)} take {need_mib} MiB. "
                f"Enlarge the disk: `pct resize VMID rootfs +{need_mib - free}M` on the node; or mount a bigger one "
                "there, or lower llama_cpp_builds_kept."
            )


def present_bytes(path: Path) -> int:
    """What an interrupted download has left."""
    return path.stat().st_size if path.exists() else 0


def existing(directory: str) -> Path:
    """The directory, or the one that it will be created in."""
    path = Path(directory)
    while not path.exists():
        path = path.parent
    return path


def free_mib(directory: str) -> int:
    """Free space where `directory` is, or will be."""
    return shutil.disk_usage(existing(directory)).free // MIB


def run(argv: list[str]) -> str:
    """Standard output; empty when the program is missing."""
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""


def succeeds(argv: list[str]) -> bool:
    """Whether the command exits with 0."""
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


CHECKS = (ports, distribution, sandbox, rocblas, patching, memory, source, model_files, space)


def main(desired: Desired) -> dict[str, list[str]]:
    """Every problem, check by check."""
    os.environ.update(desired["environment"])
    return {"problems": [problem for check in CHECKS for problem in check(desired)]}
