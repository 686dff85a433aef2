"""The device nodes that belong to a profile: what udev would make in `/dev` of a host with these cards."""

from __future__ import annotations

import dataclasses

from rocmox_lab.gpus.profiles import Profile

DRM_MAJOR = 226
FIRST_RENDER_MINOR = 128
# The kernel hands kfd a free major at load time; 234 to 238 and 511 were seen. The lab keeps one of them.
KFD_MAJOR = 235


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeviceNode:
    """A character device: owner root, `group` by name on the host, permission bits `mode`."""

    path: str
    major: int
    minor: int
    group: str
    mode: int


def device_nodes(profile: Profile) -> list[DeviceNode]:
    """`/dev/kfd`, and cardN and renderDN of every card (and of the BMC's display)."""
    nodes = []
    if profile.cards:
        nodes.append(DeviceNode(path="/dev/kfd", major=KFD_MAJOR, minor=0, group="render", mode=0o660))
    cards = profile.first_card_minor + len(profile.cards)
    nodes += [
        DeviceNode(path=f"/dev/dri/card{minor}", major=DRM_MAJOR, minor=minor, group="video", mode=0o660)
        for minor in range(cards)
    ]
    nodes += [
        DeviceNode(path=f"/dev/dri/renderD{minor}", major=DRM_MAJOR, minor=minor, group="render", mode=0o660)
        for minor in range(FIRST_RENDER_MINOR, FIRST_RENDER_MINOR + len(profile.cards))
    ]
    return nodes
