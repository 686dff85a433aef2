"""Changes to one container, each to its end. An answer that is lost is looked for before anything is repeated.

Proxmox VE may have carried out a call whose answer never came. So the node is asked: does a task of ours run, is the
container as the call would have made it? Only when neither is so, the call is made once more. PVE itself refuses to
create over a container, to start a running one, and to change a configuration whose digest is another.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from rocmox.containers.apply.journal import CreationJournal
from rocmox.containers.current.node import TAG
from rocmox.containers.current.properties import disk_size_gib, parse_tags
from rocmox.containers.plan.steps import CreateContainer, DownloadTemplate, GrowDisk, RemoveHalfMade, UpdateConfig
from rocmox.containers.spec.options import Options
from rocmox.errors import ProxmoxError
from rocmox.proxmox import Node, lxc, storage, tasks
from rocmox.proxmox.failures import ConfigChangedError, LostAnswerError, NotFoundError

Warnings = tuple[str, ...]


def download(node: Node, step: DownloadTemplate, options: Options) -> Warnings:
    """A template of Proxmox's index."""

    def call() -> str:
        return storage.download_template(node, storage=step.storage, file_name=step.file_name)

    def is_there() -> bool:
        return any(volume.endswith(f"/{step.file_name}") for volume in storage.list_templates(node, step.storage))

    return _carry_out(
        node, _Operation(vmid=None, kind="download", call=call, is_done=is_there), options.download_timeout_seconds
    )


def create(node: Node, step: CreateContainer, options: Options) -> Warnings:
    """A container that carries our tag."""

    def is_there() -> bool:
        found = _values(node, step.vmid)
        return TAG in parse_tags(found.get("tags", "")) and "lock" not in found

    def call() -> str:
        return lxc.create(node, step.parameters)

    return _carry_out(
        node, _Operation(vmid=step.vmid, kind="vzcreate", call=call, is_done=is_there), options.create_timeout_seconds
    )


def update(node: Node, step: UpdateConfig) -> None:
    """Keys set and deleted in a configuration that still has the step's digest."""

    def call() -> None:
        lxc.update(node, step.vmid, changes=step.changes, delete=step.delete, digest=step.digest)

    try:
        call()
    except LostAnswerError:
        if _has(node, step):
            return
        try:
            call()
        except ConfigChangedError:  # the first call was carried out late
            if not _has(node, step):
                raise


def grow(node: Node, step: GrowDisk, options: Options) -> Warnings:
    """The root disk, to an absolute size."""

    def is_grown() -> bool:
        return (disk_size_gib(_values(node, step.vmid).get("rootfs", "")) or 0) >= step.size_gib

    def call() -> str:
        return lxc.grow_disk(node, step.vmid, disk="rootfs", size_gib=step.size_gib)

    return _carry_out(
        node, _Operation(vmid=step.vmid, kind="resize", call=call, is_done=is_grown), options.resize_timeout_seconds
    )


def start(node: Node, vmid: int, options: Options) -> Warnings:
    """A stopped container."""

    def runs() -> bool:
        return lxc.status(node, vmid) == "running"

    operation = _Operation(vmid=vmid, kind="vzstart", call=lambda: lxc.start(node, vmid), is_done=runs)
    try:
        return _carry_out(node, operation, options.start_timeout_seconds)
    except ProxmoxError:  # `CT VMID already running`: the task of a run that was killed has come first
        if runs():
            return ()
        raise


def shut_down(node: Node, vmid: int, options: Options) -> Warnings:
    """Stop a running container gracefully, hard when its time is up; nothing when it does not run."""
    if lxc.status(node, vmid) != "running":
        return ()
    seconds = options.shutdown_timeout_seconds

    def call() -> str:
        return lxc.shutdown(node, vmid, timeout_seconds=seconds)

    def is_down() -> bool:
        return lxc.status(node, vmid) != "running"

    operation = _Operation(vmid=vmid, kind="vzshutdown", call=call, is_done=is_down)
    # The hard stop follows the timeout, so the task gets longer than the guest.
    return _carry_out(node, operation, seconds + options.start_timeout_seconds)


def destroy(node: Node, vmid: int, options: Options) -> Warnings:
    """A stopped container with its disks."""

    def is_gone() -> bool:
        return not _values(node, vmid)

    operation = _Operation(vmid=vmid, kind="vzdestroy", call=lambda: lxc.destroy(node, vmid), is_done=is_gone)
    return _carry_out(node, operation, options.create_timeout_seconds)


def remove_half_made(node: Node, step: RemoveHalfMade, journal: CreationJournal, options: Options) -> Warnings:
    """The volumes of that creation, which no configuration names, then the lock and the configuration.

    The configuration goes last: a run that is killed on the way leaves what the next one recognises.
    """
    warnings: Warnings = ()
    for volume in storage.list_guest_volumes(node, step.storage, step.vmid):
        if volume.created_seconds >= step.since_seconds:
            upid = storage.delete_volume(node, volume)
            warnings += tasks.wait_for(node, upid, timeout_seconds=options.create_timeout_seconds) if upid else ()
    journal.unlock(step.vmid)
    return warnings + destroy(node, step.vmid, options)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Operation:
    """A call that starts a task, and how to see afterwards that it was carried out."""

    vmid: int | None
    kind: str
    """The task's type."""
    call: Callable[[], str]
    is_done: Callable[[], bool]


def _carry_out(node: Node, operation: _Operation, timeout_seconds: int) -> Warnings:
    """Make the call and wait for its task."""
    try:
        upid = operation.call()
    except LostAnswerError:
        return _look_first(node, operation, timeout_seconds)
    return tasks.wait_for(node, upid, timeout_seconds=timeout_seconds)


def _look_first(node: Node, operation: _Operation, timeout_seconds: int) -> Warnings:
    """After a lost answer: wait for the task that runs, be content with what is done, or make the call once more.

    That may fail because the first call was carried out late, or because the node did the same when it came back.
    """
    upid = _own_task(node, operation)
    if upid is None and operation.is_done():
        return ()
    try:
        upid = upid or operation.call()
        return tasks.wait_for(node, upid, timeout_seconds=timeout_seconds)
    except ProxmoxError:
        late = _own_task(node, operation)
        if late and late != upid:
            return tasks.wait_for(node, late, timeout_seconds=timeout_seconds)
        if operation.is_done():
            return ()
        raise


def _own_task(node: Node, operation: _Operation) -> str | None:
    """The running task of this kind that this account started for the guest."""
    running = tasks.active(node, operation.vmid)
    own = [task.upid for task in running if task.type == operation.kind and task.user == node.api.account_name]
    return own[0] if own else None


def _has(node: Node, step: UpdateConfig) -> bool:
    found = _values(node, step.vmid)
    return all(_same(found, key, value) for key, value in step.changes.items()) and not any(
        key in found for key in step.delete
    )


def _same(found: Mapping[str, str], key: str, value: str) -> bool:
    """PVE completes property strings (`hwaddr`, `type`) and orders them anew."""
    return key in found and set(_words(value)) <= set(_words(found[key]))


def _words(text: str) -> Sequence[str]:
    return [word.removeprefix("path=").removeprefix("volume=") for word in text.replace(";", ",").split(",")]


def _values(node: Node, vmid: int) -> Mapping[str, str]:
    """The configuration, pending changes applied; empty when there is no such container."""
    try:
        return lxc.read_config(node, vmid).values
    except NotFoundError:
        return {}
