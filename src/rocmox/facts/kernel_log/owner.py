"""Whose message it is: the driver, the PCI address and the DRM marks in front of the words.

The four ways in which amdgpu has signed its messages stand in `amdgpu_device.c` and `drm_print.c`:
`amdgpu 0000:03:00.0: amdgpu: …`, `amdgpu 0000:03:00.0: …` (7.0), `amdgpu: …`, `[drm:function [amdgpu]] *ERROR* …`.
"""

from __future__ import annotations

import dataclasses
import re

_ADDRESS = r"(?P<address>[0-9a-f]{4,8}:[0-9a-f]{2}:[0-1][0-9a-f]\.[0-7])"
_DEVICE = re.compile(rf"(?P<driver>[A-Za-z][\w.-]{{1,40}}) {_ADDRESS}: ?")
_KFD = re.compile(r"kfd kfd: |kfd2kgd: |kfd: ")
_AMDGPU = re.compile(r"(?:amdgpu: ?)+")
_DRM = re.compile(r"\[drm(?::(?P<function>[\w.]+)(?: \[(?P<module>\w+)\])?)?\] ?")
_ERROR = re.compile(r"\*ERROR\* ?")
# Functions of the driver as `[drm:NAME]` shows them when it is built into the kernel.
_AMDGPU_FUNCTION = re.compile(
    r"(?:amdgpu|gfx_v|gfxhub|mmhub|gmc_v|mes_v|sdma_v|psp_|soc\d|nbio|vcn_v|uvd_v|vce_v|jpeg_v|smu_|kfd_|dm_|ih_v|vega)"
)
_ANYWHERE = re.compile(rf"(?:amdgpu (?:{_ADDRESS})?|amdgpu: |kfd kfd: |\[drm:\w+(?:\.[\w.]+)? \[amdgpu\]\])")
_REACH = 200


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """`driver` is "" when the message does not say; `words` is the message without the marks."""

    driver: str
    address: str | None
    words: str
    is_drm: bool


def split_owner(message: str) -> Owner:
    """Takes the marks off a message that begins with them."""
    driver, address, rest, is_drm = "", None, message, False
    if match := _DEVICE.match(rest):
        driver, address, rest = match["driver"], match["address"], rest[match.end() :]
    for _ in range(4):
        if match := _KFD.match(rest):
            driver, rest = driver or "kfd", rest[match.end() :]
        elif match := _AMDGPU.match(rest):
            driver, rest = "amdgpu" if driver in {"", "kfd"} else driver, rest[match.end() :]
        elif match := _DRM.match(rest):
            is_drm, rest = True, rest[match.end() :]
            if match["module"]:
                driver = driver or match["module"]
            elif match["function"] and _AMDGPU_FUNCTION.match(match["function"]):
                driver = driver or "amdgpu"
        elif match := _ERROR.match(rest):
            rest = rest[match.end() :]
        else:
            break
    return Owner(driver=driver, address=address, words=rest, is_drm=is_drm)


def find_owner(message: str) -> Owner:
    """The same where something unknown stands before the driver's name, as tools of users write it."""
    owner = split_owner(message)
    if owner.driver or owner.is_drm:
        return owner
    match = _ANYWHERE.search(message, 1, _REACH)
    return split_owner(message[match.start() :]) if match else owner
