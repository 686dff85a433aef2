"""Which of the desired folders, files, links, packages, users and units are not there as desired; as JSON.

One start of Python in place of a task for each of them: standard input holds what is desired, standard output names
each difference with its reason, `{}` when there is none. The tasks that fix a difference run only then.

Desired is an object of lists, each of which may be missing:

* `folders`: `{path, mode, owner?, group?}`; mode in octal digits; `mode` may be missing
* `files`: `{path, sha256?, mode?, owner?, group?}`; without `sha256` the file has to be there
* `links`: `{path, target}`
* `absent`: paths where nothing may be
* `packages`: names for dpkg; `users`: names
* `units`: `{name, active?, enabled?}` for systemd; a unit whose file systemd has not read again is a difference
"""

from __future__ import annotations

import grp
import hashlib
import json
import pwd
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_RUNS = frozenset({"active", "activating", "reloading"})  # what systemd_service takes for started
_PROPERTIES = "Id,Names,ActiveState,UnitFileState,NeedDaemonReload"

Differences = Iterator[tuple[str, str]]


def differences(desired: dict[str, Any]) -> dict[str, str]:
    """The reason why each path, package, user or unit differs; nothing is changed."""
    found: dict[str, str] = {}
    for part, look in _LOOKS.items():
        found.update(look(desired.get(part) or []))
    return found


def _folders(entries: list[dict[str, str]]) -> Differences:
    for entry in entries:
        if not Path(entry["path"]).is_dir():
            yield entry["path"], "is not a folder"
        else:
            yield from _access(entry)


def _files(entries: list[dict[str, str]]) -> Differences:
    for entry in entries:
        path = Path(entry["path"])
        if path.is_symlink() or not path.is_file():
            yield entry["path"], "is not a file"
        elif "sha256" in entry and hashlib.sha256(path.read_bytes()).hexdigest() != entry["sha256"]:
            yield entry["path"], "has another content"
        else:
            yield from _access(entry)


def _access(entry: dict[str, str]) -> Differences:
    status = Path(entry["path"]).stat()
    if "mode" in entry and stat.S_IMODE(status.st_mode) != int(entry["mode"], 8):
        yield entry["path"], f"has mode {stat.S_IMODE(status.st_mode):04o}"
    if "owner" in entry and _user_number(entry["owner"]) != status.st_uid:
        yield entry["path"], f"belongs to user {status.st_uid}"
    if "group" in entry and _group_number(entry["group"]) != status.st_gid:
        yield entry["path"], f"belongs to group {status.st_gid}"


def _links(entries: list[dict[str, str]]) -> Differences:
    for entry in entries:
        path = Path(entry["path"])
        if not path.is_symlink() or str(path.readlink()) != entry["target"]:
            yield entry["path"], f"is not a link to {entry['target']}"


def _absent(paths: list[str]) -> Differences:
    for path in paths:
        if Path(path).exists() or Path(path).is_symlink():
            yield path, "is there"


def _packages(names: list[str]) -> Differences:
    """`dpkg-query -W`: a package that dpkg never heard of has no line."""
    argv = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *names]
    lines = set(_output(argv).splitlines()) if names else set()
    for name in names:
        if f"{name} installed" not in lines:
            yield name, "is not installed"


def _users(names: list[str]) -> Differences:
    for name in names:
        if _user_number(name) is None:
            yield name, "is not a user"


def _units(entries: list[dict[str, Any]]) -> Differences:
    """`systemctl show` ends each unit's properties with an empty line, in the order of the names."""
    names = [entry["name"] for entry in entries]
    shown = _output(["systemctl", "show", f"--property={_PROPERTIES}", *names]) if names else ""
    units = [parse_properties(block) for block in shown.split("\n\n")]
    by_name = {name: unit for unit in units for name in unit.get("Names", unit.get("Id", "")).split()}
    for entry in entries:
        unit = by_name.get(entry["name"], {})
        if entry.get("active") and unit.get("ActiveState") not in _RUNS:
            yield entry["name"], f"is {unit.get('ActiveState', 'unknown to systemd')}"
        elif entry.get("enabled") and unit.get("UnitFileState") != "enabled":
            yield entry["name"], "is not enabled"
        elif unit.get("NeedDaemonReload") == "yes":
            yield entry["name"], "has a file that systemd has not read again"


def parse_properties(block: str) -> dict[str, str]:
    """`NAME=VALUE` lines of `systemctl show`."""
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _output(argv: list[str]) -> str:
    """What the program says; nothing where it is missing."""
    try:
        return subprocess.run(argv, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    except FileNotFoundError:
        return ""


def _user_number(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def _group_number(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


_LOOKS: dict[str, Callable[[list[Any]], Differences]] = {
    "folders": _folders,
    "files": _files,
    "links": _links,
    "absent": _absent,
    "packages": _packages,
    "users": _users,
    "units": _units,
}

if __name__ == "__main__":
    print(json.dumps(differences(json.load(sys.stdin))))
