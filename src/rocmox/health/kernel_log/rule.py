"""A rule: which words of whose message mean what."""

from __future__ import annotations

import dataclasses
import functools
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
    """Finds the rule of a message: one expression says whether there is any, then the rules are asked in their order.

    Expressions are compiled when the first message needs them: most logs of a healthy machine need few.
    """

    def __init__(self, book: Iterable[Rule]) -> None:
        self._rules = tuple(book)

    @property
    def expression(self) -> str:
        """All patterns; alternatives that capture nothing are told apart by their first character."""
        return _either(self._rules)

    def find(self, words: str) -> Rule | None:
        """The first rule whose pattern the words begin with."""
        if not self._any.match(words):
            return None
        part = next(part for either, part in self._parts if re.match(either, words))
        return next(rule for rule in part if re.match(rule.pattern, words))

    @functools.cached_property
    def _any(self) -> re.Pattern[str]:
        return re.compile(self.expression)

    @functools.cached_property
    def _parts(self) -> list[tuple[str, tuple[Rule, ...]]]:
        parts = [self._rules[start : start + _PART] for start in range(0, len(self._rules), _PART)]
        return [(_either(part), part) for part in parts]


def _either(rules: Iterable[Rule]) -> str:
    return "|".join(rule.pattern for rule in rules)
