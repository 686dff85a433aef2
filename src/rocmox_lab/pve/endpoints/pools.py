"""Resource pools: `/pools` (PVE::API2::Pool)."""

from __future__ import annotations

from typing import Any

from rocmox_lab.pve import formats
from rocmox_lab.pve.access import store
from rocmox_lab.pve.answers import AnswerError
from rocmox_lab.pve.call import Call, route
from rocmox_lab.pve.guests import state
from rocmox_lab.pve.guests.service import Guests


def _pool(data: dict[str, Any], name: str) -> dict[str, Any]:
    if name not in data["pools"]:
        message = f"pool '{name}' does not exist\n"
        raise AnswerError(message)
    pool: dict[str, Any] = data["pools"][name]
    return pool


def _members(call: Call, pool: dict[str, Any]) -> list[dict[str, Any]]:
    guests = Guests(call.node)
    vmids = [vmid for vmid in pool.get("vms", []) if guests.files.exists(vmid)]
    return [state.resource(guests, vmid) for vmid in vmids]


@route("GET /pools")
def pools(call: Call) -> list[dict[str, Any]]:
    """All pools, or one with its members."""
    data, name = store.read(call.node), call.text("poolid")
    if name:
        pool = _pool(data, name)
        return [{"poolid": name, **_comment(pool), "members": _members(call, pool)}]
    seen = [entry for entry in sorted(data["pools"]) if call.rights.has(call.user, f"/pool/{entry}", "Pool.Audit")]
    return [{"poolid": entry, **_comment(data["pools"][entry])} for entry in seen]


def _comment(pool: dict[str, Any]) -> dict[str, str]:
    return {"comment": pool["comment"]} if "comment" in pool else {}


@route("GET /pools/{poolid}")
def pool_members(call: Call) -> dict[str, Any]:
    """One pool."""
    pool = _pool(store.read(call.node), call.need("poolid"))
    return {"poolid": call.need("poolid"), **_comment(pool), "members": _members(call, pool)}


@route("POST /pools")
def create(call: Call) -> None:
    """A new pool."""
    name = call.need("poolid")
    with store.changing(call.node) as data:
        if name in data["pools"]:
            message = f"create pool failed: pool '{name}' already exists\n"
            raise AnswerError(message)
        data["pools"][name] = {"comment": call.need("comment")} if "comment" in call.parameters else {}


@route("PUT /pools")
@route("PUT /pools/{poolid}")
def update(call: Call) -> None:
    """Another comment, guests in or out."""
    with store.changing(call.node) as data:
        pool = _pool(data, call.need("poolid"))
        if "comment" in call.parameters:
            pool["comment"] = call.need("comment")
        named = {int(vmid) for vmid in formats.split_list(call.text("vms") or "")}
        members = set(pool.get("vms", []))
        pool["vms"] = sorted(members - named if call.flag("delete") else members | named)


@route("DELETE /pools")
@route("DELETE /pools/{poolid}")
def delete(call: Call) -> None:
    """Forget an empty pool."""
    name = call.need("poolid")
    with store.changing(call.node) as data:
        if _pool(data, name).get("vms"):
            message = f"delete pool failed: pool '{name}' is not empty\n"
            raise AnswerError(message)
        del data["pools"][name]
