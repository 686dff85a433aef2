"""What a plan will have done once it is carried out, its second look at new guests included: what check mode says.

A guest that does not run yet keeps its group ids to itself. The change of its devices is planned by the same rules as
later in earnest: with the ids that its configuration remembers, else with names in the place of numbers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from rocmox.containers.current.devices import GroupIds, remembered_groups
from rocmox.containers.current.node import CurrentContainer
from rocmox.containers.plan.container import DesiredContainer, Rules, plan_container
from rocmox.containers.plan.steps import (
    CreateContainer,
    GrowDisk,
    MigrateLegacy,
    PassDevices,
    RestartContainer,
    StartContainer,
    Step,
    UpdateConfig,
)

_UNKNOWN = GroupIds(render=-1, video=-2)
_NAMES = {"gid=-1": "gid=<render of the guest>", "gid=-2": "gid=<video of the guest>"}


def foresee(
    desired: DesiredContainer, current: CurrentContainer | None, steps: tuple[Step, ...], rules: Rules
) -> tuple[Step, ...]:
    """The steps as they will be carried out: reading a guest's ids is replaced by what follows from it."""
    foreseen: list[Step] = []
    reads_ids = any(isinstance(step, PassDevices) for step in steps)
    for step in steps:
        # A guest that runs until its migration is asked for its ids before it is stopped.
        asked_early = isinstance(step, MigrateLegacy) and reads_ids and current is not None and current.running
        if not isinstance(step, PassDevices):
            foreseen.append(step)
            current = _after(step, current)
        if asked_early or isinstance(step, PassDevices):
            remembered = remembered_groups(current.config) if current else None
            return (*foreseen, *plan_container(desired, current, group_ids=remembered or _UNKNOWN, rules=rules))
    return tuple(foreseen)


def in_words(step: Step) -> str:
    """A step as it is said."""
    return with_names(str(step))


def with_names(text: str) -> str:
    """`<render of the guest>` in the place of a number that nobody knows yet."""
    for number, name in _NAMES.items():
        text = text.replace(number, name)
    return text


def _after(step: Step, current: CurrentContainer | None) -> CurrentContainer | None:
    """The container as it will be found after a step."""
    if isinstance(step, CreateContainer):
        config = {key: str(value) for key, value in step.parameters.items()}
        current = CurrentContainer(vmid=step.vmid, running=False, config=config)
    if current is None:
        return None
    match step:
        case UpdateConfig():
            config = {key: value for key, value in current.config.items() if key not in step.delete}
            current = dataclasses.replace(current, config=config | dict(step.changes))
        case GrowDisk():
            current = dataclasses.replace(current, config=_grown(current.config, step.size_gib))
        case StartContainer() | RestartContainer():
            current = dataclasses.replace(current, running=True, pending=frozenset())
        case MigrateLegacy():
            current = dataclasses.replace(current, running=False, legacy=())
    return current


def _grown(config: Mapping[str, str], size_gib: int) -> dict[str, str]:
    volume = config["rootfs"].partition(",")[0]
    return {**config, "rootfs": f"{volume},size={size_gib}G"}
