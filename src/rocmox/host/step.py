"""One change of the node: what it is, how it would show in a diff, and how it is done."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from rocmox.host import files
from rocmox.machine import Machine

Read = Callable[[str], str | None]  # a file's text, None when there is none


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """`text` says it in one line; `before` and `after` are what a diff shows under `header`."""

    text: str
    header: str
    before: str
    after: str
    action: Callable[[Machine], None] = dataclasses.field(compare=False, repr=False)


def write_file(path: str, content: str, before: str | None, *, mode: int = 0o644) -> Step:
    """The file holds this in the end."""
    return Step(
        text=f"write {path}",
        header=path,
        before=before or "",
        after=content,
        action=lambda _machine: files.write(path, content, mode=mode),
    )


def remove_file(path: str, before: str) -> Step:
    """The file is gone in the end."""
    return Step(text=f"remove {path}", header=path, before=before, after="", action=lambda _machine: files.remove(path))


def write_stale(path: str, content: str, read: Read, *, mode: int = 0o644) -> Iterator[Step]:
    """The same, unless the file holds this already."""
    before = read(path)
    if before != content:
        yield write_file(path, content, before, mode=mode)


def remove_present(paths: tuple[str, ...], read: Read) -> Iterator[Step]:
    """Those of the files that are there go."""
    for path in paths:
        before = read(path)
        if before is not None:
            yield remove_file(path, before)


def do(text: str, action: Callable[[Machine], None], *, header: str, before: str = "", after: str = "") -> Step:
    """Anything else; `before` and `after` are one line each."""
    return Step(
        text=text,
        header=header,
        before=f"{before}\n" if before else "",
        after=f"{after or text}\n",
        action=action,
    )
