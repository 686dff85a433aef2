"""What the guest has shown of a model's file (read_models.py), as a file on the controller.

Part of fit_models.py. A header is a few hundred kilobytes; behind it lies nothing, up to the size of the original, so
planning sees at once when a file is shorter than its header says.
"""

import base64
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Desired = dict[str, Any]


def write(actual: Desired, folder: Path) -> Path:
    """Sparse files with the names of the model's parts; the path of the first."""
    for part in actual["parts"]:
        path = folder / Path(part["name"]).name
        path.write_bytes(zlib.decompress(base64.b64decode(part["header"])))
        os.truncate(path, part["size_bytes"])
    return folder / Path(actual["parts"][0]["name"]).name


def checksum_problem(model: Desired, actual: Desired) -> Iterator[str]:
    """A file that is not the desired one."""
    if actual["sha256"] not in {"", model.get("sha256")}:
        yield (
            f"Model {model['name']!r}: SHA-256 of {model['file']} is {actual['sha256']}, expected {model['sha256']}. "
            "Copy the file there again, or correct the model's sha256."
        )
