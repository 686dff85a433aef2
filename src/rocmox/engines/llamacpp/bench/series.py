"""The benches of one run, one after the other: what each gave is kept, also of one that ended before its time."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import shlex
from collections.abc import Iterator

from rocmox.bench.measurement import Measurement
from rocmox.bench.store import Failure
from rocmox.engines.engine import MeasurementPlan, Tell
from rocmox.engines.llamacpp.bench.batched_bench import count_rows, parse_batched_bench
from rocmox.engines.llamacpp.bench.commands import Abilities, batched_bench, llama_bench
from rocmox.engines.llamacpp.bench.llama_bench import parse_begun, parse_build, parse_llama_bench
from rocmox.errors import CannotLookError, CommandError
from rocmox.machine import Completed, Machine

_TRIES = 3
_TELLING = re.compile(
    r"\berror\b|not support|requires|out of memory|unable to allocate|failed to allocate", re.IGNORECASE
)
_GENERAL = re.compile(r"^\S*llama.bench: error|failed to load model$")


@dataclasses.dataclass(kw_only=True)
class Series:
    """`measured` and `failures` grow with every split mode; `build` is what the programs say they are."""

    plan: MeasurementPlan
    abilities: Abilities
    machine: Machine
    tell: Tell
    timeout_seconds: float
    measured: list[Measurement] = dataclasses.field(default_factory=list)
    failures: list[Failure] = dataclasses.field(default_factory=list)
    build: tuple[int | None, str | None] | None = None

    def measure(self, split_mode: str) -> None:
        """One request at every depth, then several at once."""
        single: list[Measurement] = []
        command = llama_bench(self.plan, split_mode, self.abilities)
        with self._noting(f"split {split_mode}", single, command):
            done = self._run(command)
            single += parse_begun(done.stdout)
            self.build = self.build or parse_build(done.stdout)
            done.check()
            parse_llama_bench(done.stdout)  # says what is wrong with a document that is not whole
        several: list[Measurement] = []
        if self.plan.parallel and single:
            with self._noting(f"split {split_mode}, several at once", several):
                self._measure_several(split_mode, single[0], several)
        self.measured += [dataclasses.replace(one, threads=self.plan.threads) for one in (*single, *several)]

    def _measure_several(self, split_mode: str, first: Measurement, found: list[Measurement]) -> None:
        """llama-batched-bench measures once: it is run as often as there are to be repetitions."""
        alike: dict[tuple[object, ...], list[Measurement]] = {}
        try:
            for _ in range(self.plan.batched_repetitions):
                done = self._run_batched(split_mode)
                for one in self._rows(done, split_mode, first):
                    alike.setdefault(one.key, []).append(one)
                done.check()
        finally:
            found += [
                dataclasses.replace(
                    same[0],
                    samples=tuple(sample for one in same for sample in one.samples),
                    parameters=first.parameters,
                    devices=first.devices,
                )
                for same in alike.values()
            ]

    def _run_batched(self, split_mode: str) -> Completed:
        """Once more when it ends well and rows are missing.

        Builds of 2026 write through a thread (common/log.cpp) and, on a busy machine, may end before it has written.
        """
        command = batched_bench(self.plan, split_mode, self.abilities)
        for _ in range(_TRIES - 1):
            done = self._run(command)
            if done.exit_status or count_rows(done.stdout) >= len(set(self.plan.parallel)):
                return done
        return self._run(command)

    def _rows(self, done: Completed, split_mode: str, first: Measurement) -> list[Measurement]:
        """What it wrote; of a bench that failed and wrote nothing the failure is the error, not the nothing."""
        try:
            return parse_batched_bench(
                done.stdout, model=first.model, model_bytes=first.model_bytes, split_mode=split_mode
            )
        except CannotLookError:
            done.check()
            raise

    def _run(self, argv: list[str]) -> Completed:
        self.tell(shlex.join(argv))
        return self.machine.run(argv, timeout_seconds=self.timeout_seconds)

    @contextlib.contextmanager
    def _noting(self, label: str, found: list[Measurement], command: list[str] | None = None) -> Iterator[None]:
        try:
            yield
        except CannotLookError as error:
            self.tell(f"{label}: {len(found)} figures, then it failed" if found else f"{label} gave no figures")
            why = self._own_words(command) if command and not found else ""
            self.failures.append(Failure(label=label, reason=f"{error.message[-2000:]}{why}"))

    def _own_words(self, command: list[str]) -> str:
        """Why a model does not load: llama-bench keeps llama.cpp's words to itself unless it is verbose."""
        try:
            said = self.machine.run([*command, "-r", "1", "-v"], timeout_seconds=self.timeout_seconds).stderr
        except CommandError:
            return ""
        told = [line.strip() for line in said.splitlines() if _TELLING.search(line) and not _GENERAL.search(line)]
        return f"\n{told[0][-500:]}" if told else ""
