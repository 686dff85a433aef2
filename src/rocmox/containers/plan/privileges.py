"""What the account may not do of a plan: found in its permissions before anything is changed.

Which privilege an option wants is in `PVE::LXC::check_ct_modify_config_perm`; those of calls are in the API's tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rocmox.containers.current.properties import parse_properties
from rocmox.containers.plan.steps import (
    CreateContainer,
    DownloadTemplate,
    GrowDisk,
    MigrateLegacy,
    RemoveHalfMade,
    RestartContainer,
    StartContainer,
    Step,
    UpdateConfig,
    WaitForCreation,
)
from rocmox.containers.spec.container import ContainerSpec
from rocmox.containers.spec.problems import Problem
from rocmox.proxmox import Node, cluster, permissions

_PRIVILEGED_WANTS_MODIFY = cluster.Version(major=9, minor=0)
_OF_KEY = {
    "cores": "VM.Config.CPU",
    "memory": "VM.Config.Memory",
    "hostname": "VM.Config.Network",
    "nameserver": "VM.Config.Network",
    "net0": "VM.Config.Network",
    "rootfs": "VM.Config.Disk",
    "features": "VM.Allocate",
}
Planned = Sequence[tuple[ContainerSpec, Sequence[Step]]]
"""Each desired container with the steps that are foreseen for it."""


def plan_problems(
    node: Node,
    planned: Planned,
    downloads: Sequence[DownloadTemplate],
    *,
    version: cluster.Version,
    bridges: Mapping[str, str],
) -> list[Problem]:
    """Devices, features and privileges that are not for this account; nothing for `root@pam` by password."""
    if permissions.may_do_everything(node.api):
        return []
    changing = [(spec, steps) for spec, steps in planned if steps]
    needed: dict[str, set[str]] = {}
    for download in downloads:
        needed.setdefault(f"/storage/{download.storage}", set()).add("Datastore.AllocateTemplate")
    for spec, steps in changing:
        needed.setdefault(f"/vms/{spec.vmid}", set()).add("VM.Audit")
        for step in steps:
            for path, names in _needed_by(step, spec, version, bridges).items():
                needed.setdefault(path, set()).update(names)
    return [*_only_for_root(node, changing), *lacking_problems(node, needed)]


def lacking_problems(node: Node, needed: Mapping[str, set[str]]) -> list[Problem]:
    """ACL paths on which the account has not all of these privileges."""
    gaps = permissions.missing_privileges(node.api, {path: frozenset(names) for path, names in needed.items()})
    return [
        Problem(
            where="pve_api_user",
            what=f"{node.api.account_name} lacks {', '.join(sorted(gap))} on {path}",
            remedy="`pveum acl modify` on the node grants it; a token with separated privileges needs its own entry.",
        )
        for path, gap in gaps.items()
    ]


def _needed_by(
    step: Step, spec: ContainerSpec, version: cluster.Version, bridges: Mapping[str, str]
) -> dict[str, set[str]]:
    guest, storage = f"/vms/{spec.vmid}", f"/storage/{spec.storage}"
    match step:
        case CreateContainer():
            wanted = {guest: {"VM.Allocate", *_of_keys(step.parameters)}, storage: {"Datastore.AllocateSpace"}}
            if not spec.unprivileged and version >= _PRIVILEGED_WANTS_MODIFY:
                wanted["/"] = {"Sys.Modify"}
            return wanted | _of_bridge(str(step.parameters["net0"]), bridges)
        case UpdateConfig():
            return {guest: _of_keys(step.keys)} | _of_bridge(step.changes.get("net0", ""), bridges)
        case GrowDisk():
            return {guest: {"VM.Config.Disk"}, storage: {"Datastore.AllocateSpace"}}
        case StartContainer() | RestartContainer() | MigrateLegacy():
            return {guest: {"VM.PowerMgmt"}}
        case RemoveHalfMade() | WaitForCreation():
            return {guest: {"VM.Allocate", "VM.PowerMgmt"}}
    return {}


def _of_keys(keys: Mapping[str, object] | frozenset[str]) -> set[str]:
    parameters = {"vmid", "ostemplate", "unprivileged"}
    return {_OF_KEY.get(key, "VM.Config.Options") for key in keys if key not in parameters and key[:3] != "dev"}


def _of_bridge(network: str, bridges: Mapping[str, str]) -> dict[str, set[str]]:
    """A bridge of the node belongs to the zone `localnetwork`; which zone a vnet belongs to is not said there."""
    values = parse_properties(network)
    bridge = values.get("bridge", "")
    if bridges.get(bridge) not in {"bridge", "OVSBridge"}:
        return {}
    tag = f"/{values['tag']}" if "tag" in values else ""
    return {f"/sdn/zones/localnetwork/{bridge}{tag}": {"SDN.Use"}}


def _only_for_root(node: Node, changing: Planned) -> list[Problem]:
    """What Proxmox VE gives to the user `root@pam` and to nobody else, whatever the privileges."""
    problems = []
    passing = [spec for spec, steps in changing if any(_keys_of(step) & {"dev"} for step in steps)]
    if passing:
        named = ", ".join(f"{spec.vmid} ({spec.hostname})" for spec in passing)
        problems.append(
            Problem(
                where="pve_api_user",
                what=f"{node.api.account_name} may not pass devices to {named}: Proxmox VE allows devN only to "
                f"{permissions.DEVICE_USER} itself, to no token and no administrator",
                remedy="Set pve_api_user: root@pam with pve_api_password (from Ansible Vault), or leave the API's "
                "credentials out: rocmox then uses pvesh over SSH as root. Everything but devices works with a token.",
            )
        )
    return problems + [
        Problem(
            where=spec.field("nesting"),
            what=f"the container is privileged, and features of such a one are set by {permissions.DEVICE_USER} alone",
            remedy="Say unprivileged: true, or nesting: false, or let root@pam do it.",
        )
        for spec, steps in changing
        if not spec.unprivileged and any(_keys_of(step) & {"features"} for step in steps)
    ]


def _keys_of(step: Step) -> set[str]:
    """The options a step sets or deletes; `dev` for every `devN`."""
    if isinstance(step, CreateContainer):
        return set(step.parameters)
    keys = step.keys if isinstance(step, UpdateConfig) else ()
    return {"dev" if key[:3] == "dev" else key for key in keys}
