"""One way to build and run llama.cpp, as the search tries it."""

from __future__ import annotations

import dataclasses
import hashlib
import json

from rocmox.engines.llamacpp.source.geometry import COLUMNS, Geometry


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variant:
    """`geometry` None is mmvq as upstream has it; `cublas` None and `threads` None leave the choice to llama.cpp."""

    geometry: Geometry | None = None
    cublas: bool | None = None
    split_mode: str = "layer"
    ubatch: int = 512
    threads: int | None = None

    @property
    def build_key(self) -> str:
        """The same for variants that the same programs run."""
        return hashlib.sha256(repr((self.geometry, self.cublas)).encode()).hexdigest()[:12]

    def settings(self) -> dict[str, str]:
        """What was chosen, in words: for the store, for tables, and to tell variants apart."""
        words = {"split": self.split_mode, "ubatch": str(self.ubatch)}
        if self.geometry or self.cublas is not None:
            words["mmvq"] = self.geometry.text() if self.geometry else "upstream's"
            words["rocBLAS forced"] = "yes" if self.cublas else "no"
        return words | ({"threads": str(self.threads)} if self.threads else {})

    def difference(self, other: Variant) -> str:
        """`split row, ubatch 256`: what is other than in `other`."""
        theirs = other.settings()
        changed = {name: value for name, value in self.settings().items() if theirs.get(name) != value}
        return ", ".join(f"{name} {value}" for name, value in changed.items()) or "nothing"


def role_variables(best: Variant, start: Variant) -> list[str]:
    """Lines of YAML for the inventory: what to set for role llama_cpp, so that it builds and serves `best`."""
    lines = [f"llama_cpp_mmvq_patch: {_yes(best.geometry is not None)}"] if best.geometry != start.geometry else []
    if best.geometry and best.geometry != start.geometry:
        lines += [f'llama_cpp_mmvq_nwarps: "{_columns(best.geometry.nwarps)}"']
        lines += [f'llama_cpp_mmvq_rows: "{_columns(best.geometry.rows)}"']
    lines += [f"llama_cpp_force_cublas: {_yes(best.cublas)}"] if best.cublas != start.cublas else []
    lines += [f"llama_cpp_split_mode: {best.split_mode}"] if best.split_mode != start.split_mode else []
    extra = ["--ubatch-size", str(best.ubatch)] if best.ubatch != start.ubatch else []
    extra += ["--threads", str(best.threads)] if best.threads != start.threads else []
    return [*lines, *([f"extra_arguments: {json.dumps(extra)} # of the model in llama_cpp_models"] if extra else [])]


def _columns(numbers: tuple[int, ...]) -> str:
    return str(numbers[0]) if numbers == numbers[:1] * COLUMNS else ",".join(map(str, numbers))


def _yes(value: object) -> str:
    return "true" if value else "false"
