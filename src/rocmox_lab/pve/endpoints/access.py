"""Tickets and permissions: `/access`, `/access/ticket`, `/access/permissions`, `/access/domains`."""

from __future__ import annotations

from typing import Any

from rocmox_lab.pve.access import roles, store, tickets
from rocmox_lab.pve.access.rights import Rights
from rocmox_lab.pve.answers import AnswerError, UnauthenticatedError
from rocmox_lab.pve.call import Call, route

_SUBDIRECTORIES = ("users", "groups", "roles", "acl", "domains", "openid", "tfa", "ticket", "password")
REALMS = [
    {"realm": "pam", "type": "pam", "comment": "Linux PAM standard authentication"},
    {"realm": "pve", "type": "pve", "comment": "Proxmox VE authentication server"},
]


@route("GET /access")
def index(_call: Call) -> list[dict[str, str]]:
    """What there is below."""
    return [{"subdir": name} for name in _SUBDIRECTORIES]


@route("GET /access/ticket")
def dummy(_call: Call) -> None:
    """Exists for the formatter of the web interface."""


@route("POST /access/ticket")
def login(call: Call) -> dict[str, Any]:
    """Name and password (or a valid ticket as password) for a ticket."""
    name, password = call.need("username"), call.need("password")
    realm = call.text("realm")
    user = f"{name}@{realm}" if realm else name
    if not _password_fits(call, user, password):
        message = "authentication failure\n"
        raise AnswerError(message, status=401)
    return {
        "username": user,
        "ticket": tickets.make_ticket(call.node, user),
        "CSRFPreventionToken": tickets.make_csrf(call.node, user),
        "cap": capabilities(call.rights, user),
    }


def _password_fits(call: Call, user: str, password: str) -> bool:
    try:
        account = tickets.account_of(call.node, user)
        if password.startswith("PVE:"):
            return tickets.check_ticket(call.node, password) == user
    except UnauthenticatedError:
        return False
    return store.password_fits(password, account.get("password"))


def capabilities(rights: Rights, user: str) -> dict[str, dict[str, int]]:
    """`cap`: what the web interface may show."""
    found: dict[str, dict[str, int]] = {}
    for area, prefixes in roles.CAPABILITY_PREFIXES.items():
        top = roles.CAPABILITY_PATHS[area]
        below = [path for path in rights.paths() if path == top or (top != "/" and path.startswith(top + "/"))]
        granted = {name for path in {top, *below} for name in rights.at(user, path)}
        found[area] = dict.fromkeys((name for name in sorted(granted) if name.startswith(prefixes)), 1)
    return found


@route("GET /access/permissions")
def permissions(call: Call) -> dict[str, dict[str, int]]:
    """The caller's rights, or another's for who may see them."""
    who = call.text("userid") or call.user
    if who != call.user:
        call.rights.need(call.user, "/access", ["Sys.Audit"])
    path = call.text("path")
    paths = [path] if path else call.rights.paths()
    return {entry: granted for entry in paths if (granted := call.rights.at(who, entry))}


@route("GET /access/domains")
def domains(_call: Call) -> list[dict[str, str]]:
    """Realms one can log in to."""
    return REALMS


@route("GET /access/domains/{realm}")
def domain(call: Call) -> dict[str, str]:
    """One realm."""
    for entry in REALMS:
        if entry["realm"] == call.need("realm"):
            return {key: value for key, value in entry.items() if key != "realm"}
    message = f"domain '{call.need('realm')}' does not exist\n"
    raise AnswerError(message)


@route("PUT /access/password")
def password(call: Call) -> None:
    """Set a password."""
    user = call.need("userid")
    with store.changing(call.node) as data:
        if user not in data["users"]:
            message = f"no such user ('{user}')\n"
            raise AnswerError(message)
        data["users"][user]["password"] = store.hash_password(call.need("password"))
