"""Firmware that runs on a card: `fw_version/*_fw_version` for everybody, `amdgpu_firmware_info` in debugfs for root.

Both come from amdgpu_ucode.c and amdgpu_debugfs_firmware_info (amdgpu_kms.c). The text form is also what people post:
with prefixes of a log or of grep, quoted in mails, wrapped, on one line, or with the two numbers of a TA swapped
(Linux 5.13 to 5.15).
"""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.reading import list_names, parse_whole_number, read_text
from rocmox.machine.base import Machine

_NAMES = (
    r"TA (?:XGMI|RAS|HDCP|DTM|RAP|SECUREDISPLAY)|RLC SRL[CGS]|SDMA\d{1,2}|MES_KIQ|DMCUB|MEC2|RLCP|RLCV|DMCU|UMSCH|"
    r"ISP|VCE|UVD|MEC|PFP|RLC|IMU|SOS|ASD|SMC|VCN|TOC|MES|VPE|CAP|MC|ME|CE"
)
_ENTRY = re.compile(
    rf"(?<!\w)(?P<name>{_NAMES}) feature version:\s*(?P<feature>0x[0-9a-fA-F]{{1,8}}|\d{{1,10}}),\s*"
    r"(?:program:\s*(?P<program>\d{1,10}),\s*)?fi?rmware version:\s*(?P<version>0x[0-9a-fA-F]{1,8})"
)
# `rocm-smi --showfwinfo`: numbers in either base, or bytes with points between (`32.00.00.18` is 0x20000012).
_SMI = re.compile(
    r"GPU\[(?P<card>\d{1,3})\]\s*:\s*(?P<name>[A-Z][A-Z0-9 ]{1,18}) firmware version:\s*"
    r"(?P<version>0x[0-9a-fA-F]{1,8}|\d{1,3}(?:\.\d{1,3}){3}|\d{1,10})\b"
)
# `grep . fw_version/*`: what everybody may read.
_GREP = re.compile(r"(?<![a-z0-9_])(?P<kind>[a-z0-9_]{2,20})_fw_version:\s{0,3}(?P<version>0x[0-9a-fA-F]{1,8})\b")
_VBIOS = re.compile(r"VBIOS version:\s*(?P<vbios>[\w.\-]{1,64})")
_SOFT_BREAK = re.compile(r"=\r?\n")
_QUOTE = re.compile(r"(?m)^[> \t]*> ?")
_FILE = re.compile(r"(?P<kind>\w{1,40})_fw_version")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Firmware:
    """One firmware by the kernel's name (`MES`, `SDMA0`, `TA RAS`); version 0 means that it is not loaded."""

    name: str
    version: int
    feature: int | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether this card runs it."""
        return self.version != 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class FirmwareTable:
    """Every firmware named, and the VBIOS's part number when the text gives it."""

    entries: tuple[Firmware, ...]
    vbios: str | None

    def version(self, name: str) -> int | None:
        """The version of a firmware; None when it is not named."""
        return next((entry.version for entry in self.entries if entry.name == name), None)


def parse_firmware_info(text: str) -> FirmwareTable:
    """`amdgpu_firmware_info` in any posted form; CannotLookError when it names no firmware."""
    clean = _QUOTE.sub("", _SOFT_BREAK.sub("", text))
    entries: dict[str, Firmware] = {}
    for match in _ENTRY.finditer(clean):
        feature, version = parse_whole_number(match["feature"], "feature"), int(match["version"], 16)
        if match["name"].startswith("TA ") and not version and feature:
            feature, version = version, feature
        entries.setdefault(match["name"], Firmware(name=match["name"], version=version, feature=feature))
    for match in _GREP.finditer(clean):
        name = kernel_name(match["kind"])
        entries.setdefault(name, Firmware(name=name, version=int(match["version"], 16)))
    first = _first_card(clean)
    for match in _SMI.finditer(clean):
        if match["card"] == first:
            name = kernel_name(match["name"].replace(" ", "_"))
            entries.setdefault(name, Firmware(name=name, version=_version(match["version"])))
    vbios = _VBIOS.search(clean)
    if not entries and vbios is None:
        raise CannotLookError("no line of amdgpu_firmware_info")
    return FirmwareTable(entries=tuple(entries.values()), vbios=vbios["vbios"] if vbios else None)


def _first_card(text: str) -> str | None:
    """The number of the first card of a text by `rocm-smi`: a table of firmware is one card's."""
    match = _SMI.search(text)
    return match["card"] if match else None


def _version(text: str) -> int:
    if "." not in text:
        return parse_whole_number(text, "firmware version")
    number = 0
    for part in text.split("."):
        number = number << 8 | int(part) & 0xFF
    return number


def kernel_name(kind: str) -> str:
    """The name in `amdgpu_firmware_info` of a file `KIND_fw_version`: `ta_ras` is `TA RAS`, `sdma` is `SDMA0`."""
    upper = kind.upper()
    if upper.startswith(("TA_", "RLC_")):
        return upper.replace("_", " ", 1)
    return {"SDMA": "SDMA0", "SDMA2": "SDMA1"}.get(upper, upper)


def read_firmware(machine: Machine, address: str) -> FirmwareTable:
    """The versions that sysfs shows to everybody; CannotLookError when the card shows none."""
    place = f"/sys/bus/pci/devices/{address}/fw_version"
    entries = []
    for name in list_names(machine, place):
        match = _FILE.fullmatch(name)
        if match is None:
            continue
        try:
            version = parse_whole_number(read_text(machine, f"{place}/{name}"), name)
        except CannotLookError:
            continue
        entries.append(Firmware(name=kernel_name(match["kind"]), version=version))
    if not entries:
        raise CannotLookError(f"{place}: no firmware version can be read")
    return FirmwareTable(entries=tuple(entries), vbios=None)


def read_firmware_info(machine: Machine, card: int) -> FirmwareTable:
    """The debugfs table of cardN, for root on the node."""
    return parse_firmware_info(read_text(machine, f"/sys/kernel/debug/dri/{card}/amdgpu_firmware_info"))
