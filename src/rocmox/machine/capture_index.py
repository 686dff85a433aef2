"""`rocmox/capture.json` of an archive: what cannot be told by files alone (errors, listings, links, commands)."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from rocmox.errors import UsageError

INDEX_PATH = "rocmox/capture.json"
SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecordedCommand:
    """As `Completed`; without a status, `reason` says why it did not run."""

    exit_status: int | None
    stdout: str
    stderr: str
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptureIndex:
    """Answers by the path or the words that were asked for."""

    constructed: bool
    replays: bool
    listings: dict[str, list[str]]
    links: dict[str, str]
    existing: dict[str, bool]
    errors: dict[str, int]
    commands: dict[tuple[str, ...], RecordedCommand]


def parse_index(content: bytes) -> CaptureIndex:
    """UsageError for anything that `to_json` did not write."""
    try:
        document = json.loads(content)
        if document["schema_version"] != SCHEMA_VERSION:
            raise UsageError(
                f"the capture was made by another rocmox (format {document['schema_version']})",
                remedy="Capture the machine again with this one.",
            )
        return CaptureIndex(
            constructed=bool(document["constructed"]),
            replays=bool(document["replays"]),
            listings={path: [str(name) for name in names] for path, names in document["listings"].items()},
            links={path: str(target) for path, target in document["links"].items()},
            existing={path: bool(answer) for path, answer in document["existing"].items()},
            errors={path: int(number) for path, number in document["errors"].items()},
            commands={tuple(map(str, entry["argv"])): _command(entry) for entry in document["commands"]},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"{INDEX_PATH} of the capture cannot be read: {error}", remedy="Capture again.") from error


def _command(entry: dict[str, Any]) -> RecordedCommand:
    status = entry["exit_status"]
    return RecordedCommand(
        exit_status=None if status is None else int(status),
        stdout=str(entry["stdout"]),
        stderr=str(entry["stderr"]),
        reason=str(entry["reason"]),
    )
