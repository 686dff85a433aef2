"""What the configuration and the node tell about a container's devices: lines that lead nowhere, lines that lack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rocmox.facts.container_config import PassedDevice
from rocmox.gpu.inventory import Passthrough
from rocmox.health.pct_words import config_file, line, restart, set_device
from rocmox.health.result import Evidence, Result, Verdict

KFD = "/dev/kfd"
_RENDER = "/dev/dri/renderD"
_CHECK = "device_access"


def is_on_node(device: PassedDevice, passthrough: Passthrough) -> bool:
    """Whether the node has the device; where nobody looked, whether a card of the node has it."""
    if device.exists is not None:
        return device.exists
    return device.path in passthrough.card_nodes or (device.path == KFD and bool(passthrough.card_nodes))


def judge_gone(device: PassedDevice, passthrough: Passthrough) -> Result:
    """A line whose device the node does not have: PVE refuses to start the container (lxc-pve-prestart-hook)."""
    vmid = passthrough.vmid
    free = _free_like(device.path, passthrough)
    now = f"In {config_file(vmid)}, `{line(device.key, device.path, device.gid)}` must name a device of the node"
    if len(free) == 1:
        remedy = f"{now}: run `{set_device(vmid, device.key, free[0], device.gid)}` there, then {restart(vmid)}."
    elif free:
        remedy = f"{now}, one of {', '.join(free)}: `rocmox containers apply` knows which card is meant and writes it."
    else:
        remedy = (
            f"The node shows no card for it: `dmesg | grep -i amdgpu` there says why. Without the card the container "
            f"starts after `pct set {vmid} --delete {device.key}`."
        )
    what = "the node has no such device, so the container cannot start with it"
    evidence = Evidence(source=config_file(vmid), value=_line_of(device))
    return _fail("DEVICE_NOT_ON_NODE", device.path, what, evidence, remedy)


def judge_lacking(
    passed: Sequence[PassedDevice], group_ids: Mapping[str, int], passthrough: Passthrough
) -> Iterator[Result]:
    """Devices that must be passed as well: KFD with any card, a card's render node with KFD."""
    paths = {device.path for device in passed}
    renders = [path for path in passthrough.card_nodes if path.startswith(_RENDER)]
    if KFD not in paths and paths & {*renders}:
        yield _lacks(KFD, "cards are passed, and without /dev/kfd no process finds them", group_ids, passthrough)
    if KFD in paths and renders and not paths & {*renders}:
        what = f"/dev/kfd is passed without a render node ({', '.join(renders)}): KFD shows only cards whose node opens"
        yield _lacks(renders[0], what, group_ids, passthrough)


def _lacks(path: str, what: str, group_ids: Mapping[str, int], passthrough: Passthrough) -> Result:
    vmid, gid = passthrough.vmid, group_ids.get("render", 0)
    used = {device.key for device in passthrough.devices}
    key = next(f"dev{index}" for index in range(len(used) + 1) if f"dev{index}" not in used)
    remedy = (
        f"{config_file(vmid)} lacks `{line(key, path, gid)}`: run `{set_device(vmid, key, path, gid)}` on the node, "
        f"then {restart(vmid)}."
    )
    evidence = Evidence(source=config_file(vmid), value="; ".join(map(_line_of, passthrough.devices)))
    return _fail("DEVICE_LINE_LACKS", f"container {vmid}", what, evidence, remedy)


def _free_like(path: str, passthrough: Passthrough) -> list[str]:
    """Nodes of cards of the same kind that no line names yet."""
    kind = _RENDER if path.startswith(_RENDER) else "/dev/dri/card"
    taken = {device.path for device in passthrough.devices}
    if path == KFD:
        return []
    return [node for node in passthrough.card_nodes if node.startswith(kind) and node not in taken]


def _line_of(device: PassedDevice) -> str:
    return line(device.key, device.path, device.gid, more="deny-write=1," if device.deny_write else "")


def _fail(code: str, subject: str, summary: str, evidence: Evidence, remedy: str) -> Result:
    return Result(
        check=_CHECK,
        code=code,
        verdict=Verdict.FAIL,
        subject=subject,
        summary=summary,
        evidence=(evidence,),
        remedy=remedy,
    )
