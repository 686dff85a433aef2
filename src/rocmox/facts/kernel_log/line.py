"""One kernel message: who says what, when."""

from __future__ import annotations

import dataclasses

from rocmox.facts.kernel_log.journal import parse_entry
from rocmox.facts.kernel_log.owner import find_owner
from rocmox.facts.kernel_log.prefix import strip_prefix
from rocmox.facts.kernel_log.stamp import Stamp

_LONGEST = 4000  # characters; the kernel's own limit is 1024 a record (LOG_LINE_MAX)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """`words` has single blanks; `driver` is "" and `address` None when the message does not name them."""

    raw: str
    words: str
    driver: str
    address: str | None
    is_drm: bool
    stamp: Stamp | None
    boot: str | None
    is_kernel: bool
    is_prefixed: bool


def parse_line(raw: str) -> LogLine:
    """Any line of any form; never an error."""
    text = raw.strip()[:_LONGEST]
    boot = None
    entry = parse_entry(raw.strip()) if text.startswith("{") else None
    if entry:
        boot, stamp, is_kernel, is_prefixed, message = entry.boot, entry.stamp, entry.is_kernel, True, entry.message
    else:
        prefix = strip_prefix(text)
        stamp, is_kernel, is_prefixed, message = prefix.stamp, prefix.is_kernel, prefix.is_prefixed, prefix.message
    owner = find_owner(" ".join(message[:_LONGEST].split()))
    return LogLine(
        raw=(entry.message if entry else text)[:_LONGEST],
        words=owner.words,
        driver=owner.driver,
        address=owner.address,
        is_drm=owner.is_drm,
        stamp=stamp,
        boot=boot,
        is_kernel=is_kernel,
        is_prefixed=is_prefixed,
    )
