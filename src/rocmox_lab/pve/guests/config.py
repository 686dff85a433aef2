"""/etc/pve/lxc/VMID.conf: read and written as PVE::LXC::Config's parse_pct_config and write_pct_config do.

Values stay text; `[pve:pending]` and snapshot sections are kept. What PVE cannot parse is kept or dropped as PVE does,
with its warning.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import urllib.parse
from collections.abc import Mapping

from rocmox_lab.pve import properties, values
from rocmox_lab.pve.answers import AnswerError, missing_guest
from rocmox_lab.pve.node import Node
from rocmox_lab.pve.schema import Method

DIRECTORY = "/etc/pve/lxc"
PENDING = "pve:pending"
_LINE = re.compile(r"^([a-z][a-z_-]*\d*)\s*:\s*(\S.*?)\s*$")
_RAW = re.compile(r"^(lxc\.[a-zA-Z0-9_.\-]+)\s*[:=]\s*(.*?)\s*$")
_SECTION = re.compile(r"^\[([^\]]+)\]\s*$")
_SAFE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != ":")
# Raw keys PVE accepts in the file (PVE::LXC::Config, $valid_lxc_conf_keys): the families its list names.
_RAW_FAMILIES = tuple(
    (  # noqa: SIM905 - a list this long reads better as words
        "apparmor. autodev cap. cgroup. cgroup2. console. devttydir environment ephemeral execute. group haltsignal "
        "hook. idmap include init. kmsg log. loglevel mount mount. net. no_new_privs prlimit. proc. rebootsignal "
        "rootfs. seccomp. selinux. signal. start. stopsignal sysctl. tty. uts."
    ).split()
)


@dataclasses.dataclass(kw_only=True)
class Section:
    """Keys and raw `lxc.*` lines of one part of the file."""

    values: dict[str, str] = dataclasses.field(default_factory=dict)
    raw: list[tuple[str, str]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(kw_only=True)
class GuestConfig:
    """One file; `delete` holds the keys whose removal is pending."""

    current: Section = dataclasses.field(default_factory=Section)
    pending: Section = dataclasses.field(default_factory=Section)
    delete: list[str] = dataclasses.field(default_factory=list)
    snapshots: dict[str, Section] = dataclasses.field(default_factory=dict)
    digest: str = ""
    warnings: list[str] = dataclasses.field(default_factory=list)

    @property
    def values(self) -> dict[str, str]:
        """Keys of the current section."""
        return self.current.values

    def flag(self, key: str) -> bool:
        """A boolean of the current section."""
        return values.is_true(self.values.get(key))

    def wanted(self) -> dict[str, str]:
        """The values once everything pending is applied."""
        merged = {**self.values, **self.pending.values}
        return {key: value for key, value in merged.items() if key not in self.delete}


def parse(text: str, options: Method, *, vmid: int = 0) -> GuestConfig:
    """The file's content; `options` is the method whose parameters are the known keys."""
    config = GuestConfig(digest=hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
    section, comments = config.current, dict[int, list[str]]()
    for line in text.splitlines():
        header = _SECTION.match(line)
        if header:
            section = _section(config, header[1])
        elif line.startswith("#"):
            comments.setdefault(id(section), []).append(_decode(line[1:]))
        elif line.strip():
            _parse_line(line, section, options, config.warnings, vmid)
    for part in (config.current, config.pending, *config.snapshots.values()):
        if id(part) in comments:
            part.values["description"] = "".join(f"{entry}\n" for entry in comments[id(part)])
    config.delete = _split_delete(config.pending.values.pop("delete", ""))
    return config


def _section(config: GuestConfig, name: str) -> Section:
    if name == PENDING:
        return config.pending
    return config.snapshots.setdefault(name, Section())


def _parse_line(line: str, section: Section, options: Method, warnings: list[str], vmid: int) -> None:
    raw = _RAW.match(line)
    if raw:
        if raw[1].removeprefix("lxc.").startswith(_RAW_FAMILIES):
            section.raw.append((raw[1], raw[2]))
        else:
            warnings.append(f"vm {vmid} - unable to parse config: {line}\n")
        return
    match = _LINE.match(line)
    if match is None:
        warnings.append(f"vm {vmid} - unable to parse config: {line}\n")
        return
    key, value = match[1], match[2]
    problem = None if key in {"delete", "parent", "snaptime", "snapstate"} else _problem(key, value, options)
    if problem:
        warnings.append(f"vm {vmid} - unable to parse value of '{key}' - {problem}")
    section.values[key] = value


def _problem(key: str, value: str, options: Method) -> str | None:
    entry = options.property_of(key)
    if entry is None:
        return f"unknown setting '{key}'\n"
    inline = entry.get("format")
    if isinstance(inline, dict):
        try:
            properties.parse(value, inline)
        except properties.PropertyStringError as error:
            return error.message + "".join(f"{name}: {text}\n" for name, text in sorted(error.errors.items()))
        return None
    wrong = values.check_type(value, entry.get("type"), loose_boolean=True)
    return f"{wrong}\n" if wrong else None


def _split_delete(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def render(config: GuestConfig) -> str:
    """The file as PVE writes it."""
    pending = Section(values=dict(config.pending.values), raw=config.pending.raw)
    if config.delete:
        pending.values["delete"] = ",".join(config.delete)
    text = _render(config.current)
    if pending.values or pending.raw:
        text += f"\n[{PENDING}]\n" + _render(pending)
    for name in sorted(config.snapshots):
        text += f"\n[{name}]\n" + _render(config.snapshots[name])
    return text


def _render(section: Section) -> str:
    lines = [f"#{encode_text(line)}" for line in section.values.get("description", "").rstrip("\n").split("\n")]
    if not section.values.get("description"):
        lines = []
    lines += [f"{key}: {section.values[key]}" for key in sorted(section.values) if key != "description"]
    lines += [f"{key}: {value}" for key, value in section.raw]
    return "".join(f"{line}\n" for line in lines)


def encode_text(text: str) -> str:
    """A text on one line (PVE::Tools' encode_text)."""
    return urllib.parse.quote(text, safe=_SAFE)


def _decode(text: str) -> str:
    return urllib.parse.unquote(text, errors="replace")


class ConfigFiles:
    """The configuration files of a node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        method = node.schema.method("PUT", "/nodes/{node}/lxc/{vmid}/config")
        create = node.schema.method("POST", "/nodes/{node}/lxc")
        if method is None or create is None:
            message = f"the tables of {node.version} hold no container options"
            raise AnswerError(message)
        self.options = _all_options(method, create)

    def path(self, vmid: int) -> str:
        """Where the file is, on the node."""
        return f"{DIRECTORY}/{vmid}.conf"

    def exists(self, vmid: int) -> bool:
        """Whether a guest has this VMID."""
        return self._node.path(self.path(vmid)).exists()

    def vmids(self) -> list[int]:
        """All guests, sorted."""
        folder = self._node.path(DIRECTORY)
        if not folder.is_dir():
            return []
        return sorted(int(entry.stem) for entry in folder.glob("*.conf") if entry.stem.isdigit())

    def load(self, vmid: int) -> GuestConfig:
        """One guest's file; PVE's 500 when there is none."""
        try:
            text = self._node.path(self.path(vmid)).read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise missing_guest(vmid, self._node.name) from error
        return parse(text, self.options, vmid=vmid)

    def save(self, vmid: int, config: GuestConfig) -> None:
        """Write one guest's file and bring its digest up to date."""
        text = render(config)
        self._prepare()
        self._node.write(self.path(vmid), text)
        config.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def _prepare(self) -> None:
        """`/etc/pve/lxc` leads to `nodes/NAME/lxc`, as in PVE's cluster file system."""
        link = self._node.path(DIRECTORY)
        if not link.exists():
            self._node.path(f"/etc/pve/nodes/{self._node.name}/lxc").mkdir(parents=True, exist_ok=True)
            link.symlink_to(f"nodes/{self._node.name}/lxc")

    def remove(self, vmid: int) -> None:
        """Forget a guest."""
        self._node.path(self.path(vmid)).unlink(missing_ok=True)

    def shown(self, section: Mapping[str, str]) -> dict[str, object]:
        """Values with the types that JSON answers carry: integers and booleans are numbers, all else is text."""
        return {key: self._typed(key, value) for key, value in section.items()}

    def _typed(self, key: str, value: str) -> object:
        entry = self.options.property_of(key) or {}
        if entry.get("type") == "boolean":
            return int(values.is_true(value))
        if entry.get("type") == "integer" and re.match(r"^\d+$", value):
            return int(value)
        return value


def _all_options(update: Method, create: Method) -> Method:
    known = {**update.properties, "unprivileged": create.properties["unprivileged"], "template": {"type": "boolean"}}
    known.setdefault("lock", create.properties["lock"])
    known = {key: entry for key, entry in known.items() if key not in {"delete", "revert", "digest", "node", "vmid"}}
    return Method(verb=update.verb, path=update.path, table={"parameters": {"properties": known}})
