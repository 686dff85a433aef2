"""`llama-bench -o json` of every era, read.

Keys differ by version (tools/llama-bench/llama-bench.cpp): `n_depth` came in 2025, `flash_attn` was a boolean and is
-1, 0 or 1 since b6325, `samples_ts` holds tokens per second of each repetition.
"""

from __future__ import annotations

import json
import re
from typing import Any

from rocmox.bench.measurement import Measurement
from rocmox.errors import CannotLookError

# True and False, of older versions, are 1 and 0
_FLASH_ATTENTION = {1: "on", 0: "off", -1: "auto", "on": "on", "off": "off", "auto": "auto"}


def parse_llama_bench(text: str) -> list[Measurement]:
    """Every test of a run; CannotLookError when the text is no such document."""
    try:
        return [_measurement(entry) for entry in _tests(text)]
    except (ValueError, TypeError, KeyError) as error:
        raise CannotLookError(
            f"llama-bench wrote something else than its JSON ({type(error).__name__}: {error})",
            remedy="Run the printed command by hand and look at what it says.",
        ) from error


def parse_begun(text: str) -> list[Measurement]:
    """Those tests of a document that are whole, also of one that ends in the middle because the bench did."""
    found: list[Measurement] = []
    place = text.find("[") + 1
    decoder = json.JSONDecoder()
    while place and (start := text.find("{", place)) >= 0 and not text[place:start].strip(", \r\n\t"):
        try:
            entry, place = decoder.raw_decode(text, start)
            found.append(_measurement(entry))
        except (ValueError, TypeError, KeyError):
            break
    return found


def parse_build(text: str) -> tuple[int | None, str | None]:
    """Build and commit, where the source knew them: one unpacked from an archive says 0 and `unknown`."""
    number = re.search(r'"build_number": ([1-9]\d*)', text)
    commit = re.search(r'"build_commit": "([0-9a-f]{7,40})"', text)
    return int(number[1]) if number else None, commit[1] if commit else None


def _tests(text: str) -> list[dict[str, Any]]:
    document = json.loads(text)
    if not isinstance(document, list):
        raise TypeError("not a list of tests")
    return document


def _measurement(entry: dict[str, Any]) -> Measurement:
    prefill = int(entry["n_prompt"]) > 0
    return Measurement(
        tool="llama-bench",
        model=str(entry["model_type"]),
        model_bytes=int(entry["model_size"]),
        parameters=int(entry["model_n_params"]),
        phase="prefill" if prefill else "decode",
        tokens=int(entry["n_prompt"] if prefill else entry["n_gen"]),
        samples=tuple(float(value) for value in entry["samples_ts"]) or (float(entry["avg_ts"]),),
        split_mode=str(entry["split_mode"]),
        depth_tokens=int(entry.get("n_depth", 0)),
        ubatch=int(entry["n_ubatch"]),
        gpu_layers=int(entry["n_gpu_layers"]),
        type_k=str(entry["type_k"]),
        type_v=str(entry["type_v"]),
        flash_attention=_FLASH_ATTENTION[entry["flash_attn"]],
        devices=_devices(entry),
    )


def _devices(entry: dict[str, Any]) -> str | None:
    """None where it does not tell: builds of early 2025 look for cards before they load their backends."""
    seen = entry.get("gpu_info")
    backends = set(str(entry.get("backends", "")).split(","))
    return None if not seen and backends - {"", "CPU", "BLAS", "RPC"} else seen
