"""From a configuration file to what the runtime gets: paths resolved, strings parsed, defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping

from rocmox_lab.pve import properties, sizes, values
from rocmox_lab.pve.answers import AnswerError
from rocmox_lab.pve.guests.config import ConfigFiles, GuestConfig
from rocmox_lab.pve.node import Node
from rocmox_lab.pve.runtime_protocol import DeviceSpec, GuestSpec, MountSpec, NetworkSpec
from rocmox_lab.pve.storage import volumes
from rocmox_lab.pve.storage.config import StorageConfig

DEFAULT_CPU_UNITS = 1024
MODERN_CPU_UNITS = 100


def parsed(files: ConfigFiles, key: str, text: str) -> dict[str, str]:
    """A property string of the file, checked."""
    entry = files.options.property_of(key)
    if entry is None or not isinstance(entry.get("format"), dict):
        message = f"unknown setting '{key}'\n"
        raise AnswerError(message)
    try:
        return properties.parse(text, entry["format"])
    except properties.PropertyStringError as error:
        raise AnswerError(error.message, errors=error.errors) from error


def rendered(files: ConfigFiles, key: str, parts: Mapping[str, str]) -> str:
    """A property string as PVE prints it."""
    entry = files.options.property_of(key) or {}
    return properties.render(parts, entry["format"])


def numbered(config_values: Mapping[str, str], base: str) -> list[str]:
    """`net0`, `net1` … in order of their number."""
    keys = [key for key in config_values if key.startswith(base) and key[len(base) :].isdigit()]
    return sorted(keys, key=lambda key: int(key[len(base) :]))


def mount_type(volume: str) -> str:
    """`volume`, `device` or `bind`, as PVE::LXC::Config's classify_mountpoint."""
    if volume.startswith("/dev/"):
        return "device"
    return "bind" if volume.startswith("/") else "volume"


class SpecBuilder:
    """Makes GuestSpecs for one node."""

    def __init__(self, node: Node, files: ConfigFiles) -> None:
        self._node = node
        self._files = files
        self._storages = StorageConfig(node)

    def build(self, vmid: int, config: GuestConfig) -> GuestSpec:
        """The whole guest."""
        found = config.values
        features = parsed(self._files, "features", found["features"]) if "features" in found else {}
        units = MODERN_CPU_UNITS if self._node.modern else DEFAULT_CPU_UNITS
        return GuestSpec(
            vmid=vmid,
            hostname=found.get("hostname", f"CT{vmid}"),
            unprivileged=config.flag("unprivileged"),
            ostype=found.get("ostype", "unmanaged"),
            arch=found.get("arch", "amd64"),
            memory_mib=int(found.get("memory", 512)),
            swap_mib=int(found.get("swap", 0)),
            cores=int(found["cores"]) if "cores" in found else None,
            cpulimit=float(found["cpulimit"]) if "cpulimit" in found else None,
            cpuunits=int(found.get("cpuunits", units)),
            nesting=values.is_true(features.get("nesting")),
            features=features,
            rootfs=self.mount("rootfs", found["rootfs"]),
            mounts=[self.mount(key, found[key]) for key in numbered(found, "mp")],
            devices=[self.device(key, found[key]) for key in numbered(found, "dev")],
            networks=[self.network(vmid, key, found[key]) for key in numbered(found, "net")],
            nameserver=found.get("nameserver"),
            searchdomain=found.get("searchdomain"),
            timezone=found.get("timezone"),
            tty=int(found.get("tty", 2)),
            console=values.is_true(found.get("console", "1")),
            cmode=found.get("cmode", "tty"),
            raw_lxc=list(config.current.raw),
            entrypoint=found.get("entrypoint"),
            debug=config.flag("debug"),
        )

    def mount(self, key: str, text: str) -> MountSpec:
        """`rootfs` or `mpN`."""
        parts = parsed(self._files, key, text)
        volume = parts["volume"]
        if mount_type(volume) == "volume":
            found = volumes.find(self._storages, volume)
            source, kind = str(self._node.path(found.path)), "directory" if found.format == "subvol" else "image"
        else:
            source, kind = volume, mount_type(volume)
        options = tuple(entry for entry in parts.get("mountoptions", "").split(";") if entry)
        return MountSpec(
            key=key,
            source=source,
            target=parts.get("mp", "/"),
            kind=kind,
            read_only=values.is_true(parts.get("ro")),
            size_bytes=sizes.parse(parts["size"]) if "size" in parts else None,
            mount_options=options,
        )

    def device(self, key: str, text: str) -> DeviceSpec:
        """`devN`."""
        parts = parsed(self._files, key, text)
        if not parts.get("path"):
            message = "Path has to be defined\n"
            raise AnswerError(message)
        return DeviceSpec(
            key=key,
            path=parts["path"],
            uid=int(parts.get("uid", 0)),
            gid=int(parts.get("gid", 0)),
            mode=int(parts.get("mode", "0660"), 8),
            deny_write=values.is_true(parts.get("deny-write")),
        )

    def network(self, vmid: int, key: str, text: str) -> NetworkSpec:
        """`netN`."""
        parts = parsed(self._files, key, text)
        return NetworkSpec(
            key=key,
            name=parts["name"],
            hwaddr=parts.get("hwaddr", ""),
            bridge=parts.get("bridge"),
            ip=parts.get("ip"),
            gateway=parts.get("gw"),
            ip6=parts.get("ip6"),
            gateway6=parts.get("gw6"),
            mtu=int(parts["mtu"]) if "mtu" in parts else None,
            tag=int(parts["tag"]) if "tag" in parts else None,
            link_down=values.is_true(parts.get("link_down")),
            host_interface=f"veth{vmid}i{key.removeprefix('net')}",
        )
