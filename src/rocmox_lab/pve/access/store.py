"""Users, tokens, roles, ACL and pools: one JSON file on the node, changed under a lock.

`/etc/pve/rocmox-users.json` holds {"users": {id: …}, "roles": {id: […]}, "acl": […], "pools": …, "groups": …}.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator
from typing import Any

from rocmox_lab.pve.node import Node

PATH = "/etc/pve/rocmox-users.json"
EMPTY: dict[str, Any] = {"users": {}, "roles": {}, "acl": [], "pools": {}, "groups": {}}


def read(node: Node) -> dict[str, Any]:
    """The whole store; root@pam is always there."""
    data: dict[str, Any] = {**json.loads(json.dumps(EMPTY)), **json.loads(node.read(PATH, "{}"))}
    data["users"].setdefault("root@pam", {})
    return data


@contextlib.contextmanager
def changing(node: Node) -> Iterator[dict[str, Any]]:
    """Read, let the caller change, write; nobody else in between."""
    with node.locked("rocmox-users"):
        data = read(node)
        yield data
        node.write(PATH, json.dumps(data, indent=1, sort_keys=True) + "\n", mode=0o600)


def hash_password(password: str) -> str:
    """`scrypt$SALT$HASH` in hexadecimal."""
    salt = secrets.token_bytes(16)
    return f"scrypt${salt.hex()}${_scrypt(password, salt).hex()}"


def password_fits(password: str, stored: str | None) -> bool:
    """Whether a password is the one a hash was made of."""
    if not stored or stored.count("$") != 2:  # noqa: PLR2004 - scheme, salt, hash
        return False
    _, salt, expected = stored.split("$")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)).hex(), expected)


def hash_secret(secret: str) -> str:
    """A token's secret as it is kept; it has full entropy, so a plain hash does."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=4096, r=8, p=1)
