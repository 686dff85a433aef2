"""`rocmox bench run MODEL`: measure, store, show; with `--search`, look for the fastest way."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from rocmox.bench.store import refuse_unwritable, save
from rocmox.cli.bench_progress import tell
from rocmox.cli.bench_search import run_search
from rocmox.cli.exit_codes import PASS
from rocmox.engines.engine import MeasurementPlan
from rocmox.engines.registry import engine_named
from rocmox.errors import UsageError
from rocmox.machine import machine_at
from rocmox.report.bench import HEADINGS, run_rows, to_json, to_text
from rocmox.report.document import print_document

ENGINE = "llama_cpp"  # the options of this command are those of its benches


def run_run(arguments: argparse.Namespace) -> int:
    """Exit 0; 3 when nothing could be measured."""
    if arguments.machine == "local":
        _place(arguments)
    machine = machine_at(arguments.machine)
    if not machine.exists(arguments.model):
        raise UsageError(
            f"{machine.name} has no {arguments.model}", remedy="Name the GGUF file as that machine sees it."
        )
    plan = MeasurementPlan(
        model=arguments.model,
        programs=arguments.llama,
        split_modes=arguments.split,
        parallel=arguments.parallel,
        depths_tokens=arguments.depth,
        prompt_tokens=arguments.prompt,
        generate_tokens=arguments.generate,
        batched_prompt_tokens=arguments.batched_prompt,
        repetitions=arguments.repetitions,
        batched_repetitions=min(arguments.repetitions, 3),
        gpu_layers=arguments.gpu_layers,
        flash_attention=arguments.flash_attn,
        **({"ubatch": arguments.ubatch[0]} if arguments.ubatch else {}),
        threads=arguments.threads[0] if arguments.threads else None,
        rpc=arguments.rpc,
    )
    if arguments.search:
        return run_search(arguments, plan, machine)
    refuse_unwritable(arguments.store)
    done = engine_named(ENGINE).measure(plan, machine, tell=tell, timeout_seconds=arguments.timeout)
    if arguments.name:
        done = dataclasses.replace(done, surroundings=dataclasses.replace(done.surroundings, machine=arguments.name))
    # shown before it is stored: a full disk must not cost what was measured
    if arguments.json:
        print_document(to_json(done))
    else:
        print(to_text(HEADINGS, run_rows(done)), flush=True)
    tell(f"stored as {save(done, arguments.store)}")
    return PASS


def _place(arguments: argparse.Namespace) -> None:
    """What is named as seen from here: a machine knows whole paths alone."""
    for name in ("model", "llama", "source", "work"):
        if value := getattr(arguments, name):
            setattr(arguments, name, str(Path(value).absolute()))
