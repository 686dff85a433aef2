"""The desired container: one entry of the inventory's `gpu_containers`, validated field by field."""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rocmox.containers.spec import fields
from rocmox.containers.spec.problems import Problem, refuse_if_any


@dataclasses.dataclass(frozen=True, kw_only=True)
class GpuChoice:
    """Which cards a container gets: every one, those of an architecture, or those at these addresses."""

    everything: bool = False
    architecture: str = ""
    pci_addresses: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.everything or bool(self.architecture) or bool(self.pci_addresses)

    @classmethod
    def from_value(cls, value: Any) -> GpuChoice:
        """`all`, `gfx906`, an address, or a list of addresses (empty: no card). ValueError with the reason."""
        if isinstance(value, str):
            if value.strip().lower() == "all":
                return cls(everything=True)
            architecture = fields.architecture(value)
            if architecture:
                return cls(architecture=architecture)
            value = [value]
        if not isinstance(value, list):
            reason = "is neither `all`, an architecture such as gfx906, nor a list of PCI addresses"
            raise ValueError(f"{value!r} {reason}")  # noqa: TRY004 - one kind of refusal for every field
        addresses = tuple(fields.pci_address(item) for item in value)
        if len(set(addresses)) != len(addresses):
            raise ValueError("names a card twice")
        return cls(pci_addresses=addresses)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ContainerSpec:
    """What the user asks for in one container."""

    where: str = "gpu_containers[0]"
    """The entry in the inventory, for messages."""
    vmid: int
    hostname: str
    gpus: GpuChoice = GpuChoice()
    gpus_exclusive: bool = False
    cores: int = 4
    memory_mib: int = 8192
    disk_gib: int = 32
    storage: str = "local-lvm"
    bridge: str = "vmbr0"
    ip: str = "dhcp"
    gateway: str = ""
    nameserver: tuple[str, ...] = ()
    template: str = "debian-13-standard"
    unprivileged: bool = True
    nesting: bool = True
    onboot: bool = True

    def field(self, name: str) -> str:
        """`gpu_containers[0].gpus (vmid 101, llm1)`."""
        return f"{self.where}.{name} (vmid {self.vmid}, {self.hostname})"


_VALIDATORS: dict[str, Callable[[Any], Any]] = {
    "vmid": lambda value: fields.whole_number(value, least=100, most=999_999_999),
    "hostname": fields.hostname,
    "gpus": GpuChoice.from_value,
    "gpus_exclusive": fields.yes_or_no,
    "cores": lambda value: fields.whole_number(value, least=1, most=8192),
    "memory_mib": lambda value: fields.whole_number(value, least=16),
    "disk_gib": lambda value: fields.whole_number(value, least=1, most=131_072),
    "storage": fields.storage,
    "bridge": fields.bridge,
    "ip": fields.ip,
    "gateway": fields.address,
    "nameserver": fields.nameservers,
    "template": fields.template,
    "unprivileged": fields.yes_or_no,
    "nesting": fields.yes_or_no,
    "onboot": fields.yes_or_no,
}
_REQUIRED = ("vmid", "hostname")
FIELD_NAMES = tuple(_VALIDATORS)


def parse_specs(entries: Any) -> tuple[ContainerSpec, ...]:
    """Every entry of `gpu_containers`; RefusedError names each bad field, and conflicts between entries."""
    if not isinstance(entries, list):
        refuse_if_any([Problem(where="gpu_containers", what="is not a list", remedy="Write a list of containers.")])
    specs: list[ContainerSpec] = []
    problems: list[Problem] = []
    for index, entry in enumerate(entries):
        spec, found = _parse_entry(f"gpu_containers[{index}]", entry)
        problems += found
        if spec is not None:
            specs.append(spec)
    refuse_if_any(problems + _conflicts(specs))
    return tuple(specs)


def _parse_entry(where: str, entry: Any) -> tuple[ContainerSpec | None, list[Problem]]:
    if not isinstance(entry, Mapping):
        return None, [
            Problem(where=where, what=f"{entry!r} is not a container", remedy="Write `- vmid: 101` and so on.")
        ]
    problems = [_unknown(where, str(key)) for key in entry if key not in _VALIDATORS]
    values: dict[str, Any] = {}
    for name, validate in _VALIDATORS.items():
        # An empty value means the default: inventories often write `gateway:` and leave it open.
        if entry.get(name) in (None, "") and name not in _REQUIRED:
            continue
        if name not in entry:
            problems.append(Problem(where=f"{where}.{name}", what="is missing", remedy="Every container needs it."))
            continue
        try:
            values[name] = validate(entry[name])
        except ValueError as error:
            problems.append(Problem(where=f"{where}.{name}", what=str(error)))
    if problems:
        return None, problems
    spec = ContainerSpec(where=where, **values)
    return spec, _contradictions(spec)


def _unknown(where: str, key: str) -> Problem:
    near = difflib.get_close_matches(key, FIELD_NAMES, n=1)
    remedy = f"Did you mean {near[0]}?" if near else f"Known fields: {', '.join(FIELD_NAMES)}."
    return Problem(where=f"{where}.{key}", what="is not a field of a container", remedy=remedy)


def _contradictions(spec: ContainerSpec) -> list[Problem]:
    """Fields that are right one by one and wrong together."""
    if not spec.gateway:
        return []
    if spec.ip == "dhcp":
        what = "is given although ip is dhcp, which brings its own gateway"
        return [Problem(where=spec.field("gateway"), what=what, remedy="Remove it, or give ip an address.")]
    if ipaddress.IPv4Address(spec.gateway) not in ipaddress.IPv4Interface(spec.ip).network:
        what = f"{spec.gateway} is not in the network of {spec.ip}; the guest could not reach it"
        return [Problem(where=spec.field("gateway"), what=what, remedy="Correct ip, its prefix length or gateway.")]
    return []


def _conflicts(specs: Sequence[ContainerSpec]) -> list[Problem]:
    """Two entries that claim the same VMID, name or address."""
    problems = []
    for name in ("vmid", "hostname", "ip"):
        seen: dict[Any, ContainerSpec] = {}
        for spec in specs:
            value = getattr(spec, name)
            claimed = value.split("/")[0] if name == "ip" else value
            if claimed == "dhcp":
                continue
            if claimed in seen:
                what = f"{claimed} is already taken by {seen[claimed].where} ({seen[claimed].hostname})"
                problems.append(Problem(where=spec.field(name), what=what, remedy="Give each container its own."))
            seen.setdefault(claimed, spec)
    return problems
