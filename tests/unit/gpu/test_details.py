from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.gpu.details import read_details
from rocmox.gpu.inventory import read_inventory, to_json
from rocmox.gpu.join import read_gpus
from rocmox.machine.captured import CapturedMachine
from rocmox.report.gpus import to_text
from rocmox_lab.gpus.variations import vary

Trees = Callable[[str], Path]
KFD = "sys/devices/virtual/kfd/kfd"


def compute_in_a_container(root: Path, *, node: int, process: int, vmid: int) -> None:
    """A process of a container with 2 GiB on a card, as KFD and /proc show it on the node."""
    gpu_id = (root / KFD / f"topology/nodes/{node}/gpu_id").read_text().strip()
    folder = root / KFD / f"proc/{process}"
    folder.mkdir(parents=True)
    (folder / f"vram_{gpu_id}").write_text(f"{2 << 30}\n")
    (folder / "vram_99999").write_text("not a number\n")
    place = root / f"proc/{process}"
    place.mkdir(parents=True)
    (place / "comm").write_text("llama-server\n")
    (place / "cgroup").write_text(f"0::/lxc/{vmid}/ns/system.slice/llama-server@qwen.service\n")


def test_who_uses_a_card(fresh_tree: Trees) -> None:
    root = fresh_tree("mi50x3")
    compute_in_a_container(root, node=2, process=4711, vmid=101)
    machine = CapturedMachine(root)
    inventory = read_inventory(machine)
    details = read_details(machine, inventory.gpus)
    users = [details[gpu.pci_address].users for gpu in inventory.gpus]
    assert [len(each) for each in users] == [0, 1, 0]
    (user,) = users[1]
    assert (user.process, user.command, user.container, user.vram_bytes) == (4711, "llama-server", 101, 2 << 30)
    assert "llama-server[4711] in CT 101 2.0 GiB" in to_text(inventory, details)


def test_firmware_and_kind(fresh_tree: Trees) -> None:
    machine = CapturedMachine(fresh_tree("w7900x2"))
    inventory = read_inventory(machine)
    document = to_json(inventory, read_details(machine, inventory.gpus))
    gpu = document["gpus"][0]
    assert (gpu["kind"], gpu["firmware"]["MES"], gpu["firmware"]["MES_KIQ"]) == (
        "Radeon PRO W7900",
        "0x00000054",
        "0x0000006c",
    )
    assert (gpu["oddities"], gpu["drives_display"], gpu["counts_memory_errors"]) == ([], False, False)


@pytest.mark.parametrize(
    ("variation", "codes"),
    [
        ("relabelled", ["IDENTITY_COMPUTE_UNITS", "IDENTITY_NO_ECC"]),
        ("twin", ["IDENTITY_SAME_UNIQUE_ID"]),
        ("other-image", ["IDENTITY_VBIOS_LIMITED", "IDENTITY_VBIOS_OTHER_CARD"]),
    ],
)
def test_an_odd_card_shows_its_evidence(fresh_tree: Trees, variation: str, codes: list[str]) -> None:
    root = fresh_tree("mi50x3")
    vary(root, variation, card=0)
    machine = CapturedMachine(root)
    gpus = read_gpus(machine)
    odd = read_details(machine, gpus)[gpus[0].pci_address].oddities
    assert [each.code for each in odd] == codes
    assert all(source and value for each in odd for source, value in each.evidence)


def test_what_cannot_be_read_says_why(fresh_tree: Trees) -> None:
    root = fresh_tree("mi50x1")
    (root / KFD / "proc").rmdir()
    for file in (root / "sys/class/drm/card0/device/fw_version").resolve().iterdir():
        file.write_bytes(b"\xff\xfe garbage")
    machine = CapturedMachine(root)
    inventory = read_inventory(machine)
    details = read_details(machine, inventory.gpus)
    unknown = details[inventory.gpus[0].pci_address].unknown
    assert set(unknown) == {"users", "firmware"}
    assert "No such file" in unknown["users"]
    assert "users: " in to_text(inventory, details)
