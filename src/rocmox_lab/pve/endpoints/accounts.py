"""Users and their tokens (PVE::API2::User)."""

from __future__ import annotations

import uuid
from typing import Any

from rocmox_lab.pve import formats
from rocmox_lab.pve.access import store
from rocmox_lab.pve.access.rights import split_token
from rocmox_lab.pve.answers import ENOENT, AnswerError, BadParameterError
from rocmox_lab.pve.call import Call, route

_REALM_TYPES = {"pam": "pam", "pve": "pve"}


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
        if "enabled" in call.parameters and call.number("enabled") != int(account.get("enable", 1)):
            continue
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
        account: dict[str, Any] = {}
        data["users"][name] = account
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
    texts: dict[str, Any] = {key: account[key] for key in ("comment", "firstname", "lastname") if key in account}
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
    """Forget an account and what the ACL says about it; a missing one is not an error."""
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
