"""Groups, roles and the ACL (PVE::API2::Group, ::Role, ::ACL)."""

from __future__ import annotations

import re
from typing import Any

from rocmox_lab.pve import formats, properties
from rocmox_lab.pve.access import roles, store
from rocmox_lab.pve.answers import AnswerError, BadParameterError
from rocmox_lab.pve.call import Call, route

_ACL_PATH = re.compile(
    r"^/(?:access(?:/(?:groups|realm)(?:/[^/]+)?)?|mapping(?:/[^/]+){0,2}|nodes(?:/[^/]+)?|pool(?:/.+)?|sdn(?:/.+)?"
    r"|storage(?:/[^/]+)?|vms(?:/[1-9][0-9]{2,})?)?$"
)


@route("GET /access/acl")
def acl(call: Call) -> list[dict[str, Any]]:
    """The ACL, as far as the caller may change it."""
    entries: list[dict[str, Any]] = store.read(call.node)["acl"]
    allowed = [entry for entry in entries if call.rights.has(call.user, entry["path"], "Permissions.Modify")]
    return sorted(allowed, key=lambda entry: (entry["path"], entry["ugid"]))


@route("PUT /access/acl")
def change_acl(call: Call) -> None:
    """Give or take roles at a path."""
    path = "/" + call.need("path").strip("/")
    if not _ACL_PATH.match(path):
        raise BadParameterError({"path": f"invalid ACL path '{path}'"})
    known = call.rights.role_names()
    kinds = {"users": "user", "groups": "group", "tokens": "token"}
    who = [(kind, name) for key, kind in kinds.items() for name in formats.split_list(call.text(key) or "")]
    if not who:
        raise BadParameterError(dict.fromkeys(kinds, properties.MISSING))
    with store.changing(call.node) as data:
        for role in formats.split_list(call.need("roles")):
            if role not in known:
                message = f"ACL update failed: role '{role}' does not exist\n"
                raise AnswerError(message)
            for kind, name in who:
                data["acl"] = [
                    entry
                    for entry in data["acl"]
                    if (entry["path"], entry["ugid"], entry["roleid"]) != (path, name, role)
                ]
                if not call.flag("delete"):
                    propagate = int(call.flag("propagate", default=True))
                    entry = {"path": path, "type": kind, "ugid": name, "roleid": role, "propagate": propagate}
                    data["acl"].append(entry)


@route("GET /access/roles")
def role_list(call: Call) -> list[dict[str, Any]]:
    """All roles; the ones PVE is born with are special."""
    born = roles.builtin(call.node.version)
    return [
        {"roleid": name, "privs": ",".join(sorted(granted)), "special": int(name in born)}
        for name, granted in call.rights.role_names().items()
    ]


@route("GET /access/roles/{roleid}")
def role(call: Call) -> dict[str, int]:
    """The privileges of one role."""
    found = call.rights.role_names().get(call.need("roleid"))
    if found is None:
        message = f"role '{call.need('roleid')}' does not exist\n"
        raise AnswerError(message)
    return dict.fromkeys(sorted(found), 1)


def _privileges(call: Call) -> list[str]:
    wanted = formats.split_list(call.text("privs") or "")
    for privilege in wanted:
        if privilege not in roles.privileges(call.node.version):
            raise BadParameterError({"privs": f"invalid format - invalid privilege '{privilege}'\n"})
    return wanted


@route("POST /access/roles")
def create_role(call: Call) -> None:
    """A role of one's own."""
    wanted, name = _privileges(call), call.need("roleid")
    with store.changing(call.node) as data:
        if name in call.rights.role_names():
            message = f"create role failed: role '{name}' already exists\n"
            raise AnswerError(message)
        data["roles"][name] = wanted


@route("PUT /access/roles/{roleid}")
def update_role(call: Call) -> None:
    """Other privileges for a role."""
    wanted, name = _privileges(call), call.need("roleid")
    with store.changing(call.node) as data:
        if name not in data["roles"]:
            message = f"role '{name}' does not exist\n"
            raise AnswerError(message)
        kept = data["roles"][name] if call.flag("append") else []
        data["roles"][name] = sorted({*kept, *wanted})


@route("DELETE /access/roles/{roleid}")
def delete_role(call: Call) -> None:
    """Forget a role."""
    name = call.need("roleid")
    with store.changing(call.node) as data:
        if name not in data["roles"]:
            message = f"role '{name}' does not exist\n"
            raise AnswerError(message)
        del data["roles"][name]


@route("GET /access/groups")
def groups(call: Call) -> list[dict[str, Any]]:
    """All groups and who is in them."""
    data = store.read(call.node)
    return [
        {"groupid": name, **entry, "users": ",".join(_members(data, name))} for name, entry in data["groups"].items()
    ]


@route("GET /access/groups/{groupid}")
def group(call: Call) -> dict[str, Any]:
    """One group."""
    data, name = store.read(call.node), call.need("groupid")
    if name not in data["groups"]:
        message = f"group '{name}' does not exist\n"
        raise AnswerError(message)
    return {**data["groups"][name], "members": _members(data, name)}


@route("POST /access/groups")
def create_group(call: Call) -> None:
    """A new group."""
    name = call.need("groupid")
    with store.changing(call.node) as data:
        if name in data["groups"]:
            message = f"create group failed: group '{name}' already exists\n"
            raise AnswerError(message)
        data["groups"][name] = {"comment": call.need("comment")} if "comment" in call.parameters else {}


@route("DELETE /access/groups/{groupid}")
def delete_group(call: Call) -> None:
    """Forget a group."""
    with store.changing(call.node) as data:
        data["groups"].pop(call.need("groupid"), None)


def _members(data: dict[str, Any], name: str) -> list[str]:
    return sorted(userid for userid, account in data["users"].items() if name in account.get("groups", []))
