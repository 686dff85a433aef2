"""Which kernel GRUB boots by default: `grub.cfg` with its environment block (`grub-editenv list`)."""

from __future__ import annotations

import dataclasses
import re

from rocmox.errors import CannotLookError
from rocmox.facts.reading import read_text
from rocmox.machine.base import Machine

CONFIG = "/boot/grub/grub.cfg"
_ENVIRONMENT = "/boot/grub/grubenv"
_ITEM = re.compile(
    r"^\s*(?P<kind>menuentry|submenu)\s+(?P<quote>['\"])(?P<title>.*?)(?P=quote)(?P<rest>.*)\{\s*$", re.MULTILINE
)
_ID = re.compile(r"(?:\$menuentry_id_option|--id)\s+(['\"])(.*?)\1")
_DEFAULT = re.compile(r"^\s*set default=(['\"]?)(?P<value>.*?)\1\s*$", re.MULTILINE)
_LINUX = re.compile(r"^\s*linux\s+\S*vmlinuz-(?P<kernel>\S+)", re.MULTILINE)
_LARGEST_BYTES = 4 << 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the menu; a submenu holds others. `kernel` is the release that it starts."""

    title: str
    identity: str
    kernel: str | None
    entries: tuple[Entry, ...] = ()


def parse_menu(text: str) -> tuple[Entry, ...]:
    """The menu of a grub.cfg as grub-mkconfig writes it: entries, submenus and what each starts."""
    entries, _ = _entries(text, 0, len(text))
    return entries


def _entries(text: str, start: int, end: int) -> tuple[tuple[Entry, ...], int]:
    found = []
    position = start
    while match := _ITEM.search(text, position, end):
        closing = _closing_brace(text, match.end(), end)
        identity = _ID.search(match["rest"])
        inner, _ = _entries(text, match.end(), closing) if match["kind"] == "submenu" else ((), 0)
        linux = _LINUX.search(text, match.end(), closing) if match["kind"] == "menuentry" else None
        found.append(
            Entry(
                title=match["title"],
                identity=identity[2] if identity else match["title"],
                kernel=linux["kernel"] if linux else None,
                entries=inner,
            )
        )
        position = closing
    return tuple(found), position


def _closing_brace(text: str, position: int, end: int) -> int:
    depth = 1
    for match in re.compile(r"[{}]").finditer(text, position, end):
        if match.group() == "{" and text[match.start() - 1] == "$":
            depth += 1
        else:
            depth += 1 if match.group() == "{" else -1
        if not depth:
            return match.start()
    return end


def parse_default(text: str, environment: dict[str, str]) -> str:
    """What `default` is in the end: `next_entry` for once, else what the file sets, `${saved_entry}` looked up."""
    if environment.get("next_entry"):
        return environment["next_entry"]
    values = [match["value"] for match in _DEFAULT.finditer(text)]
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
