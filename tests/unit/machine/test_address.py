from pathlib import Path

import pytest

from rocmox.errors import UsageError
from rocmox.machine import LocalMachine, machine_at
from rocmox.machine.captured import CapturedMachine
from rocmox.machine.container import ContainerMachine
from rocmox.machine.ssh import SshMachine


def test_the_four_forms(tmp_path: Path) -> None:
    assert isinstance(machine_at("local"), LocalMachine)
    assert isinstance(machine_at("ssh://root@pve1"), SshMachine)
    assert isinstance(machine_at("ct://root@pve1/101"), ContainerMachine)
    assert isinstance(machine_at(f"capture:{tmp_path}"), CapturedMachine)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "pve1",
        "ssh://",
        "ssh://-oProxyCommand=x",
        "ssh://root@",
        "ct://pve1",
        "ct://pve1/0",
        "ct://pve1/1;x",
        "capture:",
    ],
)
def test_anything_else_is_wrong_usage(address: str) -> None:
    with pytest.raises(UsageError):
        machine_at(address)
