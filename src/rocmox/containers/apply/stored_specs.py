"""What the repair at boot goes by: one file on the node for each container with cards. Standard library only."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from rocmox.containers.spec.container import ContainerSpec, parse_specs
from rocmox.errors import RocmoxError, UsageError
from rocmox.machine import Machine

SCHEMA_VERSION = 1
STORED_SPECS = "/etc/rocmox/containers"
_REFRESH = '[ -f "$1" ] || exit 0; umask 077; cat >"$1.new" && mv "$1.new" "$1"'


@dataclasses.dataclass(frozen=True, kw_only=True)
class StoredSpec:
    """What the role leaves on the node for one container."""

    node: str
    spec: ContainerSpec


def stored_path(vmid: int) -> str:
    """Where the file of a container lies."""
    return f"{STORED_SPECS}/{vmid}.json"


def refresh_stored_spec(node: Machine, vmid: int, document: str) -> None:
    """Keep what the repair at boot goes by in step with what was applied; nothing where it is not installed."""
    node.run(["sh", "-c", _REFRESH, "refresh", stored_path(vmid)], stdin=document.encode()).check()


def stored_document(node: str, entry: Mapping[str, Any]) -> str:
    """One stored container, the same bytes for the same entry: a second writer changes nothing."""
    document = {"schema_version": SCHEMA_VERSION, "node": node, "container": entry}
    return json.dumps(document, indent=4, sort_keys=True) + "\n"


def read_stored_specs(machine: Machine, directory: str) -> tuple[tuple[StoredSpec, ...], tuple[str, ...]]:
    """The desired containers with cards in a directory of `VMID.json`, and what is wrong with files that hold none."""
    stored = []
    problems = []
    try:
        names = [name for name in machine.list_directory(directory) if name.endswith(".json")]
    except OSError as error:
        raise UsageError(
            f"{directory} holds no desired containers: {error.strerror}",
            remedy="The role gpu_container writes them (gpu_container_repair_at_boot).",
        ) from error
    for name in names:
        try:
            entry = _read_stored_spec(machine.read_bytes(f"{directory}/{name}"))
        except (OSError, ValueError, KeyError, TypeError, RocmoxError) as error:
            problems.append(f"{directory}/{name} does not hold a desired container: {error}")
            continue
        stored += [entry] if entry.spec.gpus else []
    return tuple(stored), tuple(problems)


def _read_stored_spec(content: bytes) -> StoredSpec:
    document: Any = json.loads(content)
    if document["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"schema_version is {document['schema_version']}, {SCHEMA_VERSION} is known")
    (spec,) = parse_specs([document["container"]])
    return StoredSpec(node=str(document["node"]), spec=spec)
