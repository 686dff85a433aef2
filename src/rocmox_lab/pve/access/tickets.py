"""Tickets and CSRF tokens, signed with the node's own key; API tokens are looked up in the store.

The shapes are PVE's (`PVE:USER:HEXTIME::SIGNATURE`, `HEXTIME:SIGNATURE`); the signature is an HMAC instead of RSA.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from typing import Any

from rocmox_lab.pve.access import store
from rocmox_lab.pve.answers import UnauthenticatedError
from rocmox_lab.pve.node import Node

KEY_PATH = "/etc/pve/priv/rocmox-authkey"
LIFETIME_SECONDS = 7200
SKEW_SECONDS = 300
_TICKET = re.compile(r"^PVE:(?P<user>[^:]+):(?P<time>[0-9A-F]{8})::(?P<signature>.+)$")
_CSRF = re.compile(r"^(?P<time>[0-9A-F]{8}):(?P<signature>.+)$")
_TOKEN = re.compile(r"^(?P<id>[^\s:=!]+![^\s:=!]+)[=:](?P<secret>.+)$")
INVALID_TICKET = "permission denied - invalid PVE ticket"
INVALID_CSRF = "Permission denied - invalid csrf token"


def make_ticket(node: Node, user: str, *, now: float | None = None) -> str:
    """A ticket for two hours."""
    plain = f"PVE:{user}:{int(time.time() if now is None else now):08X}"
    return f"{plain}::{_sign(node, plain)}"


def make_csrf(node: Node, user: str, *, now: float | None = None) -> str:
    """The token that every change made with a ticket must carry."""
    stamp = f"{int(time.time() if now is None else now):08X}"
    return f"{stamp}:{_sign(node, f'{stamp}:{user}')}"


def check_ticket(node: Node, ticket: str) -> str:
    """The user of a ticket; UnauthenticatedError for a forged or old one."""
    match = _TICKET.match(ticket)
    if match is None:
        raise UnauthenticatedError(INVALID_TICKET)
    plain = ticket.rpartition("::")[0]
    age = time.time() - int(match["time"], 16)
    fits = hmac.compare_digest(_sign(node, plain), match["signature"])
    if not fits or not -SKEW_SECONDS < age < LIFETIME_SECONDS:
        raise UnauthenticatedError(INVALID_TICKET)
    return match["user"]


def check_csrf(node: Node, user: str, token: str | None) -> None:
    """UnauthenticatedError unless the token belongs to the user and is young."""
    match = _CSRF.match(token or "")
    if match is None or not hmac.compare_digest(_sign(node, f"{match['time']}:{user}"), match["signature"]):
        raise UnauthenticatedError(INVALID_CSRF)
    if not -SKEW_SECONDS < time.time() - int(match["time"], 16) < LIFETIME_SECONDS:
        raise UnauthenticatedError(INVALID_CSRF)


def check_api_token(node: Node, header: str) -> str:
    """`user@realm!name=secret` → `user@realm!name`; UnauthenticatedError in PVE's words."""
    match = _TOKEN.match(header)
    if match is None:
        raise UnauthenticatedError("no tokenid specified")
    user, _, name = match["id"].partition("!")
    account = account_of(node, user)
    entry = account.get("tokens", {}).get(name)
    if entry is None:
        raise UnauthenticatedError(f"no such token '{name}' for user '{user}'")
    expires = int(entry.get("expire", 0) or 0)
    if expires and expires < time.time():
        raise UnauthenticatedError(f"token '{match['id']}' access expired")
    if not hmac.compare_digest(store.hash_secret(match["secret"]), entry["secret"]):
        raise UnauthenticatedError("invalid token value!")
    return match["id"]


def account_of(node: Node, user: str) -> dict[str, Any]:
    """The enabled account of a user; UnauthenticatedError when there is none."""
    account: dict[str, Any] | None = store.read(node)["users"].get(user)
    if account is None:
        raise UnauthenticatedError(f"no such user ('{user}')")
    if not int(account.get("enable", 1)):
        raise UnauthenticatedError(f"user '{user}' is disabled")
    expires = int(account.get("expire", 0) or 0)
    if expires and expires < time.time():
        raise UnauthenticatedError(f"user '{user}' access expired")
    return account


def _sign(node: Node, text: str) -> str:
    digest = hmac.new(_key(node), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode().rstrip("=")


def _key(node: Node) -> bytes:
    found = node.read(KEY_PATH)
    if not found:
        with node.locked("rocmox-authkey"):
            found = node.read(KEY_PATH)
            if not found:
                found = secrets.token_hex(32)
                node.write(KEY_PATH, found, mode=0o600)
    return bytes.fromhex(found.strip())
