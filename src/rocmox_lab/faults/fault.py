"""What a fault is: a name, one line about it, parameters with defaults, and the two functions that set and clear it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from rocmox.errors import UsageError
from rocmox_lab.faults.target import FaultTarget

Value = str | int
Values = Mapping[str, Value]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parameter:
    """One `key=value`; the default's type is the value's type."""

    name: str
    default: Value
    meaning: str
    choices: tuple[Value, ...] = ()

    def read(self, text: str) -> Value:
        """The value in a word of the command line; UsageError when it is none."""
        value: Value = text
        if isinstance(self.default, int):
            if not text.removeprefix("-").isdecimal():
                raise UsageError(f"{self.name}={text}: not a whole number")
            value = int(text)
        if self.choices and value not in self.choices:
            raise UsageError(f"{self.name}={text}: not one of {', '.join(map(str, self.choices))}")
        return value


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fault:
    """One kind of fault. `apply` and `clear` get the node and the values; `clear` follows a failed `apply` too."""

    name: str
    summary: str
    parameters: tuple[Parameter, ...] = ()
    apply: Callable[[FaultTarget, Values], None]
    clear: Callable[[FaultTarget, Values], None] = lambda _target, _values: None
    counts: bool = False
    """Whether the node counts its firings; a fault that does not count has fired once it is set."""

    def read(self, words: Sequence[str]) -> dict[str, Value]:
        """`key=value` words over the defaults; UsageError for a key that is not a parameter."""
        known = {parameter.name: parameter for parameter in self.parameters}
        values = {name: parameter.default for name, parameter in known.items()}
        for word in words:
            name, equals, text = word.partition("=")
            if not equals or name not in known:
                listed = ", ".join(known) or "none"
                raise UsageError(f"{word!r} is not a parameter of {self.name}", remedy=f"Its parameters: {listed}.")
            values[name] = known[name].read(text)
        return values
