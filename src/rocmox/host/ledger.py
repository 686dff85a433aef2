"""What the role added to the node, so that removal takes exactly that away."""

from __future__ import annotations

import dataclasses

from rocmox.host import files, places


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ledger:
    """Packages and holds that were not there before, the pin before ours, words added to /etc/kernel/cmdline."""

    packages: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    pinned: str = ""
    pin_before: str = ""
    words: tuple[str, ...] = ()


def read_ledger() -> Ledger:
    """An empty one when the role never ran."""
    document = files.read_document(places.LEDGER)
    return Ledger(
        packages=tuple(document.get("packages", ())),
        holds=tuple(document.get("holds", ())),
        pinned=str(document.get("pinned", "")),
        pin_before=str(document.get("pin_before", "")),
        words=tuple(document.get("words", ())),
    )


def add(
    *,
    packages: tuple[str, ...] = (),
    holds: tuple[str, ...] = (),
    words: tuple[str, ...] = (),
    pinned: str = "",
    pin_before: str | None = None,
) -> None:
    """Note before it is done: what is noted and was not done harms nothing."""
    before = read_ledger()
    after = dataclasses.replace(
        before,
        packages=tuple(sorted({*before.packages, *packages})),
        holds=tuple(sorted({*before.holds, *holds})),
        words=tuple(dict.fromkeys((*before.words, *words))),
        pinned=pinned or before.pinned,
        pin_before=before.pin_before if before.pinned or pin_before is None else pin_before,
    )
    if after != before:
        files.write_document(places.LEDGER, dataclasses.asdict(after))
