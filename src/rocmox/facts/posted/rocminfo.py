"""`rocminfo`: the agents of the HSA runtime."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.posted.terminal import plain

_AGENT = re.compile(r"^[* \t]{0,40}Agent (\d{1,4})[* \t]{0,40}$", re.MULTILINE)
_FIELD = re.compile(r"^ {0,4}(?P<key>[A-Z][\w .()/-]{1,40}?): *(?P<value>\S.*?)?[ \t]*$", re.MULTILINE)
_POOL = re.compile(r"Segment:\s+(?P<segment>[A-Z][A-Z;:, ]*?[A-Z])\s*\n\s+Size:\s+(?P<size>\d{1,15})")
_NUMBER = re.compile(r"\d{1,20}")
_MODULE = re.compile(r"ROCk module(?: version (?P<version>[\w.+-]{1,40}))? is loaded")
_ISA = re.compile(r"Name:\s+(amdgcn-\S{1,80})")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Agent:
    """A processor or a card as the runtime names it; `uuid` is None where it says `GPU-XX`. Pools in KiB.

    `name` is what the runtime was told: HSA_OVERRIDE_GFX_VERSION changes it, the chip id stays.
    """

    number: int
    name: str
    marketing_name: str
    kind: str
    uuid: str | None
    node: int | None
    chip_id: int | None
    pci_address: str | None
    compute_units: int | None
    max_clock_mhz: int | None
    global_pools_kib: tuple[int, ...]
    isa: str | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class RocmInfo:
    """The whole output; `driver` is the DKMS module's version when it has one."""

    driver: str | None
    runtime: str | None
    agents: tuple[Agent, ...]


def parse_rocminfo(text: str) -> RocmInfo:
    """CannotLookError when there is no agent in it."""
    clean = plain(text)
    marks = list(_AGENT.finditer(clean))
    if not marks:
        raise CannotLookError("no `Agent N` line: this is not output of rocminfo")
    ends = [mark.start() for mark in marks[1:]] + [len(clean)]
    head = _fields(clean[: marks[0].start()])
    module = _MODULE.search(clean)
    return RocmInfo(
        driver=module["version"] if module else None,
        runtime=head.get("Runtime Version"),
        agents=tuple(_agent(int(mark[1]), clean[mark.end() : end]) for mark, end in zip(marks, ends, strict=True)),
    )


def _agent(number: int, block: str) -> Agent:
    fields = _fields(block)
    uuid = fields.get("Uuid", "")
    isa = _ISA.search(block)
    pools = [int(match["size"]) for match in _POOL.finditer(block) if match["segment"].startswith("GLOBAL")]
    return Agent(
        number=number,
        name=fields.get("Name", ""),
        marketing_name=fields.get("Marketing Name", ""),
        kind=fields.get("Device Type", ""),
        uuid=None if not uuid or uuid.endswith("-XX") else uuid,
        node=_number(fields.get("Node")),
        chip_id=_number(fields.get("Chip ID")),
        pci_address=_address(_number(fields.get("BDFID")), _number(fields.get("Domain")) or 0, fields),
        compute_units=_number(fields.get("Compute Unit")),
        max_clock_mhz=_number(fields.get("Max Clock Freq. (MHz)")),
        global_pools_kib=tuple(pools),
        isa=isa[1] if isa else None,
    )


def _fields(block: str) -> dict[str, str]:
    """The first value of each key: later ones belong to caches, pools and instruction sets."""
    found: dict[str, str] = {}
    for match in _FIELD.finditer(block):
        found.setdefault(match["key"].strip(), match["value"] or "")
    return found


def _number(text: str | None) -> int | None:
    """`26273(0x66a1)` as 26273."""
    match = _NUMBER.match(text or "")
    return int(match[0]) if match else None


def _address(bdf: int | None, domain: int, fields: dict[str, str]) -> str | None:
    if bdf is None or bdf >> 16 or fields.get("Device Type") != "GPU":
        return None
    return f"{domain:04x}:{bdf >> 8:02x}:{bdf >> 3 & 0x1F:02x}.{bdf & 7}"
