"""Pending changes: applied to a stopped guest, hot-plugged into a running one where PVE can.

PVE::LXC::Config's vmconfig_apply_pending and vmconfig_hotplug_pending.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from rocmox_lab.pve import values
from rocmox_lab.pve.answers import AnswerError, BadParameterError
from rocmox_lab.pve.guests.config import GuestConfig
from rocmox_lab.pve.guests.service import Guests
from rocmox_lab.pve.guests.spec import SpecBuilder, mount_type, parsed
from rocmox_lab.pve.runtime_protocol import GuestSpec, RuntimeFailedError
from rocmox_lab.pve.schema import INDEXED
from rocmox_lab.pve.storage import volumes

# Written at once, whatever runs (PVE's LXC_FASTPLUG_OPTIONS).
FAST = {"description", "onboot", "startup", "protection", "hostname", "hookscript", "cores", "tags", "lock"}
LIMITS = {"memory", "swap", "cpulimit", "cpuunits", "cores"}


def apply(guests: Guests, vmid: int, config: GuestConfig) -> None:
    """Everything pending becomes current; the file is written when something was."""
    if not config.pending.values and not config.delete:
        return
    for key in config.delete:
        _drop(guests, config, key)
    for key, value in config.pending.values.items():
        if key.startswith("mp") and _volume(guests, key, config.values.get(key)) != _volume(guests, key, value):
            _drop(guests, config, key)
        config.values[key] = value
    config.pending.values.clear()
    config.delete.clear()
    guests.files.save(vmid, config)


def _volume(guests: Guests, key: str, text: str | None) -> str | None:
    return parsed(guests.files, key, text)["volume"] if text else None


def _drop(guests: Guests, config: GuestConfig, key: str) -> None:
    """A key goes; the volume of a mount point stays as `unusedN`, that of an `unusedN` is deleted."""
    text = config.values.pop(key, None)
    volume = _volume(guests, key, text) if key.startswith(("mp", "unused")) else None
    if volume is None or mount_type(volume) != "volume":
        return
    if key.startswith("unused"):
        path = guests.node.path(volumes.find(guests.storages, volume).path)
        guests.node.runtime.free_volume(path=str(path))
        return
    number = next(count for count in range(256) if f"unused{count}" not in config.values)
    config.values[f"unused{number}"] = volume


class HotPlug:
    """Carries what can be carried into a running guest; the rest stays pending."""

    def __init__(self, guests: Guests, vmid: int, config: GuestConfig) -> None:
        self._guests = guests
        self._vmid = vmid
        self._config = config
        self._errors: dict[str, str] = {}

    def run(self) -> None:
        """BadParameterError for what failed; what worked is written all the same."""
        for key in sorted(self._config.delete):
            self._try(key, functools.partial(self._remove, key))
        for key in sorted(self._config.pending.values):
            self._try(key, functools.partial(self._set, key, self._config.pending.values[key]))
        self._guests.files.save(self._vmid, self._config)
        if self._errors:
            raise BadParameterError(self._errors)

    def _try(self, key: str, change: Callable[[], bool]) -> None:
        try:
            done = change()
        except (RuntimeFailedError, AnswerError) as error:
            self._errors[key] = f"unable to hotplug {key}: {str(error).strip()}\n"
            if key.startswith("mp"):
                self._give_up_mount(key)
            return
        if done:
            if key in self._config.delete:
                self._config.delete.remove(key)
                _drop(self._guests, self._config, key)
            else:
                self._config.values[key] = self._config.pending.values.pop(key)

    def _remove(self, key: str) -> bool:
        if key in FAST or key.startswith("unused"):
            return True
        if key in LIMITS:
            self._limits(key, None)
            return True
        if key.startswith("net"):
            self._guests.node.runtime.unplug_network(self._vmid, f"veth{self._vmid}i{key.removeprefix('net')}")
            return True
        return False

    def _set(self, key: str, value: str) -> bool:
        match = INDEXED.match(key)
        base = match[1] if match else key
        if key in LIMITS:
            self._limits(key, value)
            return True
        if key in FAST:
            return True
        if base == "net":
            return self._network(key, value)
        if base == "mp" and key not in self._config.values:
            return self._mount(key, value)
        if base == "dev" and self._guests.node.modern and key not in self._config.values:
            return self._device(key, value)
        return False

    def _limits(self, key: str, value: str | None) -> None:
        changed = {**self._config.values, **({key: value} if value is not None else {})}
        if value is None:
            changed.pop(key, None)
        self._guests.node.runtime.set_limits(self._guests.spec(self._vmid, _with(self._config, changed)))

    def _network(self, key: str, value: str) -> bool:
        builder = SpecBuilder(self._guests.node, self._guests.files)
        self._guests.node.runtime.plug_network(self._spec(key, value), builder.network(self._vmid, key, value))
        return True

    def _device(self, key: str, value: str) -> bool:
        builder = SpecBuilder(self._guests.node, self._guests.files)
        self._guests.node.runtime.plug_device(self._spec(key, value), builder.device(key, value))
        return True

    def _mount(self, key: str, value: str) -> bool:
        builder = SpecBuilder(self._guests.node, self._guests.files)
        self._guests.node.runtime.plug_mount(self._spec(key, value), builder.mount(key, value))
        return True

    def _give_up_mount(self, key: str) -> None:
        """A mount point that could not be plugged is dropped with its new volume."""
        text = self._config.pending.values.pop(key, None)
        if text is None:
            return
        mount = SpecBuilder(self._guests.node, self._guests.files).mount(key, text)
        if mount.kind != "bind":
            self._guests.node.runtime.free_volume(path=mount.source)

    def _spec(self, key: str, value: str) -> GuestSpec:
        """The guest as it is with the change."""
        return self._guests.spec(self._vmid, _with(self._config, {**self._config.values, key: value}))


def _with(config: GuestConfig, found: dict[str, str]) -> GuestConfig:
    copy = GuestConfig()
    copy.current.values = found
    copy.current.raw = config.current.raw
    return copy


def as_list(guests: Guests, config: GuestConfig) -> list[dict[str, object]]:
    """`…/pending`: every key with its value, its pending one, or the mark that it goes."""
    shown = guests.files.shown(config.values)
    coming = guests.files.shown(config.pending.values)
    entries: list[dict[str, object]] = []
    for key in [*shown, "digest"]:
        entry: dict[str, object] = {"key": key, "value": config.digest if key == "digest" else shown[key]}
        if key in coming:
            entry["pending"] = coming.pop(key)
        if key in config.delete:
            entry["delete"] = 1
        entries.append(entry)
    entries += [{"key": key, "pending": value} for key, value in coming.items()]
    return entries


def same(old: str | None, new: str) -> bool:
    """Whether a sent value is the stored one (booleans in any spelling)."""
    if old is None:
        return False
    return old == new or (old in values.TRUE_WORDS and new in values.TRUE_WORDS)
