"""Verdicts that no fault of the lab shows: each check on a tree with the files that lead to it."""

import dataclasses
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.health.context import Context
from rocmox.health.result import Verdict
from rocmox.health.run import run_checks
from rocmox.machine.captured import CapturedMachine
from rocmox_lab.gpus import build
from rocmox_lab.gpus.changes import Changes, take_back
from rocmox_lab.gpus.tree_view import TreeView
from tests.unit.health.verdict_edits import (
    Edit,
    dkms,
    far_but_translated,
    files,
    hidden_capabilities,
    neither_direction,
    no_config,
    no_firmware,
    no_hwmon,
    no_kfd,
    no_links_reported,
    no_p2p_folders,
    no_sensors,
    on_device,
    on_sensor,
    other_vram,
    plx,
    ras_unreadable,
    resting,
    rocblas,
    rocm,
    strange_group,
    throttled,
    translated,
    unknown_architecture,
    unnamed_bits,
    written,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    check: str
    code: str
    verdict: Verdict
    edit: Edit
    profile: str = "mi50x3"


IN_ORDER = {
    "display": "DISPLAY_NONE",
    "driver": "DRIVER_OK",
    "ecc": "ECC_CLEAN",
    "identity": "IDENTITY_OK",
    "iommu": "IOMMU_PASSES",
    "kernel_config": "KERNEL_CONFIG_OK",
    "link": "LINK_OK",
    "p2p_links": "P2P_LINKS_CLAIMED",
    "pcie_p2p": "PCIE_P2P_ON",
    "power": "POWER_OK",
    "thermal": "THERMAL_OK",
    "throttle": "THROTTLE_NONE",
}
CASES = [
    *(Case(check=check, code=code, verdict=Verdict.PASS, edit=files()) for check, code in IN_ORDER.items()),
    Case(check="firmware", code="FIRMWARE_CANNOT_LOOK", verdict=Verdict.UNKNOWN, edit=no_firmware),
    Case(check="p2p_links", code="P2P_LINKS_MISSING", verdict=Verdict.FAIL, edit=neither_direction),
    Case(check="acs", code="ACS_CANNOT_LOOK", verdict=Verdict.UNKNOWN, edit=hidden_capabilities, profile="mi50x8"),
    Case(check="acs", code="ACS_OK", verdict=Verdict.PASS, edit=files(), profile="mi50x8"),
    Case(check="bar", code="BAR_LARGE", verdict=Verdict.PASS, edit=files()),
    Case(check="bar", code="BAR_NO_VRAM_SIZE", verdict=Verdict.UNKNOWN, edit=on_device("mem_info_vram_total", None)),
    Case(check="bar", code="BAR_CANNOT_LOOK", verdict=Verdict.UNKNOWN, edit=on_device("resource", "none")),
    Case(
        check="bar",
        code="BAR_SMALL_PLATFORM",
        verdict=Verdict.WARN,
        edit=on_device("mem_info_vis_vram_total", str(256 << 20)),
        profile="mi50x1",
    ),
    Case(check="compatibility", code="COMPATIBILITY_OK", verdict=Verdict.PASS, edit=rocm("6.2.4-139", "6.8.5")),
    Case(check="compatibility", code="COMPATIBILITY_FAR", verdict=Verdict.WARN, edit=rocm("7.1.0-20", "6.8.5")),
    Case(check="compatibility", code="COMPATIBILITY_UNKNOWN", verdict=Verdict.UNKNOWN, edit=rocm("6.2.4", "99.1")),
    Case(check="compatibility", code="COMPATIBILITY_WORKS", verdict=Verdict.PASS, edit=rocm("6.2.4", None)),
    Case(check="compatibility", code="COMPATIBILITY_KNOWN_BAD", verdict=Verdict.FAIL, edit=rocm("6.2.0", "6.8.5")),
    Case(
        check="compatibility",
        code="COMPATIBILITY_NOT_APPLICABLE",
        verdict=Verdict.NOT_APPLICABLE,
        edit=rocm("1.0.0", "6.8.5"),
    ),
    Case(check="dkms_legacy", code="DKMS_LEGACY_FIXED", verdict=Verdict.PASS, edit=dkms(fixed=True)),
    Case(check="dkms_legacy", code="DKMS_LEGACY_UNCHECKED", verdict=Verdict.WARN, edit=dkms(fixed=False)),
    Case(check="dkms_legacy", code="DKMS_LEGACY_NO_CLAIM", verdict=Verdict.PASS, edit=dkms(fixed=None, claims=False)),
    Case(check="dma_mask", code="DMA_MASK_OK", verdict=Verdict.PASS, edit=far_but_translated),
    Case(check="dma_mask", code="DMA_MASK_CANNOT_LOOK", verdict=Verdict.UNKNOWN, edit=on_device("resource", "none")),
    Case(check="ecc", code="ECC_NO_COUNTS", verdict=Verdict.UNKNOWN, edit=ras_unreadable),
    Case(check="ecc", code="ECC_NOT_APPLICABLE", verdict=Verdict.NOT_APPLICABLE, edit=on_device("ras", None)),
    Case(check="firmware", code="FIRMWARE_OK", verdict=Verdict.PASS, edit=on_device("fw_version", None)),
    Case(check="host_bridge", code="HOST_BRIDGE_ALLOWED", verdict=Verdict.PASS, edit=files(), profile="w7900x2"),
    Case(check="identity", code="IDENTITY_VRAM", verdict=Verdict.WARN, edit=other_vram),
    Case(check="iommu", code="IOMMU_NONE", verdict=Verdict.PASS, edit=on_device("iommu_group", None)),
    Case(check="iommu", code="IOMMU_ONE_CARD", verdict=Verdict.PASS, edit=translated, profile="mi50x1"),
    Case(check="iommu", code="IOMMU_CANNOT_LOOK", verdict=Verdict.UNKNOWN, edit=strange_group),
    Case(check="kernel_config", code="KERNEL_CONFIG_CANNOT_LOOK", verdict=Verdict.UNKNOWN, edit=no_config),
    Case(check="link", code="LINK_RESTS", verdict=Verdict.PASS, edit=resting),
    Case(check="link", code="LINK_UNKNOWN", verdict=Verdict.UNKNOWN, edit=no_links_reported),
    Case(check="p2p_links", code="P2P_LINKS_NOT_SHOWN", verdict=Verdict.UNKNOWN, edit=no_p2p_folders),
    Case(check="p2p_links", code="P2P_LINKS_NO_NODES", verdict=Verdict.UNKNOWN, edit=no_kfd),
    Case(
        check="pcie_p2p",
        code="PCIE_P2P_UNREADABLE",
        verdict=Verdict.UNKNOWN,
        edit=written("/sys/module/amdgpu/parameters/pcie_p2p", "maybe"),
    ),
    Case(check="power", code="POWER_OVER_LIMIT", verdict=Verdict.WARN, edit=on_sensor(power1_average="900000000")),
    Case(check="power", code="POWER_CANNOT_LOOK", verdict=Verdict.UNKNOWN, edit=no_hwmon),
    Case(check="rocblas", code="ROCBLAS_OK", verdict=Verdict.PASS, edit=rocblas("gfx906", "gfx1100")),
    Case(check="rocblas", code="ROCBLAS_NO_KERNELS", verdict=Verdict.FAIL, edit=rocblas("gfx1100", "gfx90a")),
    Case(check="rocblas", code="ROCBLAS_NO_ARCHITECTURE", verdict=Verdict.UNKNOWN, edit=unknown_architecture),
    Case(check="thermal", code="THERMAL_EMERGENCY", verdict=Verdict.CRIT, edit=on_sensor(temp2_input="110000")),
    Case(check="thermal", code="THERMAL_NO_SENSOR", verdict=Verdict.UNKNOWN, edit=no_sensors),
    Case(check="thermal", code="THERMAL_CANNOT_LOOK", verdict=Verdict.UNKNOWN, edit=no_hwmon),
    Case(
        check="throttle",
        code="THROTTLE_BIT_ALONE",
        verdict=Verdict.PASS,
        edit=on_device("gpu_metrics", throttled(1 << 36)),
        profile="w7900x2",
    ),
    Case(
        check="throttle",
        code="THROTTLE_POWER",
        verdict=Verdict.PASS,
        edit=on_device("gpu_metrics", throttled(1 << 0 | 1 << 16, hotspot=70)),
        profile="w7900x2",
    ),
    Case(
        check="throttle",
        code="THROTTLE_HEAT",
        verdict=Verdict.WARN,
        edit=on_device("gpu_metrics", throttled(1 << 36, hotspot=104)),
        profile="w7900x2",
    ),
    Case(check="throttle", code="THROTTLE_REGULATORS", verdict=Verdict.WARN, edit=plx),
    Case(
        check="throttle",
        code="THROTTLE_UNNAMED",
        verdict=Verdict.UNKNOWN,
        edit=on_device("gpu_metrics", unnamed_bits()),
    ),
    Case(
        check="throttle",
        code="THROTTLE_CANNOT_LOOK",
        verdict=Verdict.UNKNOWN,
        edit=on_device("gpu_metrics", b"\x50\x00"),
    ),
    Case(
        check="throttle",
        code="THROTTLE_NOT_APPLICABLE",
        verdict=Verdict.NOT_APPLICABLE,
        edit=on_device("gpu_metrics", struct.pack("<HBB", 2208, 1, 7) + bytes(2204)),
    ),
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Profile → tree that each test leaves as it found it."""
    built: dict[str, Path] = {}

    def get(profile: str) -> Path:
        if profile not in built:
            built[profile] = tmp_path_factory.mktemp("verdicts") / profile
            build(profile, built[profile])
            for unread in built[profile].rglob("caches"):
                for entry in unread.rglob("properties"):
                    entry.unlink()
        return built[profile]

    return get


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_a_verdict(tree: Callable[[str], Path], case: Case) -> None:
    changes = Changes(tree(case.profile))
    case.edit(TreeView(changes))
    results = run_checks(Context(machine=CapturedMachine(tree(case.profile))), only=[case.check])
    take_back(tree(case.profile), changes.kept)
    found = {result.code: result for result in results}
    assert case.code in found
    assert found[case.code].verdict is case.verdict
    assert found[case.code].summary
    assert not [code for code in found if code.endswith("_DEFECT")]


def test_a_container_leaves_the_node_to_the_node(fresh_tree: Callable[[str], Path]) -> None:
    root = fresh_tree("mi50x3")
    (root / "run/systemd").mkdir(parents=True)
    (root / "run/systemd/container").write_text("lxc\n")
    results = run_checks(Context(machine=CapturedMachine(root)))
    of_node = {"driver", "kernel_config", "host_bridge", "acs", "iommu", "display"}
    assert {result.verdict for result in results if result.check in of_node} == {Verdict.NOT_APPLICABLE}
    assert {result.verdict for result in results if result.check in {"bar", "link", "thermal"}} == {Verdict.PASS}


def test_a_container_without_cards_has_nothing_to_judge(tmp_path: Path) -> None:
    (tmp_path / "run/systemd").mkdir(parents=True)
    (tmp_path / "run/systemd/container").write_text("lxc\n")
    (tmp_path / "sys/bus/pci/devices").mkdir(parents=True)
    static = [
        "bar",
        "link",
        "thermal",
        "p2p_links",
        "pcie_p2p",
        "identity",
        "rocblas",
        "compatibility",
        "ecc",
        "firmware",
    ]
    results = run_checks(Context(machine=CapturedMachine(tmp_path)), only=static)
    assert {result.verdict for result in results} == {Verdict.NOT_APPLICABLE}


def test_a_processors_own_graphics_beside_cards_is_left_out(tree: Callable[[str], Path]) -> None:
    """It has no limits, no links and no kernels in rocBLAS, and none of that matters."""
    changes = Changes(tree("mi50x3"))
    view = TreeView(changes)
    view.set_property(0, "gfx_target_version", 100306)
    no_sensors(view)
    view.drop_links(source=0)
    view.drop_links(destination=0)
    rocblas("gfx906")(view)
    results = run_checks(Context(machine=CapturedMachine(tree("mi50x3"))))
    take_back(tree("mi50x3"), changes.kept)
    assert {result.verdict for result in results} <= {Verdict.PASS, Verdict.NOT_APPLICABLE}
    assert not [result for result in results if result.subject == "0000:03:00.0"]


def test_a_card_for_a_virtual_machine_is_the_drivers_matter_alone(tree: Callable[[str], Path]) -> None:
    changes = Changes(tree("mi50x3"))
    view = TreeView(changes)
    for name in ("driver", "hwmon", "mem_info_vram_total", "gpu_metrics"):
        view.changes.remove(view.device(0, name))
    results = run_checks(Context(machine=CapturedMachine(tree("mi50x3"))))
    take_back(tree("mi50x3"), changes.kept)
    wrong = [result.code for result in results if result.verdict not in {Verdict.PASS, Verdict.NOT_APPLICABLE}]
    assert wrong == ["DRIVER_NOT_BOUND"]
