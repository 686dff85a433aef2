"""Carries a plan out, step by step; the only file that changes anything on a node."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from rocmox.containers.current import CurrentContainer, read_container
from rocmox.containers.devices import GroupIds
from rocmox.containers.options import Options
from rocmox.containers.plan import Rules, Wish, plan_container, waiting_keys
from rocmox.containers.problems import Problem, refuse_if_any
from rocmox.containers.site import ContainerPlan, SitePlan
from rocmox.containers.steps import (
    CreateContainer,
    DownloadTemplate,
    GrowDisk,
    PassDevices,
    RestartContainer,
    StartContainer,
    Step,
    UpdateConfig,
    WaitForCreation,
)
from rocmox.errors import TaskFailedError
from rocmox.proxmox import Node, lxc, storage, tasks

ReadGroupIds = Callable[[int], GroupIds | None]
"""Reads the ids in a running guest, None when this process cannot: the caller then reads them and applies again."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What happened: steps done, warnings of tasks, guests that run and whose group ids were not known."""

    done: tuple[str, ...]
    warnings: tuple[str, ...]
    awaiting_group_ids: tuple[int, ...]


def apply_site(node: Node, plan: SitePlan, options: Options, read_group_ids: ReadGroupIds) -> Outcome:
    """Templates, then containers in the order of the inventory. The first failure ends the run; a new run goes on."""
    run = _Run(node, plan.rules, options, read_group_ids)
    for download in plan.downloads:
        run.do(download)
    for container in plan.containers:
        run.container(container)
    return Outcome(done=tuple(run.done), warnings=tuple(run.warnings), awaiting_group_ids=tuple(run.awaiting_group_ids))


class _Run:
    """One execution of one plan."""

    def __init__(self, node: Node, rules: Rules, options: Options, read_group_ids: ReadGroupIds) -> None:
        self._node = node
        self._rules = rules
        self._options = options
        self._read_group_ids = read_group_ids
        self.done: list[str] = []
        self.warnings: list[str] = []
        self.awaiting_group_ids: list[int] = []

    def container(self, plan: ContainerPlan) -> None:
        """All steps of one container; a PassDevices or WaitForCreation ends the list and is planned anew."""
        undo = _undo_of(plan)
        wakes = any(isinstance(step, StartContainer) for step in plan.steps)
        for step in plan.steps:
            match step:
                case PassDevices():
                    self._pass_devices(plan.wish)
                    return
                case WaitForCreation():
                    self.do(step)
                    self._again(plan.wish, None)
                    return
                case StartContainer() | RestartContainer() if undo:
                    self._start_or_undo(step, undo)
                case _:
                    self.do(step)
        if wakes and plan.wish.devices:
            # Its devices were planned from remembered ids; now that it runs they can be read.
            self._pass_devices(plan.wish)

    def do(self, step: Step) -> None:
        """Carry out one step and wait for its end."""
        match step:
            case DownloadTemplate():
                upid = storage.download_template(self._node, storage=step.storage, file_name=step.file_name)
                self._wait(upid, self._options.download_timeout_seconds)
            case WaitForCreation():
                self._wait_out(step.upid)
            case CreateContainer():
                self._wait(lxc.create(self._node, step.parameters), self._options.create_timeout_seconds)
            case UpdateConfig():
                lxc.update(self._node, step.vmid, changes=step.changes, delete=step.delete, digest=step.digest)
            case GrowDisk():
                upid = lxc.grow_disk(self._node, step.vmid, disk="rootfs", size_gib=step.size_gib)
                self._wait(upid, self._options.resize_timeout_seconds)
            case StartContainer():
                self._wait(lxc.start(self._node, step.vmid), self._options.start_timeout_seconds)
            case RestartContainer():
                shut_down(self._node, step.vmid, self._options)
                self._wait(lxc.start(self._node, step.vmid), self._options.start_timeout_seconds)
            case _:
                raise NotImplementedError(f"{step} is no step of its own")
        self.done.append(str(step))

    def _pass_devices(self, wish: Wish) -> None:
        group_ids = self._read_group_ids(wish.spec.vmid)
        if group_ids is None:
            self.awaiting_group_ids.append(wish.spec.vmid)
            return
        self._again(wish, group_ids)

    def _again(self, wish: Wish, group_ids: GroupIds | None) -> None:
        """Look at one container anew and plan with what is known now."""
        current = read_container(self._node, wish.spec.vmid)
        if current is not None and not current.is_ours:
            what = "what came into being under this VMID is not rocmox's"
            refuse_if_any([Problem(where=wish.spec.field("vmid"), what=what, remedy="Choose a free VMID.")])
        steps = plan_container(wish, current, group_ids=group_ids, rules=self._rules)
        self.container(ContainerPlan(wish=wish, current=current, steps=steps))

    def _start_or_undo(self, step: StartContainer | RestartContainer, undo: UpdateConfig) -> None:
        """A start that fails after a change: the configuration is put back and the container runs as before."""
        try:
            self.do(step)
        except TaskFailedError as error:
            vmid = step.vmid
            now = lxc.read_config(self._node, vmid)
            lxc.update(self._node, vmid, changes=undo.changes, delete=undo.delete, digest=now.digest)
            state = "its configuration is as before"
            if isinstance(step, RestartContainer):
                state += self._start_again(vmid)
            raise TaskFailedError(
                f"container {vmid} did not start after the change and was put back: {state}\n{error.message}",
                remedy="The task's log above says why it did not start.",
            ) from error

    def _start_again(self, vmid: int) -> str:
        try:
            self._wait(lxc.start(self._node, vmid), self._options.start_timeout_seconds)
        except TaskFailedError as error:
            return f", and it does not start with it either: {error.message.splitlines()[0]}"
        return " and it runs"

    def _wait(self, upid: str, timeout_seconds: int) -> None:
        self.warnings += tasks.wait_for(self._node, upid, timeout_seconds=timeout_seconds)

    def _wait_out(self, upid: str) -> None:
        """The end counts, not the verdict: a failed creation leaves nothing behind."""
        try:
            self._wait(upid, self._options.create_timeout_seconds)
        except TaskFailedError as error:
            self.warnings.append(error.message.splitlines()[0])


def shut_down(node: Node, vmid: int, options: Options) -> None:
    """Stop a running container gracefully, hard when its time is up; nothing when it does not run."""
    if lxc.status(node, vmid) != "running":
        return
    seconds = options.shutdown_timeout_seconds
    upid = lxc.shutdown(node, vmid, timeout_seconds=seconds)
    # The hard stop follows the timeout, so the task gets longer than the guest.
    tasks.wait_for(node, upid, timeout_seconds=seconds + options.start_timeout_seconds)


def pending_warnings(containers: Sequence[CurrentContainer], rules: Rules) -> list[str]:
    """What a policy without restarts leaves for the next start."""
    if rules.restart:
        return []
    return [
        f"container {found.vmid} must be restarted for {', '.join(waiting_keys(found))} (restart policy: never)"
        for found in containers
        if found.running and waiting_keys(found)
    ]


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
