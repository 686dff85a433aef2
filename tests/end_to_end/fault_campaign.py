"""One campaign on a pretended node: set the start, break something, run, judge, mend, run again, judge again."""

from __future__ import annotations

import collections
import dataclasses
import json
import re
import shlex
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pytest

from rocmox_lab.faults import records
from rocmox_lab.faults.registry import find_fault
from rocmox_lab.pve.guests.config import ConfigFiles
from tests.end_to_end import fault_cases
from tests.end_to_end.fault_cases import Call, Case
from tests.end_to_end.fault_client import KILLED, MODULE, Run, arguments, run_module
from tests.end_to_end.fault_sites import SITES, Site, plant_foreign, seen_of_foreign
from tests.end_to_end.pretended_world import PretendedWorld

_COMMAND = re.compile(r"`(pct [^`]+)`")
_HANGING = {"create_timeout_seconds": 4, "start_timeout_seconds": 4, "resize_timeout_seconds": 4}


@dataclasses.dataclass(kw_only=True)
class Tally:
    """What the runs of one kind gave."""

    runs: int = 0
    fired: int = 0
    overcome: int = 0
    reported: int = 0
    by_command: int = 0
    converged: int = 0
    untouched: int = 0


class Campaign:
    """A world with its starts prepared, and the table of what happened in it."""

    def __init__(self, world: PretendedWorld, *, only: Collection[str] = (), program: Path = MODULE) -> None:
        self.world = world
        self.program = program
        self.table: dict[str, Tally] = collections.defaultdict(Tally)
        self.calls: dict[str, list[Call]] = {}
        plant_foreign(world)
        world.save("foreign")
        for site in [each for each in SITES if not only or each.name in only]:
            self._prepare(site)
            log = world.root / "var/log/pveproxy/access.log"
            start = log.stat().st_size
            self._converge(site.wished)
            self.calls[site.name] = fault_cases.calls_of(log.read_text(encoding="utf-8")[start:])

    def _prepare(self, site: Site) -> None:
        """Put the start in place; sites with the same start share its making."""
        same = next((each for each in SITES if each.before == site.before and each.name in self.calls), None)
        self.world.restore(same.name if same else "foreign")
        if site.before and same is None:
            self._converge(site.before)
        self.world.save(site.name)

    def run(self, case: Case) -> None:
        """One case; AssertionError with what is not as promised."""
        world, tally = self.world, self.table[case.kind]
        tally.runs += 1
        world.restore(case.site.name)
        foreign, before = seen_of_foreign(world), self._configurations()
        fault = find_fault(case.fault)
        records.set_fault(world.target, fault, fault.read(case.words))
        broken = self._broken_run(case)
        fired = records.fired_count(world.target, case.fault)
        assert fired, f"{case}: the fault did not fire\n{broken.output[-1500:]}"
        tally.fired += 1
        self._judge_broken(case, broken, before)
        records.clear_all(world.target)
        assert world.settle(), f"{case}: a task still runs"
        self._judge_clean(case, tally)
        assert seen_of_foreign(world) == foreign, f"{case}: a foreign container changed"
        tally.untouched += 1

    def lines(self) -> list[str]:
        """The table."""
        names = ("runs", "fired", "overcome", "reported", "by_command", "converged", "untouched")
        heads = ("runs", "fired", "overcome", "reported", "by command", "converged", "foreign untouched")
        rows = [f"{'fault':<16}" + "".join(f"{head:>18}" for head in heads)]
        sums = Tally()
        for kind, tally in self.table.items():
            rows.append(f"{kind:<16}" + "".join(f"{getattr(tally, name):>18}" for name in names))
            for name in names:
                setattr(sums, name, getattr(sums, name) + getattr(tally, name))
        rows.append(f"{'all':<16}" + "".join(f"{getattr(sums, name):>18}" for name in names))
        return rows

    def _broken_run(self, case: Case) -> Run:
        more = _HANGING if case.kind == "task hangs" else {}
        given = arguments(self.world, case.site.wished, **more)
        if case.kind == "client killed":
            return run_module(given, program=self.program, until=lambda: self._fired(case))
        if case.kind == "power cut":
            return run_module(given, program=self.program, meanwhile=lambda: self._cut_power(case))
        return run_module(given, program=self.program)

    def _fired(self, case: Case) -> bool:
        return records.fired_count(self.world.target, case.fault) > 0

    def _judge_broken(self, case: Case, run: Run, before: dict[str, str]) -> None:
        """What a user sees of a run that met a fault."""
        tally = self.table[case.kind]
        assert "Traceback" not in run.output, f"{case}\n{run.output[-3000:]}"
        if case.expected == fault_cases.KILLED:
            assert run.exit_status == KILLED, f"{case}\n{run.output[-1500:]}"
            return
        if run.exit_status == 0:
            assert case.expected != fault_cases.REPORTED, f"{case}: nothing was said\n{run.output[-1500:]}"
            tally.overcome += 1
            return
        tally.reported += 1
        assert case.expected != fault_cases.OVERCOME, f"{case}: not overcome\n{run.message}"
        assert case.says in run.message, f"{case}: {case.says!r} is not said\n{run.message}"
        assert "HINT: " in run.message, f"{case}: no remedy\n{run.message}"
        if "its configuration is as before" in run.message:
            vmid = re.search(r"container (\d+) did not start", run.message)
            assert vmid is not None, run.message
            if vmid[1] not in before:
                return  # it was made in this run: before means before its last change
            kept = "but for the disk, which stays grown" in run.message
            now, then = (_lines(found[vmid[1]], disk=not kept) for found in (self._configurations(), before))
            assert now == then, f"{case}: not put back\n{run.message}\n{now}\n{then}"

    def _judge_clean(self, case: Case, tally: Tally) -> None:
        """One run without faults reaches the wish; a half-made container may need the command that it names."""
        clean = self._run_clean(case)
        if clean.exit_status:
            commands = _COMMAND.findall(clean.message)
            assert commands, f"{case}: the clean run failed\n{clean.message or clean.output[-3000:]}"
            for command in commands[0].split(" && "):
                done = self.world.command(*shlex.split(command))
                assert done.returncode == 0, f"{case}: {command}: {done.stderr}"
            tally.by_command += 1
            clean = self._run_clean(case)
        assert clean.exit_status == 0, f"{case}: the clean run failed\n{clean.message or clean.output[-3000:]}"
        plan = run_module(arguments(self.world, case.site.wished), check=True)
        assert plan.document.get("changed") is False, f"{case}: not converged\n{json.dumps(plan.document)[:3000]}"
        self.judge_node(case)
        tally.converged += 1

    def _run_clean(self, case: Case) -> Run:
        return run_module(arguments(self.world, case.site.wished), program=self.program)

    def judge_node(self, case: Case | str) -> None:
        """Nothing half-made: no lock, no volume without its container, no task that runs, every wished guest up."""
        configurations = self._configurations()
        assert not [vmid for vmid, text in configurations.items() if "lock:" in text], f"{case}: a lock is left"
        images = self.world.root / "var/lib/vz/images"
        for volume in images.glob("*/*"):
            text = configurations.get(volume.parent.name, "")
            assert f"{volume.parent.name}/{volume.name}" in text, f"{case}: the volume {volume.name} is nobody's"
        assert not self.world.task_processes(), f"{case}: a task still runs"

    def _converge(self, wished: Any) -> None:
        done = run_module(arguments(self.world, wished))
        assert done.exit_status == 0, done.output[-3000:]
        assert self.world.settle()

    def _configurations(self) -> dict[str, str]:
        files = ConfigFiles(self.world.node)
        return {str(vmid): self.world.node.read(files.path(vmid)) for vmid in files.vmids()}

    def _cut_power(self, case: Case) -> bool:
        if not self._fired(case):
            return False
        self.world.power_cut()
        return True


def print_lines(request: pytest.FixtureRequest, lines: Sequence[str]) -> None:
    """On the terminal, whatever pytest captures."""
    plugins = request.config.pluginmanager
    with plugins.get_plugin("capturemanager").global_and_fixture_disabled():
        for line in ["", *lines]:
            plugins.get_plugin("terminalreporter").write_line(line)


def _lines(text: str, *, disk: bool) -> list[str]:
    """A configuration, on request without its root disk."""
    return [line for line in text.splitlines() if disk or not line.startswith("rootfs:")]
