"""Whether ROCm finds a card here, as JSON: what rocminfo lists, and the likely causes when it lists none."""

import json
import re
import shutil
import subprocess
from pathlib import Path

ROCMINFO = shutil.which("rocminfo") or "/opt/rocm/bin/rocminfo"


def agents(text: str) -> list[str]:
    """The GPU agents of rocminfo's answer, as `gfx906 AMD Instinct MI50`."""
    found = []
    for part in re.split(r"^Agent \d+\s*$", text, flags=re.MULTILINE)[1:]:
        fields = dict(re.findall(r"^  (Name|Marketing Name|Device Type): +(.*?) *$", part, re.MULTILINE))
        if fields.get("Device Type") == "GPU":
            found.append(f"{fields.get('Name', '?')} {fields.get('Marketing Name', '')}".strip())
    return found


def causes(said: str, *, kfd: bool, nodes: list[str], driver: bool) -> list[str]:
    """What usually lies behind it, most likely first, each with what to do."""
    found = []
    if not driver:
        found.append(
            "The amdgpu driver is not loaded on the node (no /sys/module/amdgpu): `modprobe amdgpu` there and read "
            "`dmesg`. The lab has no driver; there this is as it should be."
        )
    if not kfd:
        found.append(
            "/dev/kfd is not passed to this guest: give it cards by `gpus` in gpu_containers, or add a devN line."
        )
    if not nodes:
        found.append("No /dev/dri/renderD* is passed to this guest: give it cards by `gpus` in gpu_containers.")
    if "Permission denied" in said:
        found.append(
            "The device may not be opened: its gid must be the guest's own `getent group render`; see `rocmox health`."
        )
    if "Invalid argument" in said:
        found.append(
            "/dev/kfd refuses with `Invalid argument`: that is no matter of rights; look at the node's kernel log."
        )
    if driver and kfd and nodes and not found:
        found.append(
            "The devices are there and the driver shows no card: `rocmox health` on the node, and its kernel log."
        )
    return found


def main() -> None:
    """Print the answer."""
    installed = Path(ROCMINFO).exists()
    said, gpus = "", []
    if installed:
        done = subprocess.run([ROCMINFO], capture_output=True, text=True, timeout=60, check=False)
        said, gpus = done.stdout + done.stderr, agents(done.stdout)
    kfd, driver = Path("/dev/kfd").exists(), Path("/sys/module/amdgpu").exists()
    nodes = sorted(path.name for path in Path("/dev/dri").glob("renderD*"))
    if gpus:
        lines = [f"ROCm finds {len(gpus)} card{'s' if len(gpus) > 1 else ''} in this guest: {', '.join(gpus)}."]
    elif not installed:
        lines = ["rocminfo is not installed yet: nothing can be said about the cards."]
    else:
        words = re.sub(r"\x1b\[[0-9;]*m", "", said).strip().splitlines()
        lines = [f"No GPU is visible to ROCm in this guest: rocminfo says `{(words or ['nothing'])[-1].strip()}`."]
        lines += causes(said, kfd=kfd, nodes=nodes, driver=driver)
    answer = {"installed": installed, "gpus": gpus, "expected": kfd and bool(nodes) and driver, "lines": lines}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
