"""The smallest set of changes from a configuration's GPU devices to the desired ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from rocmox.containers.current.devices import KEY, Device, GroupIds, gpu_devices, index_of
from rocmox.containers.plan.cards import DesiredDevice

_LARGEST_INDEX = 255


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeviceChanges:
    """`devN` keys to set and to delete."""

    changes: Mapping[str, str]
    delete: tuple[str, ...]
    additions_only: bool

    def __bool__(self) -> bool:
        return bool(self.changes or self.delete)


def bind_groups(desired: Sequence[DesiredDevice], ids: GroupIds) -> tuple[Device, ...]:
    """The desired devices with the guest's numbers."""
    return tuple(Device(path=device.path, gid=ids.of(device.group)) for device in desired)


def change_devices(config: Mapping[str, str], desired: Sequence[Device]) -> DeviceChanges:
    """What turns the configuration's GPU devices into the desired ones, whatever their order.

    An entry with the right path is kept or corrected in place; an entry with a wrong path makes room for a missing one.
    """
    targets = {device.path: device for device in desired}
    changes: dict[str, str] = {}
    spare: list[str] = []
    for key, device in gpu_devices(config).items():
        target = targets.pop(device.path, None)
        if target is None:
            spare.append(key)
        elif target != device:
            changes[key] = target.to_value()
    additions_only = not changes and not spare
    used = {index_of(key) for key in config if KEY.fullmatch(key)}
    free = [f"dev{index}" for index in range(_LARGEST_INDEX + 1) if index not in used]
    for device in targets.values():
        changes[spare.pop(0) if spare else free.pop(0)] = device.to_value()
    return DeviceChanges(changes=changes, delete=tuple(spare), additions_only=additions_only)
