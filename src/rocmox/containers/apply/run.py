"""Carries a plan out, step by step; the only file that changes anything on a node."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Sequence

from rocmox.containers.apply import operations
from rocmox.containers.apply.journal import CreationJournal
from rocmox.containers.apply.legacy_file import Backup, ConfigFiles
from rocmox.containers.current.devices import GroupIds
from rocmox.containers.current.node import read_container
from rocmox.containers.plan.container import DesiredContainer, Rules, plan_container
from rocmox.containers.plan.site import ContainerPlan, SitePlan
from rocmox.containers.plan.steps import (
    CreateContainer,
    DownloadTemplate,
    GrowDisk,
    MigrateLegacy,
    PassDevices,
    RemoveHalfMade,
    RestartContainer,
    StartContainer,
    Step,
    UpdateConfig,
    WaitForCreation,
)
from rocmox.containers.spec.options import Options
from rocmox.containers.spec.problems import Problem, refuse_if_any
from rocmox.errors import MachineError, ProxmoxError, RefusedError, TaskFailedError
from rocmox.proxmox import Node, lxc, tasks

ReadGroupIds = Callable[[int], GroupIds | None]
"""Reads the ids in a running guest, None when this process cannot: the caller then reads them and applies again."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What happened: steps done, warnings of tasks, guests that run and whose group ids were not known."""

    done: tuple[str, ...]
    warnings: tuple[str, ...]
    awaiting_group_ids: tuple[int, ...]


def apply_site(  # noqa: PLR0917 - what it works with: node, plan, policy, and the node's shell in three parts
    node: Node,
    plan: SitePlan,
    options: Options,
    read_group_ids: ReadGroupIds,
    files: ConfigFiles | None = None,
    journal: CreationJournal | None = None,
) -> Outcome:
    """Templates, then containers in the order of the inventory. The first failure ends the run; a new run goes on.

    `files` is needed for raw lines alone; `journal` makes a creation that the node's end cuts off recognisable.
    """
    run = _Run(
        node=node, rules=plan.rules, options=options, read_group_ids=read_group_ids, files=files, journal=journal
    )
    for download in plan.downloads:
        run.do(download)
    beginning = [step.vmid for step in plan.steps if isinstance(step, CreateContainer | WaitForCreation)]
    if journal and beginning:
        run.note(journal, beginning)
    try:
        for container in plan.containers:
            run.container(container)
    finally:
        there = [*run.created, *(found.vmid for found in plan.current.containers.values() if found.is_ours)]
        if journal and plan.steps and there:
            with contextlib.suppress(MachineError):  # the note of a container that is there does no harm
                journal.forget(there)
    return Outcome(done=tuple(run.done), warnings=tuple(run.warnings), awaiting_group_ids=tuple(run.awaiting_group_ids))


