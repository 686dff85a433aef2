"""PVE's named formats (PVE::JSONSchema, PVE::Storage, PVE::LXC::Config): a text, or the reason why it is none.

Each check returns None when the value has the format, else PVE's own message, newline included.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable
from pathlib import Path

Check = Callable[[str], str | None]

_ZONES = Path("/usr/share/zoneinfo/zone.tab")
CONTENT_TYPES = ("backup", "images", "import", "iso", "none", "rootdir", "snippets", "vztmpl")
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DNS = re.compile(rf"^(?:{_NAME}\.)*{_NAME}$")
_CONFIG_ID = re.compile(r"^[A-Za-z][A-Za-z0-9_-]+$")
_STORAGE_ID = re.compile(r"^[A-Za-z][A-Za-z0-9\-_.]*[A-Za-z0-9]$")
_VOLUME_ID = re.compile(r"^[A-Za-z][A-Za-z0-9\-_.]*[A-Za-z0-9]:\S+$")
_DISK_SIZE = re.compile(r"^\d+(\.\d+)?[KMGT]?$")
_USER_ID = re.compile(r"^[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+$")
_TOKEN_ID = re.compile(r"^[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+![A-Za-z][A-Za-z0-9.\-_]+$")
_TAG = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_\-+.]*$")
_MAC = re.compile(r"^[A-Fa-f0-9][02468aceACE](?::[A-Fa-f0-9]{2}){5}$")


def _matching(pattern: re.Pattern[str], message: str) -> Check:
    return lambda value: None if pattern.match(value) else message.replace("{}", value)


def _vmid(value: str) -> str | None:
    ok = re.match(r"^[1-9][0-9]{2,8}$", value)
    return None if ok else "value does not look like a valid VM ID\n"


def _network_config(version: int) -> Check:
    words = ("dhcp", "manual") if version == 4 else ("dhcp", "manual", "auto")  # noqa: PLR2004 - IPv4

    def check(value: str) -> str | None:
        if value in words:
            return None
        try:
            if "/" in value and ipaddress.ip_interface(value).version == version:
                return None
        except ValueError:
            pass
        return f"value does not look like a valid ipv{version} network configuration\n"

    return check


def _address(version: int) -> Check:
    def check(value: str) -> str | None:
        try:
            if ipaddress.ip_address(value).version == version:
                return None
        except ValueError:
            pass
        return f"value does not look like a valid IPv{version} address\n"

    return check


def _any_address(value: str) -> str | None:
    try:
        ipaddress.ip_address(value.split("%", 1)[0])
    except ValueError:
        return "value does not look like a valid IP address\n"
    return None


def _cidr(version: int | None) -> Check:
    name = f"CIDRv{version}" if version else "CIDR"

    def check(value: str) -> str | None:
        try:
            interface = ipaddress.ip_interface(value)
        except ValueError:
            return f"value does not look like a valid {name} network\n".replace("CIDRv", "IPv")
        return None if "/" in value and version in {None, interface.version} else f"invalid {name}\n"

    return check


def _device_path(value: str) -> str | None:
    if not value.startswith("/dev/") or re.search(r"/\.\.?/", value) or value.endswith(("/..", "/.", "/")):
        return f"{value} is not a valid device path\n"
    return None


def _mount_point(value: str) -> str | None:
    if re.search(r"(^|/)\.\.?(/|$)", value):
        return f"{value} contains illegal characters for mount\n"
    return None


def _content(value: str) -> str | None:
    return None if value in CONTENT_TYPES else f"invalid content type '{value}'\n"


def _mac(value: str) -> str | None:
    return None if _MAC.match(value) else "value does not look like a valid unicast MAC address\n"


def _timezone(value: str) -> str | None:
    """`host`, `UTC`, or a zone of the system's table (PVE::JSONSchema, pve_verify_timezone)."""
    if value in {"host", "UTC"} or (_ZONES.exists() and value in _zones()):
        return None
    if not _ZONES.exists() and re.match(r"^[A-Za-z0-9_+\-]+(/[A-Za-z0-9_+\-]+)*$", value):
        return None  # a node without the table: what looks like a zone is one
    return f"invalid time zone '{value}'\n"


