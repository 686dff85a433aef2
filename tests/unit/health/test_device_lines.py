"""Lines that lead nowhere on the node, and lines that lack, each with the command that mends it."""

import dataclasses

import pytest

from rocmox.facts.container_config import PassedDevice
from rocmox.gpu.inventory import Passthrough
from rocmox.health.checks import device_access
from rocmox.health.context import Context
from rocmox.health.device_lines import is_on_node, judge_gone, judge_lacking
from rocmox.health.result import Verdict
from rocmox.machine import LocalMachine

KFD = PassedDevice(key="dev0", path="/dev/kfd", gid=993)
RENDER = PassedDevice(key="dev1", path="/dev/dri/renderD129", gid=993)
CARD = PassedDevice(key="dev2", path="/dev/dri/card2", gid=44)
NODES = ("/dev/dri/renderD128", "/dev/dri/card1", "/dev/dri/renderD129", "/dev/dri/card2")


def of(*devices: PassedDevice, nodes: tuple[str, ...] = NODES) -> Passthrough:
    return Passthrough(vmid=101, constructed=True, devices=devices, card_nodes=nodes)


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        (NODES[:2], "`pct set 101 -dev1 /dev/dri/renderD128,gid=993` there, then `pct stop 101 && pct start 101`"),
        (("/dev/dri/renderD128", "/dev/dri/renderD130"), "one of /dev/dri/renderD128, /dev/dri/renderD130"),
        ((), "`pct set 101 --delete dev1`"),
    ],
)
def test_a_device_that_the_node_lacks_names_its_line(nodes: tuple[str, ...], words: str) -> None:
    passthrough = of(KFD, RENDER, nodes=nodes)
    assert not is_on_node(RENDER, passthrough)
    result = judge_gone(RENDER, passthrough)
    assert (result.code, result.subject) == ("DEVICE_NOT_ON_NODE", "/dev/dri/renderD129")
    assert words in result.remedy


def test_what_the_node_says_counts_before_what_its_cards_say() -> None:
    assert is_on_node(dataclasses.replace(RENDER, exists=True), of(RENDER, nodes=()))
    assert not is_on_node(dataclasses.replace(RENDER, exists=False), of(RENDER))
    assert is_on_node(KFD, of(KFD))


def test_a_card_without_kfd_and_kfd_without_a_card_lack_a_line() -> None:
    (kfd,) = judge_lacking([RENDER, CARD], {"render": 992}, of(RENDER, CARD))
    assert (kfd.code, kfd.verdict) == ("DEVICE_LINE_LACKS", Verdict.FAIL)
    assert "/etc/pve/lxc/101.conf lacks `dev0: /dev/kfd,gid=992`" in kfd.remedy
    (render,) = judge_lacking([KFD], {"render": 992}, of(KFD))
    assert "pct set 101 -dev1 /dev/dri/renderD128,gid=992" in render.remedy
    assert list(judge_lacking([KFD, RENDER], {}, of(KFD, RENDER))) == []
    assert list(judge_lacking([], {}, of())) == []


def test_the_node_is_heard_before_a_guest_that_cannot_run() -> None:
    gone = dataclasses.replace(RENDER, exists=False)
    context = Context(machine=LocalMachine("/"), passthrough=of(KFD, gone))
    assert next(iter(device_access.run(context))).code == "DEVICE_NOT_ON_NODE"
