"""Users, tokens, groups, roles and the ACL (PVE::API2::User, ::Group, ::Role, ::ACL)."""

from __future__ import annotations

import re
import uuid
from typing import Any

from rocmox.lab.pve import formats
from rocmox.lab.pve.access import roles, store
from rocmox.lab.pve.access.rights import split_token
from rocmox.lab.pve.answers import ENOENT, AnswerError, BadParameterError
from rocmox.lab.pve.call import Call, route

_REALM_TYPES = {"pam": "pam", "pve": "pve"}
_ACL_PATH = re.compile(
    r"^/(?:access(?:/(?:groups|realm)(?:/[^/]+)?)?|mapping(?:/[^/]+){0,2}|nodes(?:/[^/]+)?|pool(?:/.+)?|sdn(?:/.+)?"
    r"|storage(?:/[^/]+)?|vms(?:/[1-9][0-9]{2,})?)?$"
)


def _user(data: dict[str, Any], name: str) -> dict[str, Any]:
    if name not in data["users"]:
        message = f"no such user ('{name}')\n"
        raise AnswerError(message)
    account: dict[str, Any] = data["users"][name]
    return account


def _token_line(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    line = {"tokenid": name, "expire": int(entry.get("expire", 0)), "privsep": int(entry.get("privsep", 1))}
    return {**line, **({"comment": entry["comment"]} if "comment" in entry else {})}


@route("GET /access/users")
def users(call: Call) -> list[dict[str, Any]]:
    """All users for who may see them, else oneself."""
    data, own = store.read(call.node), split_token(call.user)[0]
    granted = call.rights.at(call.user, "/access/groups")
    everything = bool({"User.Modify", "Sys.Audit"} & set(granted))
    lines = []
    for name in sorted(data["users"]):
        if not everything and name != own:
            continue
        account = data["users"][name]
        line: dict[str, Any] = {
            "userid": name,
            "enable": int(account.get("enable", 1)),
            "expire": int(account.get("expire", 0)),
        }
        realm = name.rpartition("@")[2]
        if realm in _REALM_TYPES:
            line["realm-type"] = _REALM_TYPES[realm]
        line.update({key: account[key] for key in ("comment", "email", "firstname", "lastname") if key in account})
        if call.flag("full"):
            line["groups"] = ",".join(account.get("groups", []))
            found = account.get("tokens", {})
            line["tokens"] = [_token_line(token, found[token]) for token in sorted(found)] or None
        lines.append(line)
    return lines


@route("POST /access/users")
def create_user(call: Call) -> None:
    """A new account."""
    name = call.need("userid")
    with store.changing(call.node) as data:
        if name in data["users"]:
            message = f"create user failed: user '{name}' already exists\n"
            raise AnswerError(message, exit_code=ENOENT)
        data["users"][name] = account = {}
        _set_account(call, account)


def _set_account(call: Call, account: dict[str, Any]) -> None:
    for key in ("comment", "email", "firstname", "lastname"):
        if key in call.parameters:
            account[key] = call.need(key)
    for key in ("enable", "expire"):
        if key in call.parameters:
            account[key] = call.number(key)
    if "groups" in call.parameters:
        account["groups"] = formats.split_list(call.need("groups"))
    if "password" in call.parameters:
        account["password"] = store.hash_password(call.need("password"))


@route("GET /access/users/{userid}")
def user(call: Call) -> dict[str, Any]:
    """One account."""
    account = _user(store.read(call.node), call.need("userid"))
    tokens = {
        name: {key: value for key, value in _token_line(name, entry).items() if key != "tokenid"}
        for name, entry in account.get("tokens", {}).items()
    }
    texts = {key: account[key] for key in ("comment", "firstname", "lastname") if key in account}
    return {
        **texts,
        "email": account.get("email", ""),
        "enable": int(account.get("enable", 1)),
        "expire": int(account.get("expire", 0)),
        "groups": account.get("groups", []),
        "tokens": tokens or None,
    }


@route("PUT /access/users/{userid}")
def update_user(call: Call) -> None:
    """Change an account."""
    with store.changing(call.node) as data:
        _set_account(call, _user(data, call.need("userid")))


@route("DELETE /access/users/{userid}")
def delete_user(call: Call) -> None:
    """Forget an account and what the ACL says about it; a missing one is no error."""
    name = call.need("userid")
    with store.changing(call.node) as data:
        data["users"].pop(name, None)
        data["acl"] = [entry for entry in data["acl"] if entry["ugid"].partition("!")[0] != name]


def _token(account: dict[str, Any], call: Call) -> dict[str, Any]:
    name = call.need("tokenid")
    if name not in account.get("tokens", {}):
        message = f"no such token '{name}' for user '{call.need('userid')}'\n"
        raise AnswerError(message)
    entry: dict[str, Any] = account["tokens"][name]
    return entry


@route("GET /access/users/{userid}/token")
def tokens(call: Call) -> list[dict[str, Any]]:
    """Tokens of a user."""
    account = _user(store.read(call.node), call.need("userid"))
    return [_token_line(name, entry) for name, entry in account.get("tokens", {}).items()]


@route("GET /access/users/{userid}/token/{tokenid}")
def token(call: Call) -> dict[str, Any]:
    """One token, without its secret."""
    entry = _token(_user(store.read(call.node), call.need("userid")), call)
    return {key: value for key, value in _token_line("", entry).items() if key != "tokenid"}


@route("POST /access/users/{userid}/token/{tokenid}")
def create_token(call: Call) -> dict[str, Any]:
    """A new token; its secret is shown this once."""
    userid, name = call.need("userid"), call.need("tokenid")
    secret = str(uuid.uuid4())
    sent = {key: call.need(key) for key in ("privsep", "expire", "comment") if key in call.parameters}
    with store.changing(call.node) as data:
        found = _user(data, userid).setdefault("tokens", {})
        if name in found:
            raise BadParameterError({"tokenid": "Token already exists."})
        found[name] = {**sent, "secret": store.hash_secret(secret)}
    return {"full-tokenid": f"{userid}!{name}", "value": secret, "info": {"privsep": 1, **sent}}


@route("PUT /access/users/{userid}/token/{tokenid}")
def update_token(call: Call) -> dict[str, Any]:
    """Change a token (9.2 also makes a new secret)."""
    sent = {key: call.need(key) for key in ("privsep", "expire", "comment") if key in call.parameters}
    secret = str(uuid.uuid4()) if call.flag("regenerate") else None
    with store.changing(call.node) as data:
        entry = _token(_user(data, call.need("userid")), call)
        entry.update(sent)
        if secret:
            entry["secret"] = store.hash_secret(secret)
        shown = {key: value for key, value in _token_line("", entry).items() if key != "tokenid"}
    full = {"full-tokenid": f"{call.need('userid')}!{call.need('tokenid')}", "value": secret} if secret else {}
    return {**shown, **sent, **full}


@route("DELETE /access/users/{userid}/token/{tokenid}")
def delete_token(call: Call) -> None:
    """Forget a token and its rights."""
    full = f"{call.need('userid')}!{call.need('tokenid')}"
    with store.changing(call.node) as data:
        account = _user(data, call.need("userid"))
        _token(account, call)
        del account["tokens"][call.need("tokenid")]
        data["acl"] = [entry for entry in data["acl"] if entry["ugid"] != full]


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
        raise BadParameterError({key: "property is missing and it is not optional" for key in kinds})
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
