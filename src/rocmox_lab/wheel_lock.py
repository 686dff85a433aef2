r"""Turn uv's `pylock.toml` into the requirements file of the role open_webui: Linux x86-64, CPython 3.11 and 3.12.

uv locks for every platform; pip then reads thousands of hashes it never uses. This keeps the wheels that a guest can
install, leaves torch and everything of CUDA out (torch comes apart, as a CPU build), and writes no environment markers,
so that the same file serves every micro version and a mirror can fetch it for another Python than its own.

A new version of Open WebUI is locked by::

    printf 'open-webui==VERSION\ntorch==TORCH\n' > wanted.in
    uv pip compile wanted.in --universal --python-version 3.11 --fork-strategy fewest \
        --format pylock.toml -o pylock.toml
    python -m rocmox_lab.wheel_lock pylock.toml > roles/open_webui/files/requirements-VERSION.txt
"""

from __future__ import annotations

import dataclasses
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from rocmox.errors import RefusedError

PYTHONS = ("3.11.0", "3.11.99", "3.12.0", "3.12.99")
APART = re.compile(r"^(torch|triton|nvidia-.*|cuda-.*)$")
_GLIBC_MINORS = range(36, 4, -1)  # Debian 12 has glibc 2.36; PEP 600 names wheels after the oldest they run on
_PLATFORMS = (
    *(f"manylinux_2_{minor}_x86_64" for minor in _GLIBC_MINORS),
    *("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pin:
    """One package at one version, with the sha256 of every file that may be installed for it."""

    name: str
    version: str
    hashes: tuple[str, ...]

    def lines(self) -> str:
        """The entry in a requirements file."""
        return " \\\n    ".join([f"{self.name}=={self.version}", *(f"--hash=sha256:{value}" for value in self.hashes)])


def parse_pylock(text: str) -> tuple[Pin, ...]:
    """The packages a guest needs, torch and CUDA left out. RefusedError where Pythons would need different versions."""
    pins = [_pin(package) for package in tomllib.loads(text)["packages"] if _wanted(package)]
    names = [pin.name for pin in pins]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RefusedError(
            f"The lock names more than one version of {', '.join(twice)}; a file without markers cannot hold both.",
            remedy="Compile with `--fork-strategy fewest`, or pin these packages in wanted.in.",
        )
    return tuple(pins)


def _wanted(package: Mapping[str, Any]) -> bool:
    if APART.match(package["name"]):
        return False
    marker = package.get("marker")
    return marker is None or any(Marker(marker).evaluate(_environment(python)) for python in PYTHONS)


def _pin(package: Mapping[str, Any]) -> Pin:
    installable = _tags()
    wheels = [wheel for wheel in package.get("wheels", []) if _wheel_tags(wheel["url"]) & installable]
    files = wheels or [package["sdist"]]
    hashes = tuple(sorted({file["hashes"]["sha256"] for file in files}))
    return Pin(name=package["name"], version=package["version"], hashes=hashes)


def _wheel_tags(url: str) -> frozenset[Tag]:
    return parse_wheel_filename(unquote(url.rsplit("/", 1)[1]))[3]


def _tags() -> frozenset[Tag]:
    """Every wheel tag that CPython 3.11 or 3.12 on Linux x86-64 accepts (`pip debug --verbose` lists them)."""
    return frozenset(
        tag
        for minor in (11, 12)
        for tags in (
            cpython_tags((3, minor), platforms=_PLATFORMS),
            compatible_tags((3, minor), f"cp3{minor}", _PLATFORMS),
        )
        for tag in tags
    )


def _environment(python: str) -> dict[str, str]:
    return {
        "implementation_name": "cpython",
        "implementation_version": python,
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": python,
        "python_version": python.rsplit(".", 1)[0],
        "sys_platform": "linux",
        "extra": "",
    }


def main(arguments: Sequence[str]) -> int:
    """Read one pylock file, print the requirements file."""
    pins = parse_pylock(Path(arguments[0]).read_text(encoding="utf-8"))
    print("# Made by `python -m rocmox_lab.wheel_lock`; torch is installed apart, as a CPU build.")
    for pin in pins:
        print(pin.lines())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
