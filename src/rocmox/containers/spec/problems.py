"""Reasons to refuse what is desired, collected so that a user sees all of them at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rocmox.errors import RefusedError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Problem:
    """One reason: the field or object it is about, what is wrong and why, what to do now."""

    where: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f"\n  -> {self.remedy}" if self.remedy else "")


def refuse_if_any(problems: Sequence[Problem]) -> None:
    """RefusedError naming every problem; nothing when there is none."""
    if not problems:
        return
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    listed = "\n".join(f"* {problem}" for problem in problems)
    raise RefusedError(f"{count}, nothing was changed:\n{listed}")
