"""`rocmox bench run|compare|report`: llama.cpp's own benches, stored with their surroundings, compared and drawn."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rocmox.bench.commands import Plan
from rocmox.bench.compare import compare
from rocmox.bench.run import run_plan
from rocmox.bench.store import Run, load, load_all, save
from rocmox.cli.bench_arguments import add_verbs
from rocmox.cli.exit_codes import FAIL, PASS
from rocmox.errors import UsageError
from rocmox.machine import machine_at
from rocmox.report.bench import COMPARED, HEADINGS, comparison_rows, run_rows, to_json, to_markdown, to_text
from rocmox.report.document import print_document

SUMMARY = "how fast llama.cpp is here: measured, stored, compared, drawn"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verbs of `rocmox bench`."""
    add_verbs(parser)


def run(arguments: argparse.Namespace) -> int:
    """Exit 0; `compare` exits 2 when something became slower beyond the noise."""
    return {"run": _run, "compare": _compare, "report": _report}[arguments.verb](arguments)


def _run(arguments: argparse.Namespace) -> int:
    plan = Plan(
        model=arguments.model,
        programs=arguments.llama,
        split_modes=arguments.split,
        parallel=arguments.parallel,
        depths_tokens=arguments.depth,
        prompt_tokens=arguments.prompt,
        generate_tokens=arguments.generate,
        repetitions=arguments.repetitions,
        gpu_layers=arguments.gpu_layers,
        flash_attention=arguments.flash_attn,
    )
    done = run_plan(plan, machine_at(arguments.machine), tell=_tell, timeout_seconds=arguments.timeout)
    path = save(done, arguments.store)
    _tell(f"stored as {path}")
    if arguments.json:
        print_document(to_json(done))
    else:
        print(to_text(HEADINGS, run_rows(done)))
    return PASS


def _compare(arguments: argparse.Namespace) -> int:
    before, after = load(arguments.before), load(arguments.after)
    pairs = compare(before.measurements, after.measurements)
    if not pairs:
        raise UsageError("the two runs measured nothing under the same settings", remedy="Compare runs of one plan.")
    for line in before.surroundings.differences(after.surroundings):
        _tell(line)
    if arguments.json:
        print_document(to_json(after, pairs))
    else:
        print(to_text(COMPARED, comparison_rows(pairs)))
    return FAIL if any(pair.change == "slower" for pair in pairs) else PASS


def _report(arguments: argparse.Namespace) -> int:
    runs = load_all(arguments.store)
    chosen = load(arguments.run) if arguments.run else _newest(runs, arguments.store)
    earlier = [one for one in runs if one.started < chosen.started]
    pairs = compare(earlier[-1].measurements, chosen.measurements) if earlier else []
    if arguments.markdown:
        arguments.markdown.write_text(to_markdown(chosen, pairs), encoding="utf-8")
    if arguments.html:
        from rocmox.report.bench_page import to_html  # noqa: PLC0415 - only the page draws

        arguments.html.write_text(to_html(chosen, pairs, [*earlier, chosen]), encoding="utf-8")
    if arguments.json:
        print_document(to_json(chosen, pairs))
    elif not arguments.markdown and not arguments.html:
        print(to_markdown(chosen, pairs), end="")
    return PASS


def _newest(runs: list[Run], folder: Path) -> Run:
    if not runs:
        raise UsageError(f"{folder} holds no runs", remedy="`rocmox bench run` measures and stores one.")
    return runs[-1]


def _tell(line: str) -> None:
    print(f"rocmox: {line}", file=sys.stderr, flush=True)
