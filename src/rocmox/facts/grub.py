"""Which kernel GRUB boots by default: `grub.cfg` with its environment block (`grub-editenv list`)."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.reading import read_text
from rocmox.machine.base import Machine

CONFIG = "/boot/grub/grub.cfg"
_ENVIRONMENT = "/boot/grub/grubenv"
# No pattern crosses a line or tries one place twice: a file of 4 MiB takes no longer than its length.
_ITEM = re.compile(r"[ \t]*(?P<kind>menuentry|submenu)[ \t]+(?:'(?P<single>[^'\n]*)'|\"(?P<double>[^\"\n]*)\")")
_ID = re.compile(r"(?:\$menuentry_id_option|--id)[ \t]+(?:'([^'\n]*)'|\"([^\"\n]*)\")")
_DEFAULT = re.compile(r"^[ \t]*set default=(?:'([^'\n]*)'|\"([^\"\n]*)\"|([^'\"\n]*))", re.MULTILINE)
_LINUX = re.compile(r"[ \t]*linux[ \t]+(?P<path>\S+)")
_IMAGE = "vmlinuz-"
_DEEPEST = 32
_LARGEST_BYTES = 4 << 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the menu; a submenu holds others. `kernel` is the release that it starts."""

    title: str
    identity: str
    kernel: str | None
    entries: tuple[Entry, ...] = ()


@dataclasses.dataclass(kw_only=True)
class _Open:
    """An entry whose closing brace has not come; `depth` counts the braces open before it."""

    title: str
    identity: str
    depth: int
    is_menu: bool
    kernel: str | None = None
    entries: list[Entry] = dataclasses.field(default_factory=list)

    def close(self) -> Entry:
        return Entry(title=self.title, identity=self.identity, kernel=self.kernel, entries=tuple(self.entries))


def parse_menu(text: str) -> tuple[Entry, ...]:
    """The menu of a grub.cfg as grub-mkconfig writes it: entries, submenus and what each starts."""
    menu: list[Entry] = []
    stack: list[_Open] = []
    depth = 0
    for line in text.split("\n"):
        if item := _opened(line, depth, stack):
            stack.append(item)
        elif stack and not stack[-1].is_menu and stack[-1].kernel is None:
            stack[-1].kernel = _kernel(line)
        depth += line.count("{") - line.count("}")
        while stack and depth <= stack[-1].depth:
            done = stack.pop().close()
            (stack[-1].entries if stack else menu).append(done)
    while stack:
        done = stack.pop().close()
        (stack[-1].entries if stack else menu).append(done)
    return tuple(menu)


def _opened(line: str, depth: int, stack: list[_Open]) -> _Open | None:
    """The entry that a line begins; nothing is begun within a menuentry."""
    match = _ITEM.match(line)
    if not match or not line.rstrip().endswith("{") or len(stack) >= _DEEPEST or (stack and not stack[-1].is_menu):
        return None
    title = match["single"] if match["single"] is not None else match["double"]
    identity = _ID.search(line, match.end())
    named = (identity[1] or identity[2] or "") if identity else title
    return _Open(title=title, identity=named, depth=depth, is_menu=match["kind"] == "submenu")


def _kernel(line: str) -> str | None:
    match = _LINUX.match(line)
    return match["path"].rpartition(_IMAGE)[2] or None if match and _IMAGE in match["path"] else None


def parse_default(text: str, environment: dict[str, str]) -> str:
    """What `default` is in the end: `next_entry` for once, else what the file sets, `${saved_entry}` looked up."""
    if environment.get("next_entry"):
        return environment["next_entry"]
    values = [(match[1] or match[2] or match[3] or "").strip() for match in _DEFAULT.finditer(text)]
    plain = [value for value in values if value != "${next_entry}"]
    value = plain[-1] if plain else "0"
    return environment.get("saved_entry") or "0" if value == "${saved_entry}" else value


def parse_environment(text: str) -> dict[str, str]:
    """`grubenv`: lines NAME=VALUE, padded with #."""
    lines = (line for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def kernel_of(menu: tuple[Entry, ...], choice: str) -> str | None:
    """The kernel that a choice such as `0`, `1>2`, a title or `submenu-id>entry-id` starts; None when none is meant."""
    entries = menu
    entry: Entry | None = None
    for word in choice.split(">"):
        entry = _pick(entries, word)
        if entry is None:
            return None
        entries = entry.entries
    while entry is not None and entry.kernel is None and entry.entries:
        entry = entry.entries[0]
    return entry.kernel if entry else None


def _pick(entries: tuple[Entry, ...], word: str) -> Entry | None:
    if word.isdecimal():
        return entries[int(word)] if int(word) < len(entries) else None
    return next((entry for entry in entries if word in {entry.identity, entry.title}), None)


def read_default_kernel(machine: Machine) -> str:
    """The kernel that GRUB starts when nobody chooses; CannotLookError when its menu does not tell."""
    try:
        content = machine.read_bytes(CONFIG)
    except OSError as error:
        raise CannotLookError(f"{CONFIG}: {error.strerror}") from error
    text = content[:_LARGEST_BYTES].decode(errors="replace")
    try:
        environment = parse_environment(read_text(machine, _ENVIRONMENT))
    except CannotLookError:
        environment = {}
    choice = parse_default(text, environment)
    # GRUB falls back to the first entry when `default` names none (grub-core/normal/menu.c, get_entry_number).
    kernel = kernel_of(parse_menu(text), choice) or kernel_of(parse_menu(text), "0")
    if kernel is None:
        raise CannotLookError(f"{CONFIG}: default is {choice!r}, and no entry of the menu starts a kernel")
    return kernel
