"""What the guest has shown of a model's file (read_models.py), as a file on the controller.

Part of fit_models.py. A header is a few hundred kilobytes; behind it lies nothing, up to the size of the original, so
`rocmox fit` sees at once when a file is shorter than its header says.
"""

import base64
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Wish = dict[str, Any]


def write(found: Wish, folder: Path) -> Path:
    """Sparse files with the names of the model's parts; the path of the first."""
    for part in found["parts"]:
        path = folder / Path(part["name"]).name
        path.write_bytes(zlib.decompress(base64.b64decode(part["header"])))
        os.truncate(path, part["size_bytes"])
    return folder / Path(found["parts"][0]["name"]).name


def checksum_problem(model: Wish, found: Wish) -> Iterator[str]:
    """A file that is not the wished one."""
    if found["sha256"] not in {"", model.get("sha256")}:
        yield (
            f"Model {model['name']!r}: SHA-256 of {model['file']} is {found['sha256']}, expected {model['sha256']}. "
            "Copy the file there again, or correct the model's sha256."
        )
