"""Who may do what where: PVE::AccessControl's roles with propagation, tokens with privilege separation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rocmox_lab.pve.access import roles
from rocmox_lab.pve.answers import NoPermissionError

ROOT = "root@pam"


def split_token(name: str) -> tuple[str, str | None]:
    """`user@realm!token` → (user, token); (user, None) for a user."""
    user, mark, token = name.partition("!")
    return user, token if mark else None


class Rights:
    """The rights of everybody, computed from the store and the version's roles."""

    def __init__(self, data: Mapping[str, Any], version: str) -> None:
        self._data = data
        self._roles: dict[str, frozenset[str]] = roles.builtin(version)
        self._roles.update({name: frozenset(granted) for name, granted in data["roles"].items()})
        self._all = roles.privileges(version)

    def at(self, who: str, path: str) -> dict[str, int]:
        """Privilege → 1 (propagates below) or 0 (here only)."""
        user, token = split_token(who)
        if who == ROOT:
            return dict.fromkeys(sorted(self._all), 1)
        if token is None:
            return self._granted(who, path)
        entry = self._data["users"].get(user, {}).get("tokens", {}).get(token, {})
        if not int(entry.get("privsep", 1)):
            return self.at(user, path)
        own, users = self._granted(who, path), self.at(user, path)
        return {name: flag and users[name] for name, flag in own.items() if name in users}

    def has(self, who: str, path: str, privilege: str) -> bool:
        """Whether the privilege is there."""
        return privilege in self.at(who, path)

    def need(self, who: str, path: str, privileges: Sequence[str]) -> None:
        """All of the privileges, else 403 naming the first that is missing."""
        found = self.at(who, path)
        for privilege in privileges:
            if privilege not in found:
                raise NoPermissionError(f"{path}, {privilege}")

    def need_any(self, who: str, path: str, privileges: Sequence[str]) -> None:
        """One of the privileges, else 403 naming all."""
        found = self.at(who, path)
        if not any(privilege in found for privilege in privileges):
            raise NoPermissionError(f"{path}, {'|'.join(privileges)}")

    def paths(self) -> list[str]:
        """Paths that `access/permissions` lists: the fixed ones and those of the ACL."""
        fixed = ["/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms"]
        return sorted({*fixed, *(entry["path"] for entry in self._data["acl"])})

    def role_names(self) -> Mapping[str, frozenset[str]]:
        """All roles."""
        return self._roles

    def _granted(self, who: str, path: str) -> dict[str, int]:
        """From the ACL: the nearest entry on the way up decides for each path level; deeper replaces higher."""
        user, token = split_token(who)
        account = self._data["users"].get(user)
        if account is None or not int(account.get("enable", 1)):
            return {}
        groups = set() if token else set(account.get("groups", []))
        granted: dict[str, int] = {}
        for level in _levels(path):
            here = [entry for entry in self._data["acl"] if entry["path"] == level and _concerns(entry, who, groups)]
            here = [entry for entry in here if level == path or int(entry.get("propagate", 1))]
            personal = [entry for entry in here if entry["type"] != "group"]
            chosen = personal or here
            if not chosen:
                continue
            if any(entry["roleid"] == "NoAccess" for entry in chosen):
                granted = {}
                continue
            granted = {
                privilege: int(entry.get("propagate", 1))
                for entry in chosen
                for privilege in self._roles.get(entry["roleid"], frozenset())
            }
        return granted


def _levels(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part]
    return ["/", *("/" + "/".join(parts[: count + 1]) for count in range(len(parts)))]


def _concerns(entry: Mapping[str, Any], who: str, groups: set[str]) -> bool:
    if entry["type"] == "group":
        return entry["ugid"] in groups
    return bool(entry["ugid"] == who)
