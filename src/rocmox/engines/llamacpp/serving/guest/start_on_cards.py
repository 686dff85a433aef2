"""Start llama-server when the cards that it is built for are there; otherwise say why not, once.

`start_on_cards.py BACKEND refuse|allow PROGRAM [ARGUMENT…]`, by the unit and as its account: what this program may not
open, llama-server may not either. It asks PROGRAM itself (`--list-devices`) and then becomes it (exec). Without a card
an older build aborts inside rocBLAS before it counts devices (`rocblas_initialize` in ggml-cuda.cu), and a newer one
serves from the processor: both end here with status 69 (EX_UNAVAILABLE), which the unit does not repeat. `allow`
lets the newer one serve from the processor. What it cannot judge, it starts: llama-server then speaks for itself.
"""

import errno
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

VERDICT = "no GPU is visible to {stack} in this guest"
STACKS = {"hip": "ROCm", "vulkan": "Vulkan"}  # as llama.cpp names the devices: ROCm0, Vulkan0
STATUS_NO_GPU = 69
LIST_SECONDS = 180  # rocBLAS of ROCm 5 and 6 loads its kernels for every card first
# rocBLAS's (tensile_host.cpp), HIP's (hipErrorNoDevice) and ggml-vulkan's words.
NO_GPU = re.compile(
    r"Could not initialize Tensile host: No devices found|failed to initialize ROCm|no ROCm-capable device is detected"
    r"|ggml_vulkan: No devices found"
)
HIDING = {
    "hip": ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL"),
    "vulkan": ("GGML_VK_VISIBLE_DEVICES",),  # ggml_vk_instance_init of ggml-vulkan.cpp
}
GIVE_CARDS = "Give the container its cards (gpus in gpu_containers, or devN lines: `pct config VMID`) and restart it"
REFUSALS = {
    errno.ENOENT: ("not in this guest", GIVE_CARDS),
    errno.ENXIO: (
        "without a driver behind it",
        "Load the node's driver (`modprobe amdgpu`, `dmesg`); else restart the container: numbers changed",
    ),
    errno.EPERM: ("refused by the container's list of devices", GIVE_CARDS),
    errno.EACCES: (
        "not to be opened by this service's account",
        "Let the gid of its devN line be this guest's `getent group render`, and the account a member of that group",
    ),
    errno.EINVAL: ("refused whatever the rights", "Read the node's kernel log (`dmesg`)"),
}
REFUSALS[errno.ENODEV] = REFUSALS[errno.ENXIO]


def main(backend: str, without_cards: str, program: str, *arguments: str) -> int:
    """Become llama-server, or return the status to end with."""
    shown, asked = listing(program)
    stack = STACKS[backend]
    if without_cards_seen(stack, shown):
        verdict = VERDICT.format(stack=stack)
        serves = without_cards == "allow" and asked == 0
        print(f"{verdict}: llama-server " + ("serves from the processor." if serves else "is not started."))
        for cause, remedy in causes(backend):
            print(f"Likely cause: {cause}.\nWhat now: {remedy}.")
        print("`rocmox health` on the node names the broken link; then start this unit again.", flush=True)
        if not serves:
            return STATUS_NO_GPU
    os.execv(program, [program, *arguments])  # noqa: S606 - systemd's ExecStart, argument by argument
    raise AssertionError("execv does not return")


def listing(program: str) -> tuple[str, int | None]:
    """What `PROGRAM --list-devices` prints, and its exit status; None when it does not end."""
    try:
        done = subprocess.run(
            [program, "--list-devices"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=LIST_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "", None
    return done.stdout, done.returncode


def without_cards_seen(stack: str, shown: str) -> bool:
    """Whether the answer says that there is no card; a release without the option gives no answer."""
    if re.search(rf"^\s*{stack}\d+: ", shown, re.MULTILINE):
        return False
    return bool(NO_GPU.search(shown)) or "Available devices:" in shown


def causes(backend: str, root: Path = Path("/")) -> Iterator[tuple[str, str]]:
    """What stands between this account and the cards, each with what to do about it."""
    nodes = sorted((root / "dev/dri").glob("renderD*")) or [root / "dev/dri/renderD128"]
    refused: dict[tuple[str, str], list[str]] = {}
    for path in [root / "dev/kfd", *nodes] if backend == "hip" else nodes:
        if refusal := refusal_of(path):
            refused.setdefault(refusal, []).append(f"/{path.relative_to(root)}")
    for (what, remedy), paths in refused.items():
        yield f"{', '.join(paths)} {'are' if len(paths) > 1 else 'is'} {what}", remedy
    hiding = [f"{name}={os.environ[name]}" for name in HIDING[backend] if name in os.environ]
    if hiding:
        yield f"{' '.join(hiding)} hides cards", "Take it out of the unit's environment"
    if backend == "hip" and (version := os.environ.get("HSA_OVERRIDE_GFX_VERSION")):
        yield f"HSA_OVERRIDE_GFX_VERSION={version} names another card", "Take it out of the unit's environment"
    if not refused and not hiding:
        yield from unexplained(backend, root)


def refusal_of(path: Path) -> tuple[str, str] | None:
    """Why a device cannot be opened, and what to do; None when it can."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        what, remedy = REFUSALS.get(error.errno or 0, ("not to be opened", "See `rocmox health`"))
        return f"{what} ({error.strerror})", remedy
    return None


def unexplained(backend: str, root: Path) -> Iterator[tuple[str, str]]:
    """Every device opens and none is listed: the driver shows no card, or this user space does not know it."""
    nodes = sorted((root / "sys/class/kfd/kfd/topology/nodes").glob("*/properties"))
    listed = any(re.search(r"^gfx_target_version [1-9]", read(path), re.MULTILINE) for path in nodes)
    if backend == "hip" and not listed:
        yield "the devices open, and the driver lists no card (/sys/class/kfd)", "Read the node's kernel log (`dmesg`)"
    else:
        yield (
            f"the devices open, and this guest's {STACKS[backend]} does not take the cards",
            "Compare it with card and driver: `rocmox compatibility`; `rocminfo` or `vulkaninfo` in the guest",
        )


def read(path: Path) -> str:
    """A file of /sys, empty when it is not for this guest (KFD answers EPERM for cards that were not passed)."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
