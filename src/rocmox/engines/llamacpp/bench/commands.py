"""Which commands a bench takes, for the options that the programs at hand know."""

from __future__ import annotations

import dataclasses
import re

from rocmox.engines.engine import MeasurementPlan
from rocmox.errors import CommandError, UsageError
from rocmox.machine import Machine


@dataclasses.dataclass(frozen=True, kw_only=True)
class Abilities:
    """What the programs' own help says."""

    depth: bool
    flash_attention_words: bool
    split_modes: frozenset[str]
    rpc: bool = False


def read_abilities(machine: Machine, programs: str) -> Abilities:
    """From `llama-bench --help`; UsageError when the folder has no such program."""
    try:
        done = machine.run([f"{programs}/llama-bench", "--help"])
    except CommandError as error:
        raise UsageError(
            f"{machine.name} has no llama-bench in {programs}: {error.message}",
            remedy="Name the folder of llama.cpp's programs with --llama, and the guest with --machine ct://NODE/VMID.",
        ) from error
    return parse_help(done.stdout + done.stderr)


def parse_help(text: str) -> Abilities:
    """What a help text offers."""
    split = re.search(r"--split-mode\s+<([a-z|]+)>", text)
    return Abilities(
        depth="--n-depth" in text,
        flash_attention_words=bool(re.search(r"--flash-attn\s+<[^>]*on\|off", text)),
        rpc="--rpc" in text,
        split_modes=frozenset(split[1].split("|")) if split else frozenset({"none", "layer", "row"}),
    )


def llama_bench(plan: MeasurementPlan, split_mode: str, abilities: Abilities) -> list[str]:
    """One command for all depths of a split mode."""
    depths = ",".join(map(str, plan.depths_tokens))
    return [
        *plan.wrapper,
        *(f"{plan.programs}/llama-bench", "-m", plan.model, "-o", "json", "-r", str(plan.repetitions)),
        *("-p", str(plan.prompt_tokens), "-n", str(plan.generate_tokens), "-ub", str(plan.ubatch)),
        *("-ngl", str(plan.gpu_layers), "-sm", split_mode, "-fa", _flash_attention(plan, abilities)),
        *(("-d", depths) if abilities.depth else ()),
        *_devices(plan),
    ]


def batched_bench(plan: MeasurementPlan, split_mode: str, abilities: Abilities) -> list[str]:
    """One command for every number of sequences at once."""
    most = max(plan.parallel)
    context = most * (plan.batched_prompt_tokens + plan.generate_tokens)
    words = abilities.flash_attention_words
    flash = ["-fa", plan.flash_attention] if words else ["-fa"] if plan.flash_attention == "on" else []
    return [
        *plan.wrapper,
        *(f"{plan.programs}/llama-batched-bench", "-m", plan.model, "--output-format", "jsonl"),
        *("-npp", str(plan.batched_prompt_tokens), "-ntg", str(plan.generate_tokens)),
        *("-npl", ",".join(map(str, plan.parallel)), "-c", str(context), "-b", "2048", "-ub", str(plan.ubatch)),
        *("-ngl", str(plan.gpu_layers), "-sm", split_mode, *flash),
        *_devices(plan),
    ]


def _devices(plan: MeasurementPlan) -> tuple[str, ...]:
    threads = ("-t", str(plan.threads)) if plan.threads else ()
    return (*threads, *(("--rpc", ",".join(plan.rpc)) if plan.rpc else ()))


def _flash_attention(plan: MeasurementPlan, abilities: Abilities) -> str:
    if abilities.flash_attention_words:
        return plan.flash_attention
    return {"on": "1", "off": "0", "auto": "0"}[plan.flash_attention]
