"""What a machine and its present programs can do, before a search varies anything."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rocmox.bench.surroundings import read_surroundings
from rocmox.engines.engine import MeasurementPlan
from rocmox.engines.llamacpp.bench.build_notes import read_build
from rocmox.engines.llamacpp.bench.commands import read_abilities
from rocmox.machine import Machine


@dataclasses.dataclass(frozen=True, kw_only=True)
class Site:
    """`devices` are the cards that may be opened and the RPC servers.

    `ubatches` and `threads` are the values that the user named, the first one what serves now.
    """

    devices: int
    processor_threads: int
    split_modes: frozenset[str]
    ubatches: Sequence[int] = ()
    threads: Sequence[int] = ()


def read_site(machine: Machine, plan: MeasurementPlan, *, ubatches: Sequence[int], threads: Sequence[int]) -> Site:
    """UsageError when the programs are not there."""
    abilities = read_abilities(machine, plan.programs)
    around = read_surroundings(machine, read_build(machine, plan.programs), rpc=plan.rpc)
    return Site(
        devices=len(around.cards) + len(around.rpc),
        processor_threads=around.processor_threads or 1,
        split_modes=abilities.split_modes,
        ubatches=ubatches,
        threads=threads,
    )
