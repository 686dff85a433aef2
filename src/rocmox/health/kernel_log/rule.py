"""A rule: which words of whose message mean what."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from rocmox.health.kernel_log.event import Severity


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule:
    """`pattern` is matched at the beginning of the words after the driver's marks; it captures nothing.

    `unsigned` rules also hold for messages that name no driver: their words occur in amdgpu alone.
    """

    code: str
    severity: Severity
    pattern: str
    unsigned: bool = False


def rules(code: str, severity: Severity, *patterns: str, unsigned: bool = False) -> tuple[Rule, ...]:
    """One rule for each pattern of a code."""
    return tuple(Rule(code=code, severity=severity, pattern=pattern, unsigned=unsigned) for pattern in patterns)


_PART = 16


class RuleBook:
    """Finds the rule of a message: one expression says whether there is any, then they are asked in their order."""

    def __init__(self, book: Iterable[Rule]) -> None:
        rules = tuple(book)
        # Alternatives that begin with a literal and capture nothing are told apart by their first character.
        self.expression = _either(rules)
        self._any = re.compile(self.expression)
        parts = [rules[start : start + _PART] for start in range(0, len(rules), _PART)]
        self._parts = [
            (re.compile(_either(part)), [(rule, re.compile(rule.pattern)) for rule in part]) for part in parts
        ]

    def find(self, words: str) -> Rule | None:
        """The first rule whose pattern the words begin with."""
        if not self._any.match(words):
            return None
        part = next(part for either, part in self._parts if either.match(words))
        return next(rule for rule, pattern in part if pattern.match(words))


def _either(rules: Iterable[Rule]) -> str:
    return "|".join(rule.pattern for rule in rules)
