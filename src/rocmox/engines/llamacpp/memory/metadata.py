"""Typed access to a GGUF header's keys of the model's own architecture."""

from __future__ import annotations

import dataclasses
from typing import NoReturn

from rocmox.errors import UsageError
from rocmox.facts.gguf import GgufHeader, Value

_LARGEST = 1 << 31


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metadata:
    """Keys are given without the architecture in front: `block_count` is `llama.block_count` for a llama."""

    header: GgufHeader
    where: str

    def get(self, key: str) -> Value:
        """The value, None when it is missing."""
        return self.header.metadata.get(f"{self.header.architecture}.{key}")

    def whole(self, key: str, default: int = 0) -> int:
        """A number that is not negative; the first one of a per-layer list."""
        value = self.get(key)
        if isinstance(value, tuple):
            value = max((entry for entry in value if isinstance(entry, int)), default=default)
        if value is None:
            return default
        if not isinstance(value, int) or not 0 <= value < _LARGEST:
            self.refuse(key, value)
        return int(value)

    def positive(self, key: str) -> int:
        """A number that must be there and above 0."""
        value = self.whole(key)
        if not value:
            self.refuse(key, self.get(key))
        return value

    def number(self, key: str) -> float:
        """A number, 0 when it is missing."""
        value = self.get(key)
        return float(value) if isinstance(value, int | float) else 0.0

    def truth(self, key: str) -> bool:
        """True when the key is there and true."""
        return bool(self.get(key))

    def per_layer(self, key: str, layers: int, default: int | tuple[int, ...]) -> tuple[int, ...]:
        """One number for all layers, or a list with one for each (`get_key_or_arr`)."""
        value = self.get(key)
        if value is None:
            return default if isinstance(default, tuple) else (default,) * layers
        if isinstance(value, tuple):
            numbers = tuple(int(entry) for entry in value if isinstance(entry, int) and 0 <= entry < _LARGEST)
            if len(numbers) != len(value) or len(numbers) < layers:
                self.refuse(key, f"a list of {len(value)} values for {layers} layers")
            return numbers[:layers]
        return (self.whole(key),) * layers

    def refuse(self, key: str, value: object) -> NoReturn:
        """UsageError: this key makes no sense."""
        name = f"{self.header.architecture}.{key}"
        what = "is missing" if value is None else f"is {str(value)[:40]}"
        raise UsageError(f"{self.where}: {name} {what}", remedy="Convert the model again with a current llama.cpp.")
