"""Wheels for guests, fetched by this machine's pip: another Python version may run here than there."""

from __future__ import annotations

import sys
from pathlib import Path

from rocmox.machine import Completed, Machine
from rocmox_lab.mirror_content import Wheelhouse

# glibc of Debian 12 is 2.36; pip of another platform's name needs every compatible tag spelled out (PEP 600).
_PLATFORMS = (
    *("manylinux_2_35_x86_64", "manylinux_2_34_x86_64", "manylinux_2_31_x86_64", "manylinux_2_28_x86_64"),
    *("manylinux_2_27_x86_64", "manylinux_2_26_x86_64", "manylinux_2_24_x86_64", "manylinux_2_17_x86_64"),
    *("manylinux2014_x86_64", "manylinux_2_12_x86_64", "manylinux2010_x86_64", "manylinux_2_5_x86_64"),
    *("manylinux1_x86_64", "linux_x86_64", "any"),
)
_TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
_TIMEOUT_SECONDS = 1800
_REMEDY = "`pip config list` shows where pip looks; check the way there, then run it again: what has come stays."


def fetch_wheels(machine: Machine, house: Wheelhouse, *, repository: Path, wheels: Path) -> str:
    """Download a wheelhouse's wheels into the flat directory; CommandError with pip's words. Returns what came."""
    incoming = wheels / f".incoming-{house.name}"
    incoming.mkdir(exist_ok=True)
    for requirements in house.requirements:
        chosen = ["--require-hashes", "--requirement", str(repository / requirements)]
        _download(machine, house, chosen, incoming).check(remedy=_REMEDY)
    if house.torch is not None:
        wanted = [f"torch=={house.torch}"]
        if _download(machine, house, wanted, incoming).exit_status:
            _download(machine, house, [*wanted, "--index-url", _TORCH_CPU_INDEX], incoming).check(remedy=_REMEDY)
    came = sorted(path for path in incoming.iterdir() if path.is_file())
    size_bytes = sum(path.stat().st_size for path in came)
    for path in came:
        path.replace(wheels / path.name)
    incoming.rmdir()
    return f"{len(came)} files, {size_bytes / 1e6:.0f} MB"


def _download(machine: Machine, house: Wheelhouse, chosen: list[str], incoming: Path) -> Completed:
    abi = f"cp{house.python.replace('.', '')}"
    command = [
        *("setpriv", "--pdeathsig", "KILL"),  # a killed rocmox takes its pip along; what has come is used next time
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(incoming)),
        *("--only-binary=:all:", "--implementation", "cp", "--python-version", house.python),
        *(word for tag in (abi, "abi3", "none") for word in ("--abi", tag)),
        *(word for platform in _PLATFORMS for word in ("--platform", platform)),
        *chosen,
    ]
    return machine.run(command, timeout_seconds=_TIMEOUT_SECONDS)
