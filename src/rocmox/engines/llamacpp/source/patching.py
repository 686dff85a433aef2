"""Writing the patched mmvq.cu into a tree: the difference first, then one atomic replacement."""

from __future__ import annotations

import dataclasses
import difflib
from pathlib import Path

from rocmox.engines.llamacpp.source.mmvq import Source, desired_geometry, patch, revert
from rocmox.engines.llamacpp.source.source_text import replace_text
from rocmox.engines.llamacpp.source.tree import MMVQ, read_source


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """What would be written to `path`; `before` equals `after` when there is nothing to do."""

    path: Path
    before: str
    after: str

    @property
    def needed(self) -> bool:
        return self.before != self.after

    def difference(self) -> str:
        """A unified diff, empty when nothing changes."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True), f"a/{MMVQ}", f"b/{MMVQ}"
        )
        return "".join(lines)

    def write(self) -> None:
        """Replace the file in one step; RefusedError when it cannot be; the old one then stays."""
        replace_text(self.path, self.after)


def plan_patch(root: Path, *, architecture: str, nwarps: str | None, rows: str | None) -> Change:
    """The change that brings the desired settings; RefusedError for a file that is foreign or was edited."""
    source = read_source(root)
    stock = dataclasses.replace(source, mmvq=revert(source))
    after = patch(stock, desired_geometry(stock, nwarps=nwarps, rows=rows), architecture=architecture)
    return _change(root, source, after)


def plan_revert(root: Path) -> Change:
    """The change that removes the patch."""
    source = read_source(root)
    return _change(root, source, revert(source))


def _change(root: Path, source: Source, after: str) -> Change:
    return Change(path=root / MMVQ, before=source.mmvq, after=after)