@functools.cache
def _zones() -> frozenset[str]:
    lines = _ZONES.read_text(encoding="utf-8").splitlines()
    return frozenset(line.split("\t")[2] for line in lines if line.count("\t") > 1 and not line.startswith("#"))


def _startup(value: str) -> str | None:
    for part in value.split(","):
        if not re.match(r"^(order=)?\d+$|^(up|down)=\d+$", part):
            return "unable to parse startup options\n"
    return None


def _task_state(value: str) -> str | None:
    return None if value in {"error", "ok", "unknown", "warning"} else f"invalid task status type '{value}'\n"


def _list_of(check: Check) -> Check:
    def check_all(value: str) -> str | None:
        return next((text for entry in split_list(value) if (text := check(entry))), None)

    return check_all


def split_list(value: str) -> list[str]:
    """PVE's lists: separated by commas, semicolons, blanks or NUL."""
    return [entry for entry in re.split(r"[\0,;\s]+", value) if entry]


CHECKS: dict[str, Check] = {
    "pve-vmid": _vmid,
    "pve-node": _matching(re.compile(rf"^{_NAME}$"), "value does not look like a valid node name\n"),
    "dns-name": _matching(_DNS, "value does not look like a valid DNS name\n"),
    "pve-configid": _matching(_CONFIG_ID, "invalid configuration ID '{}'\n"),
    "pve-storage-id": _matching(_STORAGE_ID, "storage ID '{}' contains illegal characters\n"),
    "pve-volume-id": _matching(_VOLUME_ID, "unable to parse volume ID '{}'\n"),
    "disk-size": _matching(_DISK_SIZE, "value does not look like a valid disk size\n"),
    "pve-userid": _matching(_USER_ID, "value '{}' does not look like a valid user name\n"),
    "pve-tokenid": _matching(_TOKEN_ID, "value '{}' does not look like a valid token ID\n"),
    "pve-groupid": _matching(re.compile(r"^[A-Za-z0-9.\-_]+$"), "group name '{}' contains invalid characters\n"),
    "pve-roleid": _matching(re.compile(r"^[A-Za-z0-9.\-_]+$"), "role name '{}' contains invalid characters\n"),
    "pve-realm": _matching(re.compile(r"^[A-Za-z][A-Za-z0-9.\-_]+$"), "value does not look like a valid realm\n"),
    "pve-poolid": _matching(
        re.compile(r"^[A-Za-z0-9.\-_]+(/[A-Za-z0-9.\-_]+)*$"), "pool name '{}' contains invalid characters\n"
    ),
    "pve-tag": _matching(_TAG, "invalid characters in tag\n"),
    "pve-iface": _matching(
        re.compile(r"^[A-Za-z][A-Za-z0-9_]{1,20}([:.]\d+)?$"), "invalid network interface name '{}'\n"
    ),
    "email": _matching(re.compile(r"^\S+@\S+\.\S+$"), "value does not look like a valid email address\n"),
    "email-opt": lambda value: (
        None if not value or "@" in value else "value does not look like a valid email address\n"
    ),
    "pve-storage-content": _content,
    "pve-storage-path": lambda value: (
        None if value.startswith("/") else "value does not look like a valid absolute path\n"
    ),
    "pve-lxc-dev-string": _device_path,
    "pve-lxc-mp-string": _mount_point,
    "pve-ipv4-config": _network_config(4),
    "pve-ipv6-config": _network_config(6),
    "ipv4": _address(4),
    "ipv6": _address(6),
    "ip": _any_address,
    "CIDR": _cidr(None),
    "CIDRv4": _cidr(4),
    "CIDRv6": _cidr(6),
    "lxc-ip-with-ll-iface": lambda value: None if value == "host" else _any_address(value),
    "mac-addr": _mac,
    "pve-ct-timezone": _timezone,
    "pve-startup-order": _startup,
    "pve-task-status-type": _task_state,
}


def check(name: str, value: str) -> str | None:
    """None when the value has the format (an unknown format accepts all), else PVE's message."""
    found = CHECKS.get(name)
    if found is None and name.endswith("-list"):
        single = CHECKS.get(name.removesuffix("-list"))
        found = _list_of(single) if single else None
    return found(value) if found else None
