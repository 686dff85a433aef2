"""The old way to pass GPUs, raw `lxc.*` lines: which lines of a container these are, and a file without them.

PVE's API shows such lines (`lxc` in GET config) and cannot write them. Lines of other devices, id maps and hooks are
their owner's own and stay.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

RawLine = tuple[str, str]
"""Key and value, such as `("lxc.cgroup2.devices.allow", "c 226:* rwm")`."""

_LINE = re.compile(r"(?P<key>lxc\.[A-Za-z0-9_.\-]+)\s*[:=]\s*(?P<value>.*?)\s*")
_ALLOW = frozenset({"lxc.cgroup.devices.allow", "lxc.cgroup2.devices.allow"})
# liblxc reads three words and leaves the rest alone, so a comment may follow.
_CHARACTER = re.compile(r"c\s+(?P<major>\d+):\S+(\s+[rwm]+)?(\s+#.*)?")
_MOUNT = "lxc.mount.entry"
_DRM_MAJOR = 226  # include/uapi/linux/major.h has none for KFD: its major is given out at boot


def is_gpu_line(key: str, value: str, *, kfd_major: int | None = None) -> bool:
    """Whether the line passes an AMD card: DRM's devices, `/dev/kfd` and `/dev/dri`, and KFD's major when it is known.

    Majors are given out dynamically, so a rule for an unknown one is nobody's but its owner's.
    """
    if key in _ALLOW:
        rule = _CHARACTER.fullmatch(value)
        return rule is not None and int(rule["major"]) in {_DRM_MAJOR, kfd_major}
    if key != _MOUNT or not value:
        return False
    source = value.split(maxsplit=1)[0].rstrip("/")
    return source in {"/dev/kfd", "/dev/dri"} or source.startswith("/dev/dri/")


def gpu_lines(lines: Sequence[RawLine]) -> tuple[RawLine, ...]:
    """Those of a container's raw lines that pass an AMD card."""
    return tuple((key, value) for key, value in lines if is_gpu_line(key, value))


def without_gpu_lines(text: str, *, kfd_major: int | None) -> str:
    """A configuration file without those lines; snapshots (sections after the first) keep theirs."""
    kept = []
    in_section = False
    for line in text.splitlines(keepends=True):
        in_section = in_section or line.startswith("[")
        match = None if in_section else _LINE.fullmatch(line.rstrip("\n"))
        if match is None or not is_gpu_line(match["key"], match["value"], kfd_major=kfd_major):
            kept.append(line)
    return "".join(kept)


def as_text(lines: Sequence[RawLine]) -> str:
    """The lines as they stand in the file, separated by semicolons."""
    return "; ".join(f"{key}: {value}" for key, value in lines)
