"""The commands on a node that fix a container's devices, ready to be copied; `VMID` and `devN` where nobody knows."""

from __future__ import annotations


def config_file(vmid: int | None) -> str:
    """The container's configuration on its node."""
    return f"/etc/pve/lxc/{vmid or 'VMID'}.conf"


def line(key: str, path: str, gid: int, *, more: str = "") -> str:
    """The line of a device as it stands in the configuration."""
    return f"{key or 'devN'}: {path},{more}gid={gid}"


def set_device(vmid: int | None, key: str, path: str, gid: int) -> str:
    """What passes a device with the default mode 0660, for reading and writing."""
    return f"pct set {vmid or 'VMID'} -{key or 'devN'} {path},gid={gid}"


def restart(vmid: int | None) -> str:
    """What makes a running container take its devices again."""
    return f"`pct stop {vmid or 'VMID'} && pct start {vmid or 'VMID'}` on the node"
