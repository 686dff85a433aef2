"""Containers: `/nodes/{node}/lxc` and below."""

from __future__ import annotations

import ipaddress
import time
from typing import Any

from rocmox_lab.pve.answers import AnswerError, missing_guest
from rocmox_lab.pve.call import Call, route
from rocmox_lab.pve.guests import clone, create, pending, power, remove, resize, state, update
from rocmox_lab.pve.guests.service import Guests
from rocmox_lab.pve.runtime_protocol import Interface

_BELOW = (
    "config", "pending", "status", "vncproxy", "termproxy", "vncwebsocket", "spiceproxy", "migrate", "clone", "rrd",
    "rrddata", "firewall", "snapshot", "resize", "interfaces",
)  # fmt: skip
_STATUS = ("current", "start", "stop", "shutdown", "reboot", "migrate")

route("POST /nodes/{node}/lxc")(create.create)
route("DELETE /nodes/{node}/lxc/{vmid}")(remove.destroy)
route("PUT /nodes/{node}/lxc/{vmid}/config")(update.update)
route("PUT /nodes/{node}/lxc/{vmid}/resize")(resize.resize)
route("POST /nodes/{node}/lxc/{vmid}/clone")(clone.clone)
route("POST /nodes/{node}/lxc/{vmid}/template")(clone.make_template)
for _name in ("start", "stop", "shutdown", "reboot", "suspend", "resume"):
    route(f"POST /nodes/{{node}}/lxc/{{vmid}}/status/{_name}")(getattr(power, _name))


@route("GET /nodes/{node}/lxc")
def containers(call: Call) -> list[dict[str, Any]]:
    """Containers the caller may see."""
    guests = Guests(call.node)
    seen = [vmid for vmid in guests.files.vmids() if call.rights.has(call.user, f"/vms/{vmid}", "VM.Audit")]
    return [state.current(guests, vmid) for vmid in seen]


@route("GET /nodes/{node}/lxc/{vmid}")
def index(call: Call) -> list[dict[str, str]]:
    """What there is below."""
    Guests(call.node).files.load(call.vmid)
    return [{"subdir": name} for name in _BELOW]


@route("GET /nodes/{node}/lxc/{vmid}/status")
def status_index(call: Call) -> list[dict[str, str]]:
    """What there is below."""
    Guests(call.node).files.load(call.vmid)
    return [{"subdir": name} for name in _STATUS]


@route("GET /nodes/{node}/lxc/{vmid}/status/current")
def current(call: Call) -> dict[str, Any]:
    """State and counters."""
    return {**state.current(Guests(call.node), call.vmid), "ha": {"managed": 0}}


@route("GET /nodes/{node}/lxc/{vmid}/config")
def config(call: Call) -> dict[str, Any]:
    """The configuration, pending changes applied unless `current` asks for the running one."""
    guests = Guests(call.node)
    found = guests.files.load(call.vmid)
    section, name = found.current, call.text("snapshot")
    if name:
        if name not in found.snapshots:
            message = f"snapshot '{name}' does not exist\n"
            raise AnswerError(message)
        section = found.snapshots[name]
    shown_values = section.values if name or call.flag("current") else found.wanted()
    shown: dict[str, Any] = guests.files.shown(shown_values)
    if section.raw:
        shown["lxc"] = [list(entry) for entry in section.raw]
    return {**shown, "digest": found.digest}


@route("GET /nodes/{node}/lxc/{vmid}/pending")
def pending_changes(call: Call) -> list[dict[str, object]]:
    """Values, pending ones beside them."""
    guests = Guests(call.node)
    return pending.as_list(guests, guests.files.load(call.vmid))


@route("GET /nodes/{node}/lxc/{vmid}/feature")
def feature(call: Call) -> dict[str, int]:
    """What the storage can do: directories with raw images can copy, a stopped guest only."""
    guests = Guests(call.node)
    guests.files.load(call.vmid)
    possible = call.need("feature") == "copy" and not guests.running(call.vmid)
    return {"hasFeature": int(possible)}


@route("GET /nodes/{node}/lxc/{vmid}/interfaces")
def interfaces(call: Call) -> list[dict[str, Any]] | None:
    """Addresses as the guest has them; nothing when it does not run."""
    guests = Guests(call.node)
    guests.files.load(call.vmid)
    if not guests.running(call.vmid):
        return None
    return [_interface(entry) for entry in call.node.runtime.interfaces(call.vmid)]


def _interface(entry: Interface) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": entry.name,
        "hwaddr": entry.hwaddr.lower(),
        "hardware-address": entry.hwaddr.lower(),
        "ip-addresses": [
            {"ip-address-type": found.family, "ip-address": found.address, "prefix": str(found.prefix_length)}
            for found in entry.addresses
        ],
    }
    for found in entry.addresses:
        shown.setdefault(found.family, f"{ipaddress.ip_address(found.address)}/{found.prefix_length}")
    return shown


@route("GET /nodes/{node}/lxc/{vmid}/snapshot")
def snapshots(call: Call) -> list[dict[str, Any]]:
    """The present state; raw images on directories have no snapshots."""
    guests = Guests(call.node)
    found = guests.files.load(call.vmid)
    running = int(guests.running(call.vmid))
    return [{"name": "current", "description": "You are here!", "digest": found.digest, "running": running}]


@route("POST /nodes/{node}/lxc/{vmid}/snapshot")
def snapshot(call: Call) -> str:
    """Accepted; the task fails, as on every storage without snapshots."""
    if not Guests(call.node).files.exists(call.vmid):
        raise missing_guest(call.vmid, call.node.name)
    return call.spawn("vzsnapshot", str(call.vmid), {"vmid": call.vmid})


@route("POST /nodes/{node}/lxc/{vmid}/migrate")
def migrate(call: Call) -> str:
    """There is one node."""
    target = call.need("target")
    message = f"no such cluster node '{target}'\n" if target != call.node.name else "target is local node.\n"
    raise AnswerError(message)


@route("GET /nodes/{node}/lxc/{vmid}/firewall/options")
def firewall_options(_call: Call) -> dict[str, str]:
    """No firewall: the digest of an empty file."""
    return {"digest": "da39a3ee5e6b4b0d3255bfef95601890afd80709"}


@route("GET /nodes/{node}/lxc/{vmid}/rrddata")
def history(call: Call) -> list[dict[str, int]]:
    """No history is kept: one empty point per minute of the last hour."""
    Guests(call.node).files.load(call.vmid)
    last = int(time.time()) // 60 * 60
    return [{"time": last - 60 * back} for back in range(69, -1, -1)]
