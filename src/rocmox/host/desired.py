"""What a host shall be, as one JSON document of the role."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

from rocmox.errors import UsageError

DRIVERS = ("inbox", "dkms")
_PATTERNS = {
    "release": r"\d+(\.\d+){1,3}",
    "package_version": r"[\w.+:~-]*",
    "apt_url": r"(https?|file)://\S+",
    "apt_suite": r"[\w./-]+",
    "apt_origin": r"[^\s,]+",
    "key_url": r"(https?|file)://\S+",
    "key_fingerprint": r"[0-9A-F]{40}([0-9A-F]{24})?",
    "kernel": r"(\d+\.\d+[\w.+~-]*)?",
    "upgrade_kernel": r"(\d+\.\d+[\w.+~-]*)?",
}
_NOT_STORED = frozenset({"upgrade_kernel", "apt_proxy"})
_WITH_PASSWORD = re.compile(r"https?://[^/\s]*@")
# Debian's and Proxmox's own: a pin on them would reach far beyond the driver.
_FOREIGN_ORIGINS = frozenset({"Debian", "Ubuntu", "Proxmox"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class DesiredHost:
    """The driver a node shall have, where it comes from, and with what the kernel starts. Sizes in bytes."""

    driver: str = "inbox"
    release: str = "6.2.4"
    package_version: str = ""
    apt_url: str = "https://repo.radeon.com/amdgpu/6.2.4/ubuntu"
    apt_suite: str = "noble"
    apt_components: tuple[str, ...] = ("main",)
    apt_origin: str = "repo.radeon.com"
    apt_proxy: str = ""
    key_url: str = "https://repo.radeon.com/rocm/rocm.gpg.key"
    key_fingerprint: str = "CA8BB4727A47B4D09B4EE8969386B48A1A693C5C"
    kernel: str = ""
    upgrade_kernel: str = ""
    kernel_command_line: tuple[str, ...] = ()
    module_options: tuple[tuple[str, str], ...] = ()
    allow_known_bad: bool = False
    signed_modules: bool = False
    root: str = "/"
    boot_room_bytes: int = 200_000_000
    root_room_bytes: int = 2_000_000_000

    @property
    def wants_dkms(self) -> bool:
        """Whether AMD's DKMS driver is desired."""
        return self.driver == "dkms"


def parse_desired(text: str) -> DesiredHost:
    """UsageError for an unknown field, a wrong type, or a value that has no meaning."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise UsageError(f"the desired state is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise UsageError("the desired state is not a JSON object")
    known = {field.name: field.default for field in dataclasses.fields(DesiredHost)}
    if unknown := sorted(set(document) - set(known)):
        raise UsageError(f"{', '.join(unknown)}: no such field", remedy=f"Known are {', '.join(known)}.")
    desired = DesiredHost(**{name: _value(name, value, known[name]) for name, value in document.items()})
    _check(desired)
    return desired


def stored_text(text: str) -> str:
    """The document as it lies on the host: without the target of one upgrade, and without the proxy and its password.

    Hooks and units, which read it, ask no source.
    """
    document = {name: value for name, value in json.loads(text).items() if name not in _NOT_STORED}
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _value(name: str, value: Any, default: Any) -> Any:
    if name == "module_options" and isinstance(value, dict):
        return tuple(sorted((str(key), str(option)) for key, option in value.items()))
    if isinstance(default, tuple) and isinstance(value, list):
        return tuple(str(entry) for entry in value)
    if name == "key_fingerprint":
        return str(value).replace(" ", "").upper()
    if isinstance(default, bool) != isinstance(value, bool) or not isinstance(value, type(default)):
        raise UsageError(f"amdgpu_host_{name}: {value!r} is not of type {type(default).__name__}")
    return value


def _check(desired: DesiredHost) -> None:
    if desired.driver not in DRIVERS:
        raise UsageError(f"amdgpu_host_driver: {desired.driver!r} is neither of {', '.join(DRIVERS)}")
    for name, pattern in _PATTERNS.items():
        if not re.fullmatch(pattern, getattr(desired, name)):
            raise UsageError(
                f"amdgpu_host_{name}: {getattr(desired, name)!r} does not have the expected form",
                remedy="See the table in roles/amdgpu_host/README.md.",
            )
    for name in ("apt_url", "key_url"):
        if _WITH_PASSWORD.match(getattr(desired, name)):
            raise UsageError(
                f"amdgpu_host_{name} holds a user or a password, and everybody on the node can read apt's sources",
                remedy="Put it into a file of /etc/apt/auth.conf.d with mode 0600 (apt_auth.conf(5)), the URL without.",
            )
    if desired.apt_origin in _FOREIGN_ORIGINS:
        raise UsageError(
            f"amdgpu_host_apt_origin: {desired.apt_origin} is a distribution's, and the pin would be on all of it"
        )
    words = (
        *desired.kernel_command_line,
        *desired.apt_components,
        *(f"{key}={value}" for key, value in desired.module_options),
    )
    for word in words:
        if not re.fullmatch(r"[\w.,:=/+@%-]+", word):
            raise UsageError(f"{word!r} is not a single word for a kernel, a module or a source")
