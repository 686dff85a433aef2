"""What a plan will have done once it is carried out, its second look at new guests included: what check mode says.

A guest that does not run yet keeps its group ids to itself. The change of its devices is planned by the same rules as
later in earnest, with names in the place of the numbers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from rocmox.containers.current import CurrentContainer
from rocmox.containers.devices import GroupIds
from rocmox.containers.plan import Rules, Wish, plan_container
from rocmox.containers.steps import (
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
_NAMES = {"gid=-1,": "gid=<render of the guest>,", "gid=-2,": "gid=<video of the guest>,"}


def foresee(wish: Wish, current: CurrentContainer | None, steps: tuple[Step, ...], rules: Rules) -> tuple[Step, ...]:
    """The steps as they will be carried out: reading a guest's ids is replaced by what follows from it."""
    foreseen: list[Step] = []
    for step in steps:
        if isinstance(step, PassDevices):
            return (*foreseen, *plan_container(wish, current, group_ids=_UNKNOWN, rules=rules))
        foreseen.append(step)
        current = _after(step, current)
    return tuple(foreseen)


def in_words(step: Step) -> str:
    """A step as it is said, with `<render of the guest>` for a number that nobody knows yet."""
    text = f"{step},"
    for number, name in _NAMES.items():
        text = text.replace(number, name)
    return text.removesuffix(",")


def _after(step: Step, current: CurrentContainer | None) -> CurrentContainer | None:
    """The container as it will be found after a step."""
    if isinstance(step, CreateContainer):
        config = {key: str(value) for key, value in step.parameters.items()}
        return CurrentContainer(vmid=step.vmid, running=False, config=config)
    if current is None:
        return None
    match step:
        case UpdateConfig():
            config = {key: value for key, value in current.config.items() if key not in step.delete}
            return dataclasses.replace(current, config=config | dict(step.changes))
        case GrowDisk():
            return dataclasses.replace(current, config=_grown(current.config, step.size_gib))
        case StartContainer() | RestartContainer():
            return dataclasses.replace(current, running=True, pending=frozenset())
        case MigrateLegacy():
            return dataclasses.replace(current, running=False, legacy=())
        case _:
            return current


def _grown(config: Mapping[str, str], size_gib: int) -> dict[str, str]:
    volume = config["rootfs"].partition(",")[0]
    return {**config, "rootfs": f"{volume},size={size_gib}G"}