@dataclasses.dataclass(kw_only=True)
class _Run:
    """One execution of one plan."""

    node: Node
    rules: Rules
    options: Options
    read_group_ids: ReadGroupIds
    files: ConfigFiles | None
    journal: CreationJournal | None
    done: list[str] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)
    awaiting_group_ids: list[int] = dataclasses.field(default_factory=list)
    created: list[int] = dataclasses.field(default_factory=list)
    puts_back: bool = True
    """Whether a failed start puts the configuration back; not while the whole file is put back anyway."""

    def note(self, journal: CreationJournal, vmids: Sequence[int]) -> None:
        """Without its note a half-made container must be taken away by hand, which is no reason not to create it."""
        try:
            journal.note(vmids)
        except MachineError as error:
            self.warnings.append(f"no note of the creation can be left on the node: {error.message.splitlines()[0]}")

    def container(self, plan: ContainerPlan) -> None:
        """All steps of one container; a PassDevices or WaitForCreation ends the list and is planned anew."""
        undo = _undo_of(plan) if self.puts_back else None
        grows = any(isinstance(step, GrowDisk) for step in plan.steps)
        wakes = any(isinstance(step, StartContainer) for step in plan.steps)
        for step in plan.steps:
            match step:
                case PassDevices():
                    self._pass_devices(plan.desired)
                    return
                case WaitForCreation():
                    self.do(step)
                    self._again(plan.desired, None)
                    return
                case MigrateLegacy():
                    self._migrate(step, plan.desired)
                    return
                case StartContainer() | RestartContainer() if undo:
                    self._start_or_undo(step, undo, " but for the disk, which stays grown" if grows else "")
                case _:
                    self.do(step)
        if wakes and plan.desired.devices:
            # Its devices were planned from remembered ids; now that it runs they can be read.
            self._pass_devices(plan.desired)

    def do(self, step: Step) -> None:
        """Carry out one step and wait for its end."""
        node, options = self.node, self.options
        match step:
            case DownloadTemplate():
                self.warnings += operations.download(node, step, options)
            case WaitForCreation():
                self._wait_out(step.upid)
            case RemoveHalfMade() if self.journal:
                self.warnings += operations.remove_half_made(node, step, self.journal, options)
            case CreateContainer():
                self.warnings += operations.create(node, step, options)
                self.created.append(step.vmid)
            case UpdateConfig():
                operations.update(node, step)
            case GrowDisk():
                self.warnings += operations.grow(node, step, options)
            case StartContainer():
                self.warnings += operations.start(node, step.vmid, options)
            case RestartContainer():
                self.warnings += operations.shut_down(node, step.vmid, options)
                self.warnings += operations.start(node, step.vmid, options)
            case _:
                raise NotImplementedError(f"{step} is not a step of its own")
        self.done.append(str(step))

    def _pass_devices(self, desired: DesiredContainer) -> None:
        group_ids = self.read_group_ids(desired.spec.vmid)
        if group_ids is None:
            self.awaiting_group_ids.append(desired.spec.vmid)
            return
        self._again(desired, group_ids)

    def _migrate(self, step: MigrateLegacy, desired: DesiredContainer) -> None:
        """Stop, raw lines out, devices in, start; whatever fails, the file is put back and the guest runs as before."""
        vmid = step.vmid
        if self.files is None:
            raise RefusedError(f"the configuration file of {vmid} cannot be reached: no way to the node's command line")
        running = lxc.status(self.node, vmid) == "running"
        group_ids = self.read_group_ids(vmid) if running and desired.devices else None
        if running and desired.devices and group_ids is None:
            self.awaiting_group_ids.append(vmid)
            return
        backup = None
        self.puts_back = False  # the whole file is put back here
        try:
            operations.shut_down(self.node, vmid, self.options)
            backup = self.files.remove_gpu_lines(vmid, digest=step.digest)
            self.done.append(str(step))
            self._again(desired, group_ids)
        except (ProxmoxError, MachineError) as error:
            where = f" A copy of the file lies in {backup.path} on the node." if backup else ""
            raise TaskFailedError(
                f"container {vmid} was not migrated to devN: {self._back_to(vmid, backup, running=running)}\n"
                f"{error.message}",
                remedy=f"The text above says why.{where}",
            ) from error
        finally:
            self.puts_back = True

    def _again(self, desired: DesiredContainer, group_ids: GroupIds | None) -> None:
        """Look at one container anew and plan with what is known now."""
        current = read_container(self.node, desired.spec.vmid)
        if current is not None and current.is_being_created:
            raise TaskFailedError(
                f"the creation of container {desired.spec.vmid} goes on, or was cut off a moment ago",
                remedy=f"Run again once `pvesh get /nodes/{self.node.name}/tasks --source active` on the node shows no "
                "vzcreate.",
            )
        if current is not None and not current.is_ours:
            what = "what came into being under this VMID is not rocmox's"
            refuse_if_any([Problem(where=desired.spec.field("vmid"), what=what, remedy="Choose a free VMID.")])
        steps = plan_container(desired, current, group_ids=group_ids, rules=self.rules)
        self.container(ContainerPlan(desired=desired, current=current, steps=steps))

    def _start_or_undo(self, step: StartContainer | RestartContainer, undo: UpdateConfig, exception: str) -> None:
        """A start that fails after a change: the configuration is put back and the container runs as before."""
        try:
            self.do(step)
        except (ProxmoxError, MachineError) as error:
            state = self._undo(undo, exception, running=isinstance(step, RestartContainer))
            raise TaskFailedError(
                f"container {step.vmid} did not start after the change: {state}\n{error.message}",
                remedy="The text above says why it did not start.",
            ) from error

    def _undo(self, undo: UpdateConfig, exception: str, *, running: bool) -> str:
        try:
            now = lxc.read_config(self.node, undo.vmid)
            operations.update(self.node, dataclasses.replace(undo, digest=now.digest))
            return f"its configuration is as before{exception}" + (self._start_again(undo.vmid) if running else "")
        except (ProxmoxError, MachineError) as error:
            return f"and its configuration could not be put back: {error.message}"

    def _back_to(self, vmid: int, backup: Backup | None, *, running: bool) -> str:
        try:
            if backup and self.files:
                operations.shut_down(self.node, vmid, self.options)
                self.files.restore(backup)
            return "its configuration file is as before" + (self._start_again(vmid) if running else "")
        except (ProxmoxError, MachineError) as error:
            return f"and it could not be put back: {error.message}"

    def _start_again(self, vmid: int) -> str:
        if lxc.status(self.node, vmid) == "running":
            return " and it runs"
        try:
            self.warnings += operations.start(self.node, vmid, self.options)
        except (ProxmoxError, MachineError) as error:
            return f", and it does not start with it either: {error.message.splitlines()[0]}"
        return " and it runs"

    def _wait_out(self, upid: str) -> None:
        """The end counts, not the verdict: a failed creation leaves nothing behind."""
        try:
            self.warnings += tasks.wait_for(self.node, upid, timeout_seconds=self.options.create_timeout_seconds)
        except TaskFailedError as error:
            self.warnings.append(error.message.splitlines()[0])


def _undo_of(plan: ContainerPlan) -> UpdateConfig | None:
    """What puts the changed keys of an existing container back."""
    if plan.current is None:
        return None
    for step in plan.steps:
        if isinstance(step, UpdateConfig):
            before = plan.current.config
            return UpdateConfig(
                vmid=step.vmid,
                changes={key: before[key] for key in sorted(step.keys) if key in before},
                delete=tuple(sorted(key for key in step.keys if key not in before)),
                digest="",
            )
    return None
