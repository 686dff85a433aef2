"""Records of kernels without a built driver, one JSON file each; the hook writes them, health reads."""

from __future__ import annotations

import dataclasses
import json

from rocmox.facts.reading import read_text
from rocmox.machine.base import Machine

DIRECTORY = "/var/lib/rocmox/host/builds"
SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class FailedBuild:
    """A kernel without a working module: `error` is what the compiler said first, `log` where it stands."""

    kernel: str
    module: str
    error: str
    log: str
    time: str


def parse_record(text: str) -> FailedBuild | None:
    """One record; None when the text is none (a power cut may leave half a file)."""
    try:
        document = json.loads(text)
        fields = {field.name: str(document[field.name]) for field in dataclasses.fields(FailedBuild)}
    except (ValueError, KeyError, TypeError):
        return None
    return FailedBuild(**fields)


def record_text(build: FailedBuild) -> str:
    """What the file of a record holds."""
    return json.dumps({"schema_version": SCHEMA_VERSION, **dataclasses.asdict(build)}, indent=2) + "\n"


def read_records(machine: Machine) -> tuple[FailedBuild, ...]:
    """Every record, by kernel; none when the hook was never installed."""
    try:
        names = [name for name in machine.list_directory(DIRECTORY) if name.endswith(".json")]
    except OSError:
        return ()
    found = (parse_record(read_text(machine, f"{DIRECTORY}/{name}")) for name in names)
    return tuple(record for record in found if record)
