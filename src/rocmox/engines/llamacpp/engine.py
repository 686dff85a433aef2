"""llama.cpp as an engine. Each part loads when it is asked for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from rocmox.bench.store import Run
from rocmox.engines.engine import Engine, Idle, MeasurementPlan, MemoryAnswer, Tell
from rocmox.errors import UsageError
from rocmox.machine import Machine


class LlamaCpp:
    """Models as GGUF files, one llama-server for each."""

    name = "llama_cpp"
    title = "llama.cpp"
    idle = Idle.STOP_UNIT
    """`--sleep-idle-seconds` came with #18228 (2026), after the default version here (b6170)."""

    def measure(self, plan: MeasurementPlan, machine: Machine, *, tell: Tell, timeout_seconds: float) -> Run:
        """llama-bench and llama-batched-bench."""
        from rocmox.engines.llamacpp.bench.run import run_plan  # noqa: PLC0415

        return run_plan(plan, machine, tell=tell, timeout_seconds=timeout_seconds)

    def plan_memory(self, model: str, options: Sequence[str], *, cards: str, machine: str) -> MemoryAnswer:
        """The exact planner; UsageError for options that it does not know."""
        from rocmox.engines.llamacpp.memory import options as words  # noqa: PLC0415
        from rocmox.engines.llamacpp.memory.ask import plan_named  # noqa: PLC0415

        parser = argparse.ArgumentParser(exit_on_error=False)
        words.add_settings(parser)
        try:
            chosen = parser.parse_args(options)
        except argparse.ArgumentError as error:
            raise UsageError(f"rocmox fit does not take this: {error}") from error
        return plan_named(model, words.read_request(chosen), cards=cards, machine=machine)


ENGINE: Engine = LlamaCpp()
