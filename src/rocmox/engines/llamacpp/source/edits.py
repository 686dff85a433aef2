"""Edits of a source text that either all find their place, each exactly once, or change nothing."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

from rocmox.errors import RefusedError

BEGIN = "// rocmox mmvq: begin"
END = "// rocmox mmvq: end"
_REGION = re.compile(rf"^{re.escape(BEGIN)}.*?^{re.escape(END)}\n", re.MULTILINE | re.DOTALL)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Edit:
    """`insert` goes where the pattern's group `here` matches; without `insert` the pattern only has to be there.

    A pattern that must match exactly once is an anchor. `replace` takes the place of the text of group `here` instead.
    """

    name: str
    pattern: str
    insert: str | None = None
    replace: str | None = None


def region(*lines: str) -> str:
    """Inserted lines between the marks by which `remove_regions` finds them again."""
    return "\n".join((BEGIN, *lines, END, ""))


def remove_regions(text: str) -> str:
    """The text without everything that `region` put there."""
    return _REGION.sub("", text)


def apply_edits(text: str, edits: Sequence[Edit], *, path: str) -> str:
    """The edited text; RefusedError with the count of every anchor when one does not match exactly once."""
    found = {edit.name: list(re.finditer(edit.pattern, text)) for edit in edits}
    wrong = [f"{name}: {len(matches)}" for name, matches in found.items() if len(matches) != 1]
    if wrong:
        raise RefusedError(
            f"{path} is not a mmvq.cu that this patch knows: each anchor must match once, found {', '.join(wrong)}",
            remedy="Take the file as it came from llama.cpp (`git checkout` it); if it is, please report its version.",
        )
    changes = [(found[edit.name][0].span("here"), edit) for edit in edits if edit.insert or edit.replace]
    for (start, end), edit in sorted(changes, key=lambda change: change[0], reverse=True):
        text = text[:start] + (edit.insert + text[start:] if edit.insert else f"{edit.replace}{text[end:]}")
    return text
