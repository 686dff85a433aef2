"""The permission rules of the tables (`{"check": ["perm", "/vms/{vmid}", [...]]}`): PVE::RPCEnvironment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rocmox_lab.pve.access.rights import ROOT, Rights
from rocmox_lab.pve.answers import NoPermissionError, UnauthenticatedError
from rocmox_lab.pve.schema import Method

_PLACEHOLDER = re.compile(r"\{([a-z\-_]+)\}")


def check_method(rights: Rights, method: Method, user: str | None, parameters: Mapping[str, Any]) -> None:
    """NoPermissionError when the caller may not call this; UnauthenticatedError when nobody is logged in."""
    permissions: Mapping[str, Any] = method.table.get("permissions") or {}
    if permissions.get("user") == "world":
        return
    if user is None:
        raise UnauthenticatedError("No ticket")
    if user == ROOT:
        return
    if not permissions:
        raise NoPermissionError("user != root@pam")
    if permissions.get("user") == "all":
        return
    if "check" not in permissions:
        raise NoPermissionError
    _Rule(rights, user, parameters).run(permissions["check"])


class _Rule:
    def __init__(self, rights: Rights, user: str, parameters: Mapping[str, Any]) -> None:
        self._rights = rights
        self._user = user
        self._parameters = parameters

    def run(self, rule: list[Any]) -> None:
        kind = rule[0]
        {
            "perm": self._perm,
            "and": self._and,
            "or": self._or,
            "userid-param": self._userid_param,
            "userid-group": self._userid_group,
            "perm-modify": self._perm_modify,
        }[kind](rule[1:])

    def _perm(self, rule: list[Any]) -> None:
        template, privileges, *options = rule
        settings = dict(zip(options[::2], options[1::2], strict=False))
        required = settings.get("require_param")
        if required and required not in self._parameters:
            raise NoPermissionError
        path = self._fill(template)
        if settings.get("any"):
            self._rights.need_any(self._user, path, privileges)
        else:
            self._rights.need(self._user, path, privileges)

    def _and(self, rules: list[Any]) -> None:
        for rule in rules:
            self.run(rule)

    def _or(self, rules: list[Any]) -> None:
        for rule in rules:
            try:
                self.run(rule)
            except NoPermissionError:
                continue
            return
        raise NoPermissionError

    def _userid_param(self, rule: list[Any]) -> None:
        subject = str(self._parameters.get("userid", ""))
        if rule[0] == "self":
            if subject.partition("!")[0] != self._user.partition("!")[0]:
                raise NoPermissionError
        elif rule[0] == "Realm.AllocateUser":
            self._rights.need(self._user, f"/access/realm/{subject.rpartition('@')[2]}", ["Realm.AllocateUser"])

    def _userid_group(self, rule: list[Any]) -> None:
        privileges, *options = rule
        if set(privileges) & set(self._rights.at(self._user, "/access/groups")):
            return
        raise NoPermissionError(f"/access/groups, {','.join(privileges)}" if "create" in options else "")

    def _perm_modify(self, rule: list[Any]) -> None:
        path = self._fill(rule[0])
        own = {"storage": "Datastore.Allocate", "vms": "VM.Allocate", "pool": "Pool.Allocate"}
        first = path.strip("/").split("/")[0]
        privileges = ["Permissions.Modify", *([own[first]] if first in own else [])]
        self._rights.need_any(self._user, path, privileges)

    def _fill(self, template: str) -> str:
        return _PLACEHOLDER.sub(lambda match: str(self._parameters.get(match[1], "")), template)
