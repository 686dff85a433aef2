"""`rocmox bench run MODEL --search`: the fastest way to build and run llama.cpp on this machine."""

from __future__ import annotations

import argparse
import dataclasses

from rocmox.bench.store import refuse_unwritable
from rocmox.cli.bench_progress import tell
from rocmox.cli.exit_codes import PASS
from rocmox.engines.engine import MeasurementPlan
from rocmox.engines.llamacpp.tune.axes import find_axes, start_variant
from rocmox.engines.llamacpp.tune.building import Builder, find_account
from rocmox.engines.llamacpp.tune.descent import together
from rocmox.engines.llamacpp.tune.ground import read_ground
from rocmox.engines.llamacpp.tune.journal import Journal
from rocmox.engines.llamacpp.tune.search import Bench, identity, search
from rocmox.engines.llamacpp.tune.site import read_site
from rocmox.machine import Machine
from rocmox.report.bench_search import search_to_json, search_to_text
from rocmox.report.document import print_document


def run_search(arguments: argparse.Namespace, plan: MeasurementPlan, machine: Machine) -> int:
    """Exit 0 whatever is fastest. Run again after a kill it goes on: finished contests are read, not repeated."""
    refuse_unwritable(arguments.store)
    named = {"source": arguments.source, "options": arguments.define, "environment": arguments.environment}
    site = read_site(machine, plan, ubatches=arguments.ubatch, threads=arguments.threads)
    ground = read_ground(machine, programs=plan.programs, **named)
    start = start_variant(ground, site, plan.split_modes[0])
    axes = find_axes(arguments.axes, ground, site)
    # a bench that a killed search left behind on the machine ends before the next one begins
    plan = dataclasses.replace(plan, wrapper=("flock", plan.programs))
    builder = Builder(
        machine=machine,
        ground=ground,
        work=arguments.work,
        account=find_account(machine),
        tell=tell,
        timeout_seconds=arguments.timeout,
    )
    needs_builds = any(axis.values for axis in axes if axis.name in {"mmvq", "cublas"})
    bench = Bench(
        machine=machine,
        plan=plan,
        builder=builder if needs_builds else None,
        tell=tell,
        timeout_seconds=arguments.timeout,
    )
    folder = arguments.store / "search" / identity(plan, start, ground, machine.name)
    tell(f"runs and contests are stored in {folder}")
    journal = Journal(folder=folder, measure=bench.measure, rounds=arguments.rounds)
    tried = together(axes) if arguments.every else axes
    result = search(start, tried, journal, bench, budget_seconds=arguments.minutes * 60 if arguments.minutes else None)
    if arguments.json:
        print_document(search_to_json(result))
    else:
        print(search_to_text(result))
    return PASS
