"""The sources of amdgpu-dkms (`/usr/src/amdgpu-VERSION`): whether its build can see the kernel's P2P support.

Its Kbuild asks for `CONFIG_DMABUF_MOVENOTIFY`; the kernel's option is `CONFIG_DMABUF_MOVE_NOTIFY`, so the driver never
defines CONFIG_HSA_AMD_P2P and takes its legacy path (github.com/ROCm/amdgpu, pull request 210).
"""

from __future__ import annotations

import re

from rocmox.errors import CannotLookError
from rocmox.facts.reading import list_names, read_text
from rocmox.machine.base import Machine

_SOURCES = "/usr/src"
_FOLDER = re.compile(r"amdgpu-(?P<version>[\w.+~-]{1,80})")
_KBUILD = "amd/dkms/Kbuild"
_RIGHT, _WRONG = "CONFIG_DMABUF_MOVE_NOTIFY", "CONFIG_DMABUF_MOVENOTIFY"


def parse_kbuild(text: str) -> bool:
    """Whether the Kbuild asks for the option by its right name; CannotLookError when it asks for neither."""
    if _RIGHT in text:
        return True
    if _WRONG in text:
        return False
    raise CannotLookError("this Kbuild asks for no DMA-buf option")


def read_sees_p2p(machine: Machine) -> tuple[str, bool]:
    """Path and answer of the newest installed sources; CannotLookError when there are none."""
    folders = [name for name in list_names(machine, _SOURCES) if _FOLDER.fullmatch(name)]
    if not folders:
        raise CannotLookError(f"{_SOURCES}: no sources of amdgpu-dkms are here")
    path = f"{_SOURCES}/{folders[-1]}/{_KBUILD}"
    return path, parse_kbuild(read_text(machine, path))
