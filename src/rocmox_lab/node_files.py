"""The files `rocmox lab up` puts into the node, as data; and the two ways to put them there."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
import string
import tarfile
from importlib import resources
from pathlib import Path

from rocmox_lab.credentials import Credentials
from rocmox_lab.pve.access.store import PATH as USER_STORE
from rocmox_lab.pve.access.store import hash_password
from rocmox_lab.state import LabState

COMMANDS = ("pvesh", "pct", "pveam", "pvesm", "pveversion")
CODE_IN_NODE = "/usr/lib/rocmox-lab"
_UNITS = {
    "rocmox-lab-devices.service": "sysinit.target",
    "rocmox-lab-api.service": "multi-user.target",
    "pve-guests.service": "multi-user.target",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class NodeFile:
    """One file (or, with `link_to`, a symbolic link) of the node, owned by root."""

    path: str
    content: str = ""
    mode: int = 0o644
    link_to: str = ""


def node_files(state: LabState, credentials: Credentials, resolver: str) -> tuple[NodeFile, ...]:
    """Everything that makes the node image into this very node. `resolver` is the text of its resolv.conf."""
    return (
        *_identity(state, resolver),
        *_ssh(credentials),
        *_pve(state, credentials),
        *_services(),
    )


def user_store(password: str) -> NodeFile:
    """The users of a fresh node: root@pam with this password. Later the API owns the file."""
    users = {"users": {"root@pam": {"password": hash_password(password)}}}
    return NodeFile(path=USER_STORE, content=json.dumps(users) + "\n", mode=0o600)


def _identity(state: LabState, resolver: str) -> list[NodeFile]:
    hosts = f"127.0.0.1 localhost\n{state.node_address} {state.node}.{state.name}.rocmox.internal {state.node}\n"
    mapped = "root:100000:65536\n"
    interfaces = string.Template(_data("interfaces.conf"))
    return [
        NodeFile(path="/etc/hostname", content=f"{state.node}\n"),
        NodeFile(path="/etc/hosts", content=hosts),
        NodeFile(path="/etc/resolv.conf", content=resolver),
        NodeFile(
            path="/etc/network/interfaces",
            content=interfaces.substitute(node_address=state.node_address, gateway=state.gateway),
        ),
        NodeFile(path="/etc/subuid", content=mapped),
        NodeFile(path="/etc/subgid", content=mapped),
    ]


def _ssh(credentials: Credentials) -> list[NodeFile]:
    return [
        NodeFile(path="/etc/ssh/sshd_config.d/10-rocmox-lab.conf", content=_data("sshd.conf")),
        NodeFile(path="/etc/ssh/ssh_host_ed25519_key", content=credentials.host_private_key, mode=0o600),
        NodeFile(path="/etc/ssh/ssh_host_ed25519_key.pub", content=credentials.host_public_key),
        NodeFile(path="/root/.ssh/authorized_keys", content=credentials.authorized_key, mode=0o600),
    ]


def _pve(state: LabState, credentials: Credentials) -> list[NodeFile]:
    own = f"/etc/pve/nodes/{state.node}"
    files = [
        NodeFile(path=f"{own}/pve-ssl.pem", content=credentials.certificate, mode=0o640),
        NodeFile(path=f"{own}/pve-ssl.key", content=credentials.certificate_key, mode=0o640),
        NodeFile(path="/etc/pve/local", link_to=f"nodes/{state.node}"),
    ]
    for command in COMMANDS:
        script = f'#!/bin/sh\nPYTHONPATH={CODE_IN_NODE} exec python3 -m rocmox_lab.pve.commands.{command} "$@"\n'
        files.append(NodeFile(path=f"/usr/sbin/{command}", content=script, mode=0o755))
    return files


def _services() -> list[NodeFile]:
    files = [NodeFile(path="/etc/nginx/sites-enabled/rocmox-lab.conf", content=_data("nginx.conf"))]
    for unit, target in _UNITS.items():
        files += [
            NodeFile(path=f"/etc/systemd/system/{unit}", content=_data(unit)),
            NodeFile(path=f"/etc/systemd/system/{target}.wants/{unit}", link_to=f"../{unit}"),
        ]
    return files


def _data(name: str) -> str:
    return resources.files("rocmox_lab").joinpath("data/node", name).read_text(encoding="utf-8")


def as_tar(files: tuple[NodeFile, ...]) -> bytes:
    """The files as an archive for `tar --extract --directory /` in the running node; parents come by themselves."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for file in files:
            member = tarfile.TarInfo(file.path.lstrip("/"))
            member.mode = file.mode
            if file.link_to:
                member.type, member.linkname = tarfile.SYMTYPE, file.link_to
                archive.addfile(member)
            else:
                data = file.content.encode()
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def write_into_layer(files: tuple[NodeFile, ...], *, upper: Path, lower: Path) -> None:
    """Put the files into an overlay's upper directory before it is mounted; directories keep the lower one's mode."""
    upper.mkdir(mode=0o755, parents=True, exist_ok=True)
    for file in files:
        relative = Path(file.path.lstrip("/"))
        for parent in reversed(relative.parents[:-1]):
            if not (upper / parent).is_dir():
                (upper / parent).mkdir(mode=0o755)
                if (lower / parent).is_dir():
                    shutil.copystat(lower / parent, upper / parent)
        target = upper / relative
        target.unlink(missing_ok=True)
        if file.link_to:
            target.symlink_to(file.link_to)
        else:
            target.touch(mode=0o600)
            target.write_text(file.content)
            target.chmod(file.mode)


def resolver_text(machine_resolver: str, systemd_resolver: str) -> str:
    """The node's resolv.conf: this machine's, or systemd-resolved's real one where the machine asks itself."""
    for text in (machine_resolver, systemd_resolver):
        words = [line.split() for line in text.splitlines() if len(line.split()) > 1]
        kept = [
            line
            for line in words
            if line[0] in {"search", "options"} or (line[0] == "nameserver" and not line[1].startswith(("127.", "::1")))
        ]
        if any(line[0] == "nameserver" for line in kept):
            return "".join(f"{' '.join(line)}\n" for line in kept)
    return machine_resolver
