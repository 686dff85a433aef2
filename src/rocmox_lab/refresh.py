"""What `rocmox lab up` keeps up to date on a node: code, settings, GPUs, its files.

Code, settings and GPUs reach the node by bind mounts, so they are live at once; its own files travel as an archive.
"""

from __future__ import annotations

import hashlib
import json

from rocmox.files import write_whole
from rocmox.machine import Machine
from rocmox_lab import node
from rocmox_lab.credentials import Credentials
from rocmox_lab.gpu_devices import build_gpu_tree
from rocmox_lab.node_files import NodeFile, as_tar, node_files
from rocmox_lab.package_copy import refresh_packages
from rocmox_lab.settings import LabPlaces, cache_directory
from rocmox_lab.state import LabState
from rocmox_lab.template_index import template_index

GPU_ROOT_IN_NODE = "/var/lib/rocmox-lab/gpus"


def refresh_bound_files(state: LabState) -> None:
    """Everything that reaches the node by bind mounts, before it starts."""
    places = LabPlaces(name=state.name)
    for directory in (places.storage, places.code, places.node_settings, places.gpu_tree.parent):
        directory.mkdir(mode=0o755, exist_ok=True)
    refresh_packages(places.code)
    _write_settings(state)
    _build_gpus(state)


def refresh_running_node(
    machine: Machine, before: LabState, state: LabState, credentials: Credentials, resolver: str
) -> list[str]:
    """Bring a running node up to date; returns what changed, in words."""
    places = LabPlaces(name=state.name)
    changes = []
    code_changed = refresh_packages(places.code)
    settings_changed = _write_settings(state)
    if before.gpus != state.gpus:
        _build_gpus(state)
        _remake_devices(machine, places)
        changes.append(f"GPUs {state.gpus} instead of {before.gpus}")
    files = node_files(state, credentials, resolver)
    archive = as_tar(files)
    stamp = places.directory / "node-files.sha256"
    if not stamp.exists() or stamp.read_text() != _digest(files):
        node.run_in_node(machine, places, ["tar", "--extract", "--directory", "/"], stdin=archive).check()
        node.run_in_node(machine, places, ["systemctl", "daemon-reload"]).check()
        node.run_in_node(machine, places, ["systemctl", "reload", "nginx.service"]).check()
        remember_node_files(places, files)
        changes.append("the node's files")
    if code_changed or settings_changed:
        node.run_in_node(machine, places, ["systemctl", "restart", "rocmox-lab-api.service"]).check()
        changes.append("code" if code_changed else "settings")
    return changes


def remember_node_files(places: LabPlaces, files: tuple[NodeFile, ...]) -> None:
    """Note which files the node has, so that only other ones are sent again."""
    write_whole(places.directory / "node-files.sha256", _digest(files), mode=0o600)


def _digest(files: tuple[NodeFile, ...]) -> str:
    return hashlib.sha256(as_tar(files)).hexdigest()


def _write_settings(state: LabState) -> bool:
    path = LabPlaces(name=state.name).node_settings / "node.json"
    document = {
        "node": state.node,
        "pve_version": state.pve_version,
        "mirror_url": state.mirror_url,
        "gpu_root": GPU_ROOT_IN_NODE,
    }
    text = json.dumps(document, indent=2) + "\n"
    write_whole(path.with_name("aplinfo.json"), template_index(cache_directory() / "templates"))
    if path.exists() and path.read_text() == text:
        return False
    write_whole(path, text, mode=0o600)
    return True


def _build_gpus(state: LabState) -> None:
    places = LabPlaces(name=state.name)
    lines = build_gpu_tree(state.gpus, places.gpu_tree)
    write_whole(places.node_settings / "devices.conf", lines)


def _remake_devices(machine: Machine, places: LabPlaces) -> None:
    node.run_in_node(machine, places, ["rm", "--recursive", "--force", "/dev/kfd", "/dev/dri"]).check()
    node.run_in_node(machine, places, ["systemctl", "restart", "rocmox-lab-devices.service"]).check()
