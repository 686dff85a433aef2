"""`lspci` with any number of `-v`, `-k` and `-nn`: functions, registers, links and drivers, in mails too."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.posted.terminal import plain

_ADDRESS = r"(?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7]"
_HEAD = re.compile(rf"^[> ]{{0,4}}(?P<address>{_ADDRESS}) (?P<what>\S.*)$", re.MULTILINE)
_NAME = re.compile(r"(?P<class>[^:\[]{2,60}?)(?: \[(?P<class_id>[0-9a-f]{4})\])?: (?P<name>.{1,200}?)\s*$")
_IDS = re.compile(r"\[(?P<vendor>[0-9a-f]{4}):(?P<device>[0-9a-f]{4})\]")
_REVISION = re.compile(r"\(rev (?P<revision>[0-9a-f]{2})\)")
_REGION = re.compile(
    r"Region (?P<number>\d): Memory at (?P<start>[0-9a-f]{1,16}|<\w+>) \((?P<bits>32|64)-bit, (?P<kind>[\w-]+)\)"
    r"(?: \[(?:virtual|disabled)\])* \[size=(?P<size>\d{1,6}[KMGT]?)\]"
)
_SHORT_REGION = re.compile(
    r"Memory at (?P<start>[0-9a-f]{1,16}) \((?P<bits>32|64)-bit, (?P<kind>[\w-]+)\) \[size=(?P<size>\d{1,6}[KMGT]?)\]"
)
_RESIZE = re.compile(
    r"BAR (?P<number>\d): current size: (?P<current>\d{1,6}[KMGT]B), supported: (?P<sizes>(?:\d{1,6}[KMGT]B ?)+)"
)
_LINK = re.compile(
    r"Lnk(?P<which>Cap|Sta): (?:Port #\d{1,3}, )?Speed (?P<speed>[\d.]{1,5})GT/s(?: \(\w+\))?, "
    r"Width x(?P<width>\d{1,2})"
)
_ACS = re.compile(r"ACSCtl: (?P<bits>(?:\w+[+-] ?){1,9})")
_VALUES = {
    "driver": re.compile(r"Kernel driver in use: (\S{1,60})"),
    "modules": re.compile(r"Kernel modules: (\S.{0,100}?)(?= [A-Z]|$)"),
    "numa_node": re.compile(r"NUMA node: (\d{1,4})"),
    "iommu_group": re.compile(r"IOMMU group: (\d{1,5})"),
    "subsystem": re.compile(
        r"Subsystem: (.{1,160}?)(?= (?:Control|Flags|Latency|Physical Slot|Interrupt|Kernel|Memory|Region):? |$)"
    ),
}
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclasses.dataclass(frozen=True, kw_only=True)
class PostedRegion:
    """A memory register: `start` is None while it is unassigned."""

    number: int | None
    start: int | None
    size_bytes: int
    is_64_bit: bool
    is_prefetchable: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class PostedFunction:
    """One function; `address` and `name` are None in a fragment without its first line.

    `resizable_bytes` is register → sizes it could have; `has_resizable_bar` is None unless the capabilities were shown.
    """

    address: str | None
    class_name: str | None
    name: str | None
    ids: str | None
    regions: tuple[PostedRegion, ...]
    resizable_bytes: dict[int, tuple[int, ...]]
    has_resizable_bar: bool | None
    link_gts: float | None
    link_width: int | None
    max_link_gts: float | None
    max_link_width: int | None
    acs_control: str | None
    values: dict[str, str]

    @property
    def is_amd(self) -> bool:
        """Whether AMD or ATI made it, by id or by name."""
        return (self.ids or "").startswith("1002:") or "[AMD/ATI]" in (self.name or "")


def parse_lspci(text: str) -> list[PostedFunction]:
    """Every function; CannotLookError when there is neither one nor a fragment of one."""
    clean = plain(text)
    heads = list(_HEAD.finditer(clean))
    if not heads:
        fragment = _function(None, clean)
        if not (fragment.regions or fragment.resizable_bytes or fragment.max_link_width):
            raise CannotLookError("no function of lspci")
        return [fragment]
    ends = [head.start() for head in heads[1:]] + [len(clean)]
    return [_function(head, clean[head.start() : end]) for head, end in zip(heads, ends, strict=True)]


def _function(head: re.Match[str] | None, block: str) -> PostedFunction:
    """One block; its lines are joined, for a mail may have broken them anywhere."""
    joined = re.sub(r"\s+", " ", re.sub(r"\n[> ]*", " ", block))
    named = _NAME.match(_first_line(joined, head)) if head else None
    ids = _IDS.search(_first_line(joined, head)) if head else None
    links = {match["which"]: match for match in reversed(list(_LINK.finditer(joined)))}
    now, can = links.get("Sta"), links.get("Cap")
    acs = _ACS.search(joined)
    found = {name: match[1].strip() for name, pattern in _VALUES.items() if (match := pattern.search(joined))}
    return PostedFunction(
        address=head["address"] if head else None,
        class_name=named["class"].strip() if named else None,
        name=named["name"] if named else None,
        ids=f"{ids['vendor']}:{ids['device']}" if ids else None,
        regions=tuple(_regions(joined)),
        resizable_bytes=_resizable(joined),
        has_resizable_bar=True if _RESIZE.search(joined) else _has_resizable(joined),
        link_gts=float(now["speed"]) if now else None,
        link_width=int(now["width"]) if now else None,
        max_link_gts=float(can["speed"]) if can else None,
        max_link_width=int(can["width"]) if can else None,
        acs_control=acs["bits"].strip() if acs else None,
        values=found,
    )


def _first_line(joined: str, head: re.Match[str]) -> str:
    """Class and name: the text from the address up to the first field below it."""
    rest = joined.lstrip("> ").removeprefix(head["address"]).strip()
    end = re.search(
        r" (?:Subsystem|Control|Flags|DeviceName|Kernel driver in use|Kernel modules|Physical Slot): ", rest
    )
    return re.sub(r" \(prog-if [^)]*\)", "", rest[: end.start()] if end else rest[:250])


def _regions(joined: str) -> list[PostedRegion]:
    matches = list(_REGION.finditer(joined)) or list(_SHORT_REGION.finditer(joined))
    return [
        PostedRegion(
            number=int(match["number"]) if "number" in match.re.groupindex else None,
            start=None if match["start"].startswith("<") else int(match["start"], 16),
            size_bytes=_size(match["size"]),
            is_64_bit=match["bits"] == "64",
            is_prefetchable=match["kind"] == "prefetchable",
        )
        for match in matches
    ]


def _resizable(joined: str) -> dict[int, tuple[int, ...]]:
    return {
        int(match["number"]): tuple(_size(word.removesuffix("B")) for word in match["sizes"].split())
        for match in _RESIZE.finditer(joined)
    }


def _has_resizable(joined: str) -> bool | None:
    """Old pciutils name the capability by its number: `[200 v1] #15`."""
    if "Resizable BAR" in joined or re.search(r"Capabilities: \[[0-9a-f]{3} v\d\] #15\b", joined):
        return True
    return False if re.search(r"Capabilities: \[[1-9a-f][0-9a-f]{2} v\d\]", joined) else None


def _size(text: str) -> int:
    return int(text.rstrip("KMGT")) * _UNITS[text.lstrip("0123456789")]
