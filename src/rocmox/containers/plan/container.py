"""The pure difference between desired and actual, as steps. Nothing here talks to a machine."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from rocmox.containers.current import devices, origin
from rocmox.containers.current.node import TAG, CurrentContainer
from rocmox.containers.current.properties import disk_size_gib, format_properties, parse_properties
from rocmox.containers.plan.cards import DesiredDevice
from rocmox.containers.plan.device_changes import DeviceChanges, bind_groups, change_devices
from rocmox.containers.plan.steps import (
    CreateContainer,
    GrowDisk,
    MigrateLegacy,
    PassDevices,
    RestartContainer,
    StartContainer,
    Step,
    UpdateConfig,
)
from rocmox.containers.spec.container import ContainerSpec
from rocmox.proxmox.cluster import Version

_DEVICE_HOTPLUG = Version(major=9, minor=0)
# PVE applies these to a running container at once (PVE::LXC::Config vmconfig_hotplug_pending, pve-container 5.2.6);
# everything else waits for the next start.
_HOT_KEYS = re.compile(
    r"net\d+|hostname|cores|memory|swap|onboot|tags|description|startup|protection|cpulimit|cpuunits"
)
_MANAGED_KEYS = re.compile(r"dev\d+|net0|features|hostname|cores|memory|nameserver|onboot|tags")
_DEFAULTS = {"memory": "512", "onboot": "0", "features": "", "nameserver": ""}


@dataclasses.dataclass(frozen=True, kw_only=True)
class DesiredContainer:
    """A container's spec with everything resolved on the node at the time of the run."""

    spec: ContainerSpec
    devices: tuple[DesiredDevice, ...] = ()
    template_volume_id: str = ""
    """Needed for a container that does not exist yet."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rules:
    """What a plan must respect."""

    version: Version
    restart: bool = True
    """Whether a running container may be restarted for changes that need it."""
    migrate_legacy: bool = False
    """Whether raw `lxc.*` lines that pass GPUs become `devN`; else they stay, and the devices with them."""


def plan_container(
    desired: DesiredContainer,
    current: CurrentContainer | None,
    *,
    group_ids: devices.GroupIds | None,
    rules: Rules,
) -> tuple[Step, ...]:
    """The steps that turn `current` into `desired`; empty when it is so already.

    `group_ids` are those read in the running guest. A stopped guest's are taken from its configuration if that tells.
    """
    vmid = desired.spec.vmid
    if current is None:
        steps: list[Step] = [
            CreateContainer(vmid=vmid, parameters=creation_parameters(desired)),
            StartContainer(vmid=vmid),
        ]
        return (*steps, *_pass_later(desired))
    if will_migrate(current, rules):
        migrate = MigrateLegacy(vmid=vmid, lines=current.legacy, digest=current.digest)
        migrated = dataclasses.replace(current, legacy=(), running=False)
        return (migrate, *plan_container(desired, migrated, group_ids=group_ids, rules=rules))
    if group_ids is None and not current.running:
        group_ids = devices.remembered_groups(current.config)
    update, waits = _plan_update(desired, current, group_ids, rules)
    steps = [update] if update else []
    steps += _plan_disk(desired.spec, current)
    if not current.running:
        steps.append(StartContainer(vmid=vmid))
    elif waits and rules.restart:
        steps.append(RestartContainer(vmid=vmid, why=waits))
    return (*steps, *(_pass_later(desired) if group_ids is None and not current.legacy else ()))


def will_migrate(current: CurrentContainer, rules: Rules) -> bool:
    """Raw lines act at the next start alone, so a container that runs and may not restart keeps them."""
    return bool(current.legacy) and rules.migrate_legacy and (rules.restart or not current.running)


def waiting_keys(current: CurrentContainer) -> tuple[str, ...]:
    """Managed keys whose new value waits for the next start."""
    return tuple(sorted(key for key in current.pending if _MANAGED_KEYS.fullmatch(key)))


def creation_parameters(desired: DesiredContainer) -> dict[str, str | int]:
    """What POST lxc gets. `unprivileged` always, its default changed with PVE 9; no devices, see PassDevices."""
    spec = desired.spec
    parameters: dict[str, str | int] = {
        "vmid": spec.vmid,
        "ostemplate": desired.template_volume_id,
        "hostname": spec.hostname,
        "unprivileged": int(spec.unprivileged),
        "cores": spec.cores,
        "memory": spec.memory_mib,
        "rootfs": f"{spec.storage}:{spec.disk_gib}",
        "net0": format_properties({"name": "eth0", **_network(spec)}),
        "onboot": int(spec.onboot),
        "tags": TAG,
        "description": origin.note(desired.template_volume_id),
    }
    if spec.nesting:
        parameters["features"] = "nesting=1"
    if spec.nameserver:
        parameters["nameserver"] = " ".join(spec.nameserver)
    return parameters


def _pass_later(desired: DesiredContainer) -> tuple[Step, ...]:
    return (PassDevices(vmid=desired.spec.vmid, devices=desired.devices),) if desired.devices else ()


def _plan_update(
    desired: DesiredContainer, current: CurrentContainer, group_ids: devices.GroupIds | None, rules: Rules
) -> tuple[UpdateConfig | None, tuple[str, ...]]:
    """One PUT for all keys, and the keys for which a running container must restart."""
    changes, delete = _changed_settings(desired_settings(desired.spec, current.config), current.config)
    device_changes = _changed_devices(desired, current, group_ids)
    hot = {key for key in (*changes, *delete) if _HOT_KEYS.fullmatch(key)}
    if device_changes.additions_only and rules.version >= _DEVICE_HOTPLUG:
        hot |= set(device_changes.changes)
    changes |= device_changes.changes
    delete += device_changes.delete
    waits = {*changes, *delete, *waiting_keys(current)} - hot
    if not changes and not delete:
        return None, tuple(sorted(waits))
    update = UpdateConfig(vmid=current.vmid, changes=changes, delete=delete, digest=current.digest)
    return update, tuple(sorted(waits))


def _changed_devices(
    desired: DesiredContainer, current: CurrentContainer, group_ids: devices.GroupIds | None
) -> DeviceChanges:
    """Ids unknown: a stopped container loses its GPU devices (a stale one keeps it from starting) until it runs.

    Raw lines that stay pass the devices already; a `devN` beside them would be mounted over.
    """
    if current.legacy:
        return DeviceChanges(changes={}, delete=(), additions_only=True)
    if group_ids is None and desired.devices:
        if current.running:
            return DeviceChanges(changes={}, delete=(), additions_only=True)
        return change_devices(current.config, ())
    bound = bind_groups(desired.devices, group_ids) if group_ids else ()
    return change_devices(current.config, bound)


def desired_settings(spec: ContainerSpec, config: Mapping[str, str]) -> dict[str, str]:
    """Managed keys with their desired values; what a user added beside them (a VLAN tag, keyctl) is kept."""
    network = {"name": "eth0"} | parse_properties(config.get("net0", ""))
    network = {key: value for key, value in network.items() if key not in {"ip", "gw", "bridge"}} | _network(spec)
    features = parse_properties(config.get("features", ""))
    features.pop("nesting", None)
    if spec.nesting:
        features = {"nesting": "1"} | features
    return {
        "hostname": spec.hostname,
        "cores": str(spec.cores),
        "memory": str(spec.memory_mib),
        "net0": format_properties(network),
        "features": format_properties(features),
        "nameserver": " ".join(spec.nameserver),
        "onboot": str(int(spec.onboot)),
    }


def _network(spec: ContainerSpec) -> dict[str, str]:
    return {"bridge": spec.bridge, "ip": spec.ip} | ({"gw": spec.gateway} if spec.gateway else {})


def _changed_settings(desired: Mapping[str, str], config: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Keys to set and to delete; an absent key has PVE's default."""
    changes = {}
    delete = []
    for key, value in desired.items():
        if _same(key, value, config.get(key, _DEFAULTS.get(key, ""))):
            continue
        if value:
            changes[key] = value
        else:
            delete.append(key)
    return changes, tuple(delete)


def _same(key: str, one: str, other: str) -> bool:
    if key in {"net0", "features"}:
        return _meaning(one) == _meaning(other)
    return one.replace(",", " ").split() == other.replace(",", " ").split()


def _meaning(text: str) -> dict[str, str]:
    """Property strings mean the same in any order; `type=veth` is the only type there is, and a 0 flag is no flag."""
    values = parse_properties(text)
    return {key: value for key, value in values.items() if key != "type" and value != "0"}


def _plan_disk(spec: ContainerSpec, current: CurrentContainer) -> list[Step]:
    found = disk_size_gib(current.config.get("rootfs", ""))
    if found is None or spec.disk_gib <= found:
        return []
    return [GrowDisk(vmid=spec.vmid, size_gib=spec.disk_gib)]
