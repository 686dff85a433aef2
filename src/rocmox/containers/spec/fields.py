"""Validators of single fields: each returns the value in its one spelling or raises ValueError with the reason."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from rocmox.errors import UsageError
from rocmox.facts.pci import parse_address

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOSTNAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*", re.IGNORECASE)
_STORAGE = re.compile(r"[a-z][a-z0-9\-_.]*[a-z0-9]", re.IGNORECASE)
_BRIDGE = re.compile(r"[a-zA-Z][a-zA-Z0-9_.-]{0,14}")
_ARCHITECTURE = re.compile(r"gfx[0-9a-f]{3,4}")
_TEMPLATE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/+~-]*")
_LARGEST = 10**9


def whole_number(value: Any, *, least: int, most: int = _LARGEST) -> int:
    """A whole number within its limits; text of digits counts, booleans do not."""
    if isinstance(value, str) and value.strip().isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is not a whole number")  # noqa: TRY004 - see yes_or_no
    if not least <= value <= most:
        raise ValueError(f"{value} is outside {least} … {most}")
    return value


def yes_or_no(value: Any) -> bool:
    """True or false as YAML gives them."""
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")  # noqa: TRY004 - one kind of refusal for every field
    return value


def hostname(value: Any) -> str:
    """A host name as PVE takes it."""
    return _matching(value, _HOSTNAME, "a DNS name (letters, digits, hyphens, dots)")


def storage(value: Any) -> str:
    """A storage id as PVE takes it."""
    return _matching(value, _STORAGE, "a storage name")


def bridge(value: Any) -> str:
    """A bridge or SDN vnet; the kernel takes 15 characters."""
    return _matching(value, _BRIDGE, "a bridge name")


def template(value: Any) -> str:
    """A volume id, a file name, or the beginning of one (`debian-13-standard`)."""
    return _matching(value, _TEMPLATE, "a template name")


def pci_address(value: Any) -> str:
    """`03:00.0` and `0000:03:00.0` as the latter."""
    try:
        return parse_address(str(value))
    except UsageError as error:
        raise ValueError(f"{value!r} is not a PCI address such as 0000:03:00.0") from error


def architecture(value: str) -> str | None:
    """The value when it names a GPU architecture (`gfx906`), else None."""
    text = value.strip().lower()
    return text if _ARCHITECTURE.fullmatch(text) else None


def ip(value: Any) -> str:
    """`dhcp`, or an IPv4 address with its prefix length."""
    text = str(value).strip()
    if text == "dhcp":
        return text
    if "/" not in text:
        raise ValueError(f"{text!r} has no prefix length; write for example 192.168.1.50/24, or dhcp")
    try:
        return str(ipaddress.IPv4Interface(text))
    except ValueError as error:
        raise ValueError(f"{text!r} is not an IPv4 address with prefix length: {error}") from error


def address(value: Any) -> str:
    """An IPv4 address without prefix length."""
    try:
        return str(ipaddress.IPv4Address(str(value).strip()))
    except ValueError as error:
        raise ValueError(f"{value!r} is not an IPv4 address") from error


def nameservers(value: Any) -> tuple[str, ...]:
    """A list, or text separated by blanks or commas, of addresses."""
    words = value if isinstance(value, list) else str(value).replace(",", " ").split()
    try:
        return tuple(str(ipaddress.ip_address(str(word))) for word in words)
    except ValueError as error:
        raise ValueError(f"{value!r} holds something that is not an IP address: {error}") from error


def _matching(value: Any, pattern: re.Pattern[str], kind: str) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise ValueError(f"{value!r} is not {kind}")
    return value
