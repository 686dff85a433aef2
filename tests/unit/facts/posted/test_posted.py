"""Every posted text of a kind that rocmox reads parses: constructed cases here, real ones beside the repository."""

import json
from pathlib import Path
from typing import Any

import pytest

from rocmox.errors import CannotLookError
from rocmox.facts.posted import KINDS, parse_posted

CAPTURES = Path(__file__).parents[5] / "shared/data/captures/captures.jsonl"
CASES = Path(__file__).parents[3] / "cases/posted"


def posted() -> list[Any]:
    if not CAPTURES.exists():
        reason = "the folder of real posted texts is not beside this repository"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason))]
    entries = (json.loads(line) for line in CAPTURES.read_text(encoding="utf-8").splitlines())
    return [pytest.param(entry, id=entry["id"]) for entry in entries if entry["kind"] in KINDS]


@pytest.mark.parametrize("entry", posted())
def test_a_posted_text_parses(entry: dict[str, str]) -> None:
    assert parse_posted(entry["kind"], entry["text"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["", "\n\n", "nothing of the sort", "\x00\xff\x1b[31m", "=" * 5000])
def test_what_is_no_such_text_says_so(kind: str, text: str) -> None:
    with pytest.raises(CannotLookError):
        parse_posted(kind, text)


def test_a_kind_that_is_not_read_is_named() -> None:
    with pytest.raises(CannotLookError, match="not a kind of posted text"):
        parse_posted("poem", "text")


def case(name: str) -> str:
    return (CASES / name).read_text(encoding="utf-8")


def test_a_topology_in_each_form() -> None:
    for name in ("kfd-head.txt", "kfd-grep.txt"):
        topology = parse_posted("kfd_node", case(name))
        (node,) = topology.nodes
        assert (node.number, node.compute_units, node.pci_address, node.gpu_id) == (2, 60, "0000:0b:00.0", 4711)
        assert [(link.source, link.destination, link.flags) for link in topology.p2p_links] == [(2, 1, 3)]
    (bare,) = parse_posted("kfd_node", "cpu_cores_count 0\nsimd_count 240\nsimd_per_cu 4\ndrm_render_minor {}\n").nodes
    assert (bare.compute_units, bare.render_minor) == (60, None)


def test_a_small_register_in_lspci_with_broken_lines() -> None:
    card, bridge = parse_posted("lspci", case("lspci-mail.txt"))
    assert (card.address, card.ids, card.is_amd, card.values["driver"]) == ("0000:0b:00.0", "1002:66a1", True, "amdgpu")
    assert [(region.number, region.size_bytes) for region in card.regions] == [(0, 256 << 20), (2, 2 << 20)]
    assert card.resizable_bytes[0][-1] == 32 << 30
    assert (card.link_gts, card.link_width, card.max_link_gts, card.max_link_width) == (2.5, 8, 16.0, 16)
    assert (bridge.class_name, bridge.is_amd) == ("PCI bridge", False)
    assert bridge.acs_control == "SrcValid+ TransBlk- ReqRedir+ CmpltRedir+ UpstreamFwd+ EgressCtrl- DirectTrans-"


def test_firmware_that_is_quoted_wrapped_swapped_or_on_one_line() -> None:
    table = parse_posted("fw_info", case("firmware.txt"))
    assert table.vbios == "113-D0000000-001"
    assert {entry.name: entry.version for entry in table.entries} == {
        "MEC": 0x1D7,
        "RLC SRLC": 1,
        "TA HDCP": 0x1700001F,
        "SMC": 0x544FDF,
        "SDMA0": 9,
        "MES": 0x83,
    }


def test_rocm_smi_in_colour_and_in_tables() -> None:
    smi = parse_posted("rocm_smi", case("rocm-smi.txt"))
    assert smi.cards[0]["VBIOS version"] == "113-D0000000-001"
    assert smi.rows[0] == {"Device": "0", "Node": "1", "IDs": "0x66a1, 4711", "Temp": "41.0°C", "PwrCap": "225.0W"}
    assert smi.matrices["Link accessibility between two GPUs"] == {0: ("True", "False"), 1: ("True", "True")}
    assert [(block.block, block.is_enabled, block.uncorrectable) for block in smi.ras] == [
        ("UMC", True, 2),
        ("ATHUB", True, None),
    ]


def test_amd_smi_as_a_tree_and_as_json() -> None:
    tree = parse_posted("amd_smi", "GPU: 0\n    ASIC:\n        MARKET_NAME: X\n    BUS:\n        BDF: 0000:0b:00.0\n")
    assert tree.cards == {0: {"ASIC.MARKET_NAME": "X", "BUS.BDF": "0000:0b:00.0"}}
    document = json.dumps([{"gpu": 1, "asic": {"market_name": "X"}, "fw_list": [{"fw_id": "MES"}]}])
    assert parse_posted("amd_smi", document).cards == {
        1: {"gpu": "1", "asic.market_name": "X", "fw_list.0.fw_id": "MES"}
    }


def test_a_bandwidth_test_names_blind_pairs() -> None:
    assert parse_posted("rocm_bandwidth_test", case("bandwidth.txt")).blind_pairs == ((1, 2),)


def test_agents_of_rocminfo() -> None:
    info = parse_posted("rocminfo", case("rocminfo.txt"))
    card = info.agents[1]
    assert (info.driver, card.name, card.uuid, card.pci_address) == ("6.8.5", "gfx906", None, "0001:0b:00.0")
    assert (card.compute_units, card.chip_id, card.global_pools_kib) == (60, 0x66A1, (16760832,))


def test_sensors_as_text_and_as_files() -> None:
    readings = parse_posted(
        "hwmon", "amdgpu-pci-0b00\nedge:  +53.0°C  (crit = +100.0°C, hyst = -273.1°C)\n (emerg = +105.0°C)\n"
    )
    assert readings[0].limits == {"crit": 100.0, "hyst": -273.1, "emerg": 105.0}
    files = parse_posted("hwmon", "hwmon/hwmon2/temp1_input:53000\nhwmon/hwmon2/temp1_label:edge\n")
    assert files.temperature("edge").millicelsius == 53000


def test_metrics_as_a_hex_dump() -> None:
    dump = "00000000: 5000 0100 0000 0000 0000 0000 0000 0000  P...............\n"
    dump += '00000010: 2200 2300 2400 0000 0000 0000 0000 0000  ".#.$...........\n'
    dump += "".join(
        f"000000{row:x}0: 0000 0000 0000 0000 0000 0000 0000 0000  ................\n" for row in range(2, 5)
    )
    assert parse_posted("gpu_metrics", dump)["hotspot_celsius"] == 0x23


def test_a_container_with_raw_lines_comments_and_placeholders() -> None:
    container = parse_posted("lxc_conf", case("container.txt"))
    assert [(device.path, device.gid) for device in container.config.devices] == [("/dev/kfd", 104)]
    assert container.allowed == ("c 226:* rwm",)
    assert container.mounts == (("/dev/dri", "dev/dri"),)
    assert container.unfilled == ("dev1",)


def test_nodes_groups_and_refusals() -> None:
    listing = parse_posted("groups_devs", case("devices.txt"))
    assert [(node.name, node.group, node.major, node.minor) for node in listing.nodes] == [
        ("/dev/kfd", "render", 235, 0),
        ("card0", "video", 226, 0),
    ]
    assert (listing.groups, listing.refused) == ({"render": 993}, {"/dev/kfd": "Operation not permitted"})


def test_registers_in_a_kernel_log() -> None:
    log = parse_posted("bar_dmesg", case("bar-log.txt"))
    assert (log.detected_mib, log.lacked_room) == (((16368, 256),), True)
    assert [(event.number, event.what, event.size_bytes) for event in log.events] == [
        (0, "releasing", 256 << 20),
        (0, "can't assign; no space", None),
    ]


def test_rocm_smi_of_older_days_and_for_machines() -> None:
    old = "GPU  Temp   AvgPwr  SCLK    MCLK    Fan   Perf  PwrCap  VRAM%  GPU%\n"
    old += "0    35.0c  21.0W   930Mhz  350Mhz  14.9% auto  225.0W    0%   0%\n"
    (row,) = parse_posted("rocm_smi", old).rows
    assert (row["Fan"], row["Perf"], row["PwrCap"]) == ("14.9%", "auto", "225.0W")
    document = json.dumps({"card1": {"VBIOS version": "113-X"}, "system": {"Driver version": "6.8.5"}})
    assert parse_posted("rocm_smi", document).cards == {1: {"VBIOS version": "113-X"}}
    table = "device,GPU use (%)\ncard0,99\ncard1,0\n"
    assert parse_posted("rocm_smi", table).cards == {0: {"GPU use (%)": "99"}, 1: {"GPU use (%)": "0"}}


def test_raw_sensors() -> None:
    text = "amdgpu-pci-0b00\nAdapter: PCI adapter\nedge:\n  temp1_input: 53.000\n  temp1_crit: 100.000\n"
    (reading,) = parse_posted("hwmon", text)
    assert (reading.label, reading.value, reading.unit, reading.limits) == ("edge", 53.0, "C", {"crit": 100.0})


def test_firmware_by_grep() -> None:
    table = parse_posted("fw_info", "/sys/class/drm/card0/device/fw_version/mes_fw_version:0x00000054\n")
    assert table.version("MES") == 0x54


def test_groups_by_id() -> None:
    listing = parse_posted("groups_devs", "uid=999(llama) gid=999(llama) groups=999(llama),44(video),993(render)\n")
    assert listing.groups == {"video": 44, "render": 993}


DKMS_TEXTS = [
    (
        (
            "Setting up amdgpu-dkms (1:6.9.1.60200-1.24.04) ...\n"
            "Loading new amdgpu-6.9.1-1.24.04 DKMS files...\nBuilding for 6.14.0-24-generic\n"
            "Building initial module for 6.14.0-24-generic\n"
            "Error! Bad return status for module build on kernel: 6.14.0-24-generic (x86_64)\n"
            "Consult /var/lib/dkms/amdgpu/6.9.1-1.24.04/build/make.log for more information.\n"
        ),
        ("amdgpu", "6.9.1-1.24.04", "6.14.0-24-generic", "failed"),
    ),
    (
        (
            "Building initial module amdgpu/6.9.1-1 for 7.0.0-15-pve\nBuilding module(s)....(bad exit status: 2)\n"
            "Error! Bad return status for module build on kernel: 7.0.0-15-pve (x86_64)\n"
        ),
        ("amdgpu", "6.9.1-1", "7.0.0-15-pve", "failed"),
    ),
    (
        (
            "# dkms status\nError! Could not locate dkms.conf file.\n"
            "File: /var/lib/dkms/amdgpu/6.9.1-1.22.04/source/dkms.conf does not exist.\n"
        ),
        ("amdgpu", "6.9.1-1.22.04", None, "broken"),
    ),
    (
        "Building initial module amdgpu/6.9.1-1 for 6.8.12-9-pve\nDone.\nDKMS: install completed.\n",
        ("amdgpu", "6.9.1-1", "6.8.12-9-pve", "installed"),
    ),
    (
        "dkms status   # should say: amdgpu/6.9.1-... 6.8.12-9-pve: installed\n",
        ("amdgpu", "6.9.1-...", "6.8.12-9-pve", "installed"),
    ),
    ("> amdgpu/6.9.1-1, 6.8.12-9-pve, x86_64: built\n", ("amdgpu", "6.9.1-1", "6.8.12-9-pve", "built")),
]


@pytest.mark.parametrize(("text", "expected"), DKMS_TEXTS)
def test_what_dkms_and_apt_say(text: str, expected: tuple[str, str, str | None, str]) -> None:
    (module,) = parse_posted("dkms_status", text)
    assert (module.name, module.version, module.kernel, module.state) == expected


def test_a_sentence_is_no_state_of_a_module() -> None:
    with pytest.raises(CannotLookError):
        parse_posted("dkms_status", "amdgpu, 6.9.1: great driver, installed it yesterday\n")
