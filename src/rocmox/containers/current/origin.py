"""What a container of ours was made from: a note in its description, since Proxmox VE itself does not remember."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NOTE = "Made by rocmox from "
_FOUND = re.compile(rf"{_NOTE}(?P<volume>\S+?)\.?$", re.MULTILINE)


def note(volume_id: str) -> str:
    """The description of a new container; its owner may write there whatever he likes."""
    return f"{_NOTE}{volume_id}."


def template_of(config: Mapping[str, str]) -> str | None:
    """The volume id of the template, None where nobody noted it."""
    found = _FOUND.search(config.get("description", ""))
    return found["volume"] if found else None
