"""What a lab is: `state.json`, the file that the inventory, the tests and the next `rocmox lab up` read."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from rocmox.errors import CannotLookError
from rocmox.files import write_whole
from rocmox_lab.settings import LABS_DIRECTORY, LabPlaces, LabSettings

SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabState:
    """One lab as it was set up. Addresses are IPv4 text, paths are absolute on this machine."""

    name: str
    node: str
    pve_version: str
    gpus: str
    bridge: str
    subnet: str
    gateway: str
    node_address: str
    api_url: str
    mirror_url: str
    ssh_private_key: str
    known_hosts: str
    root_password_file: str
    mount_namespace: str
    api_fingerprint: str = ""
    """SHA-256 of the API's certificate, upper-case hex with colons; empty until it is made."""
    node_image: str = ""
    """Directory name of the node's lower layer under `ROCMOX_CACHE/images`; empty until it is chosen."""
    schema_version: int = SCHEMA_VERSION


def new_state(settings: LabSettings, subnet_number: int) -> LabState:
    """The state of a lab that owns 10.77.`subnet_number`.0/24."""
    places = LabPlaces(name=settings.name)
    prefix = f"10.77.{subnet_number}"
    return LabState(
        **dataclasses.asdict(settings),
        bridge=places.bridge,
        subnet=f"{prefix}.0/24",
        gateway=f"{prefix}.1",
        node_address=f"{prefix}.2",
        api_url=f"https://{prefix}.2:8006/api2/json",
        mirror_url=f"http://{prefix}.2:8081",
        ssh_private_key=str(places.secrets / "id_ed25519"),
        known_hosts=str(places.secrets / "known_hosts"),
        root_password_file=str(places.secrets / "root_password"),
        mount_namespace=str(places.namespace_file),
    )


def parse_state(text: str, *, source: str) -> LabState:
    """The state in a JSON document; CannotLookError when it is not one of this version."""
    remedy = "`rocmox lab down --name NAME` removes the lab, `rocmox lab up` makes a new one."
    try:
        document: dict[str, Any] = json.loads(text)
        if document.get("schema_version") != SCHEMA_VERSION:
            raise CannotLookError(
                f"{source}: written by another rocmox (schema {document.get('schema_version')}, "
                f"this one reads {SCHEMA_VERSION})",
                remedy=remedy,
            )
        return LabState(**document)
    except (ValueError, TypeError, AttributeError) as error:
        raise CannotLookError(f"{source}: not a lab's state ({error})", remedy=remedy) from error


def read_state(name: str) -> LabState | None:
    """The lab's state, None when there is no such lab; CannotLookError when it cannot be read."""
    path = LabPlaces(name=name).state_file
    try:
        return parse_state(path.read_text(), source=str(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise CannotLookError(
            f"{path} belongs to root, this user may not read it", remedy="Run it as root, for example with sudo."
        ) from error


def write_state(state: LabState) -> None:
    """Replace `state.json` in one step; a killed writer leaves the old one."""
    path = LabPlaces(name=state.name).state_file
    write_whole(path, json.dumps(dataclasses.asdict(state), indent=2) + "\n", mode=0o600)


def lab_names() -> list[str]:
    """Names of all labs of this machine, whole or half made."""
    try:
        return sorted(entry.name for entry in LABS_DIRECTORY.iterdir() if entry.is_dir())
    except FileNotFoundError:
        return []
