"""Runs where the node's files are: put the recordings' accounts in place of all others (JSON on standard input)."""

from __future__ import annotations

import json
import sys
from typing import Any

from rocmox_lab.pve.access import store
from rocmox_lab.pve.node import Node


def seed(node: Node, accounts: dict[str, Any]) -> None:
    """Replace the whole store."""
    with store.changing(node) as data:
        data.update(store.EMPTY)
        data["users"] = {
            user: {
                "password": store.hash_password(password),
                "tokens": {
                    name: {"privsep": separated, "secret": store.hash_secret(accounts["secret"])}
                    for name, separated in accounts["tokens"].get(user, {}).items()
                },
            }
            for user, password in accounts["passwords"].items()
        }
        data["acl"] = [
            {"path": path, "type": kind, "ugid": who, "roleid": role, "propagate": 1}
            for path, kind, who, role in accounts["acl"]
        ]


if __name__ == "__main__":
    seed(Node(), json.loads(sys.stdin.read()))
