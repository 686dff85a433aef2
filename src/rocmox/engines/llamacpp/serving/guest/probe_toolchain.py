"""Name the compilers and the processor's instruction sets that a build depends on, and what is not installed yet.

Part of look.py. `main` answers
`{"identity", "cpu_flags", "hip_root", "hip_compiler", "card_visible", "missing", "problem", "hip_problem"}`:
`missing` are packages and accounts, `problem` is empty when the build can begin, `hip_problem` when all is there that
the role does not install itself.
"""

import grp
import os
import pwd
import subprocess
from pathlib import Path
from typing import Any

Desired = dict[str, Any]

# AMD's packages, then Debian's: /opt/rocm links to the installed version, Debian's hipcc stands on a plain LLVM.
HIPCONFIGS = ("opt/rocm/bin/hipconfig", "usr/bin/hipconfig")
HIP_COMPILERS = ("opt/rocm/lib/llvm/bin/clang++", "opt/rocm/llvm/bin/clang++", "usr/lib/llvm-*/bin/clang++")


def main(desired: Desired) -> dict[str, Any]:
    """What is there."""
    identity = [version("c++")]
    problem = "" if all(identity) else "No C++ compiler is installed in this guest."
    hip_root, hip_compiler, hip_lack = desired["hip_root"], desired["hip_compiler"], ""
    if desired["backend"] == "vulkan":
        identity += [version("glslc")]
        problem = problem or ("" if identity[-1] else "No shader compiler (glslc) is installed in this guest.")
    if desired["backend"] == "hip":
        hipconfig = first(HIPCONFIGS) if not hip_root else f"{hip_root}/bin/hipconfig"
        hip_root = hipconfig.removesuffix("/bin/hipconfig")
        hip_compiler = hip_compiler or first(HIP_COMPILERS)
        hip = [version(hip_compiler), version(hipconfig)]
        identity += hip
        hip_lack = hip_problem(hip, hip_root, hip_compiler)
    found: dict[str, Any] = {"identity": identity, "cpu_flags": cpu_flags(), "problem": problem or hip_lack}
    found |= {"hip_root": hip_root, "hip_compiler": hip_compiler, "card_visible": opens("/dev/kfd")}
    found |= {"missing": missing(desired), "hip_problem": hip_lack}
    return found


def missing(desired: Desired) -> list[str]:
    """Packages that are not installed and accounts that are not there, or not in their groups."""
    listed = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\\n", *desired["packages"]]
    shown = subprocess.run(listed, capture_output=True, text=True, check=False).stdout.splitlines()
    return [
        *(name for name in desired["packages"] if f"{name} installed" not in shown),
        *(name for name in (desired["build_user"], desired["service_user"]) if not account_exists(name)),
        *(name for name in desired["device_groups"] if desired["service_user"] not in members(name)),
    ]


def account_exists(name: str) -> bool:
    """Whether the guest knows this user."""
    try:
        return bool(pwd.getpwnam(name))
    except KeyError:
        return False


def members(group: str) -> list[str]:
    """Who is in a group; nobody when there is none."""
    try:
        return grp.getgrnam(group).gr_mem
    except KeyError:
        return []


def hip_problem(versions: list[str], hip_root: str, hip_compiler: str) -> str:
    """Why a HIP build cannot begin, empty when it can."""
    if all(versions):
        return ""
    return (
        f"No HIP tool chain was found in this guest (root {hip_root or 'none'}, compiler {hip_compiler or 'none'}). "
        "Run playbooks/install_rocm.yml first, or set llama_cpp_hip_root and llama_cpp_hip_compiler, or build "
        "for the processor alone with llama_cpp_backend: cpu."
    )


def version(program: str) -> str:
    """The first line of `PROGRAM --version`, empty when it cannot be run."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    lines = done.stdout.strip().splitlines()
    return lines[0] if done.returncode == 0 and lines else ""


def first(patterns: tuple[str, ...]) -> str:
    """The first executable; of several LLVM releases the one that sorts first, as ROCm's packages lag behind."""
    found = [path for pattern in patterns for path in sorted(Path("/").glob(pattern)) if os.access(path, os.X_OK)]
    return str(found[0]) if found else ""


def opens(device: str) -> bool:
    """Whether a driver answers behind the device and this guest may use it."""
    try:
        os.close(os.open(device, os.O_RDWR))
    except OSError:
        return False
    return True


def cpu_flags() -> list[str]:
    """The instruction sets of the first processor, as the kernel names them."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    flags = next((line for line in lines if line.startswith("flags")), "flags:")
    return sorted(flags.partition(":")[2].split())
