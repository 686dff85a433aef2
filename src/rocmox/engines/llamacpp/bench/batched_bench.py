"""`llama-batched-bench --output-format jsonl`: prompt and generation of several sequences at once.

The keys are the same from b4447 to the newest (tools/batched-bench/batched-bench.cpp); lines of the log stand between.
"""

from __future__ import annotations

import json
from typing import Any

from rocmox.bench.measurement import Measurement, Phase
from rocmox.errors import CannotLookError

# phase, key of its tokens, key of its speed
_PHASES: tuple[tuple[Phase, str, str], ...] = (("prefill", "pp", "speed_pp"), ("decode", "tg", "speed_tg"))
_KEYS = frozenset({"pp", "tg", "pl", "speed_pp", "speed_tg"})


def parse_batched_bench(text: str, *, model: str, model_bytes: int, split_mode: str) -> list[Measurement]:
    """Two measurements of each line; CannotLookError when there is none."""
    entries = [entry for line in text.splitlines() if (entry := _entry(line))]
    try:
        found = [one for entry in entries for one in _measurements(entry, model, model_bytes, split_mode)]
    except (ValueError, TypeError) as error:
        raise CannotLookError(f"llama-batched-bench wrote something else than its figures ({error})") from error
    if not found:
        raise CannotLookError(
            "llama-batched-bench wrote no result", remedy="Run the printed command by hand and look at what it says."
        )
    return found


def count_rows(text: str) -> int:
    """How many numbers of sequences at once it tells of."""
    return sum(_entry(line) is not None for line in text.splitlines())


def _measurements(entry: dict[str, Any], model: str, model_bytes: int, split_mode: str) -> list[Measurement]:
    return [
        Measurement(
            tool="llama-batched-bench",
            model=model,
            model_bytes=model_bytes,
            parameters=None,
            phase=phase,
            tokens=int(entry[tokens]),
            samples=(float(entry[speed]),),
            split_mode=split_mode,
            parallel=int(entry["pl"]),
            ubatch=int(entry.get("n_ubatch", 512)),
            gpu_layers=int(entry.get("n_gpu_layers", -1)),
            flash_attention={1: "on", 0: "off", -1: "auto"}.get(int(entry.get("flash_attn", 0)), "off"),
        )
        for phase, tokens, speed in _PHASES
    ]


def _entry(line: str) -> dict[str, Any] | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and entry.keys() >= _KEYS else None
