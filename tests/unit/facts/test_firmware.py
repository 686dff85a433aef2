from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.errors import CannotLookError
from rocmox.facts.firmware import kernel_name, parse_firmware_info, read_firmware, read_firmware_info
from rocmox.machine import Machine
from rocmox.machine.captured import CapturedMachine

Machines = Callable[[str], Machine]


def test_sysfs_and_debugfs_agree(gpu_machine: Machines) -> None:
    machine = gpu_machine("w7900x2")
    sysfs, debugfs = read_firmware(machine, "0000:03:00.0"), read_firmware_info(machine, 0)
    assert (sysfs.version("MES"), debugfs.version("MES")) == (0x54, 0x54)
    assert (sysfs.vbios, debugfs.vbios) == (None, "113-D7070100-123")
    assert sysfs.version("VPE") is None


@pytest.mark.parametrize(
    ("kind", "name"),
    [("ta_ras", "TA RAS"), ("rlc_srlc", "RLC SRLC"), ("sdma", "SDMA0"), ("sdma2", "SDMA1"), ("mes_kiq", "MES_KIQ")],
)
def test_files_are_named_as_debugfs_names_them(kind: str, name: str) -> None:
    assert kernel_name(kind) == name


def test_a_trusted_application_whose_numbers_are_swapped() -> None:
    (entry,) = parse_firmware_info("TA HDCP feature version: 0x1700001f, firmware version: 0x00000000").entries
    assert (entry.version, entry.feature, entry.is_loaded) == (0x1700001F, 0, True)


def test_several_on_one_line() -> None:
    table = parse_firmware_info(
        "MES_KIQ feature version: 6, firmware version: 0x0000006c MES feature version: 1, firmware version: 0x00000083"
    )
    assert (table.version("MES_KIQ"), table.version("MES")) == (0x6C, 0x83)


def test_a_card_without_versions_says_so(fresh_tree: Callable[[str], Path]) -> None:
    root = fresh_tree("mi50x1")
    for file in (root / "sys/class/drm/card0/device/fw_version").resolve().iterdir():
        file.unlink()
    with pytest.raises(CannotLookError, match="no firmware version"):
        read_firmware(CapturedMachine(root), "0000:03:00.0")


def test_the_first_card_of_rocm_smi() -> None:
    lines = (
        "GPU[1]\t\t: MEC firmware version:         69",
        "GPU[1]\t\t: TA XGMI firmware version:     32.00.00.18",
        "GPU[1]\t\t: SDMA2 firmware version:       8",
        "GPU[2]\t\t: MEC firmware version:         70",
        "GPU[1]\t\t: SOS firmware version:         0x0027007f",
    )
    table = parse_firmware_info("\n".join(lines))
    assert {entry.name: entry.version for entry in table.entries} == {
        "MEC": 69,
        "TA XGMI": 0x20000012,
        "SDMA1": 8,
        "SOS": 0x27007F,
    }
