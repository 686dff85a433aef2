"""Does an answer agree with a recorded one: types and shape everywhere, values where the set-up decides them."""

from __future__ import annotations

import re
from typing import Any

# Values that differ from run to run or from machine to machine; their types are compared all the same.
VOLATILE = set(
    (  # noqa: SIM905 - a list this long reads better as words
        "CSRFPreventionToken address avail bridge_fd cgroup-mode changes cidr cpu cpus ctime data digest disk "
        "diskread diskwrite dns1 endtime exitstatus flags free headline idle inet6 infopage ip ip-address "
        "kversion loadavg localtime location maxcpu maxdisk maxmem md5sum mem mhz model msg n netin netout "
        "node- ip pid prefix priority pstart release serverid sha512sum size ssl_fingerprint starttime t "
        "ticket time total uid upid uptime used used_fraction wait"
    ).split()
)
# Lists of objects whose members are found by one key.
KEYS = ("volid", "vmid", "userid", "roleid", "tokenid", "storage", "iface", "subdir", "realm", "poolid", "key")
# Keys of rows in lists that only name what the machine has: shape alone is compared.
FREE = ("template", "upid", "t", "Package", "time", "service", "id")
HWADDR = re.compile(r"BC:24:11(:[0-9A-Fa-f]{2}){3}", re.IGNORECASE)
UPID = re.compile(r"UPID:[A-Za-z0-9\-]+:[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def normal(text: str) -> str:
    """A text without what every run makes anew."""
    text = UPID.sub("UPID:…:", HWADDR.sub("MAC", text))
    return UUID.sub("UUID", text).strip()


def differences(recorded: Any, found: Any, where: str = "data", *, values: bool = True) -> list[str]:
    """Everything that disagrees, with its place."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        return _objects(recorded, found, where, values=values)
    if isinstance(recorded, list) and isinstance(found, list):
        return _lists(recorded, found, where, values=values)
    if kind(recorded) != kind(found):
        return [f"{where}: {kind(recorded)} expected, {kind(found)} found"]
    if values and normal(str(recorded)) != normal(str(found)) and not _unordered_equal(recorded, found):
        return [f"{where}: {recorded!r} expected, {found!r} found"]
    return []


def kind(value: Any) -> str:
    """JSON's name of a type; integer and float are both number."""
    if value is None:
        return "null"
    if isinstance(value, bool | int | float):
        return "number"
    return {str: "string", list: "list", dict: "object"}[type(value)]


def _unordered_equal(recorded: Any, found: Any) -> bool:
    """PVE joins sets in Perl's hash order (`content`, `privs`)."""
    return isinstance(recorded, str) and sorted(recorded.split(",")) == sorted(str(found).split(","))


def _objects(recorded: dict[str, Any], found: dict[str, Any], where: str, *, values: bool) -> list[str]:
    lines = [f"{where}: key {key!r} is missing" for key in sorted(recorded.keys() - found.keys())]
    lines += [f"{where}: key {key!r} is too much" for key in sorted(found.keys() - recorded.keys())]
    for key in sorted(recorded.keys() & found.keys()):
        strict = values and key not in VOLATILE
        lines += differences(recorded[key], found[key], f"{where}.{key}", values=strict)
    return lines


def _lists(recorded: list[Any], found: list[Any], where: str, *, values: bool) -> list[str]:
    if not recorded or not found:
        rows = [*recorded, *found]
        free = all(isinstance(row, dict) and any(key in row for key in FREE) and not _key(row) for row in rows)
        return [] if free or recorded == found else [f"{where}: {len(recorded)} rows expected, {len(found)} found"]
    if not all(isinstance(row, dict) for row in [*recorded, *found]):
        return [] if recorded == found or not values else [f"{where}: {recorded} expected, {found} found"]
    key = _key(recorded[0])
    if key is None or any(key not in row for row in [*recorded, *found]):
        return _shapes(recorded, found, where)
    return _keyed(recorded, found, where, key, values=values)


def _key(row: dict[str, Any]) -> str | None:
    if any(key in row for key in ("upid", "template", "Package")) and "vmid" not in row:
        return None
    return next((key for key in KEYS if key in row), None)


def _shapes(recorded: list[Any], found: list[Any], where: str) -> list[str]:
    """Every row found has the keys and types of one that was recorded."""
    known = {_shape(row) for row in recorded}
    strange = [row for row in found if _shape(row) not in known]
    return [f"{where}: no such row was recorded: {strange[0]}"] if strange else []


def _shape(row: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, kind(value)) for key, value in row.items()))


def _keyed(recorded: list[Any], found: list[Any], where: str, key: str, *, values: bool) -> list[str]:
    expected = {str(row[key]): _row(row) for row in recorded}
    present = {str(row[key]): _row(row) for row in found}
    lines = [f"{where}: {name!r} is missing" for name in sorted(expected.keys() - present.keys())]
    lines += [f"{where}: {name!r} is too much" for name in sorted(present.keys() - expected.keys())]
    for name in sorted(expected.keys() & present.keys()):
        lines += differences(expected[name], present[name], f"{where}[{name}]", values=values)
    return lines


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """`{"key": "digest", "value": …}` differs in every run."""
    return {**row, "value": ""} if row.get("key") == "digest" else row
