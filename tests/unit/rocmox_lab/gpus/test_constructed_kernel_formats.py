"""Constructed trees against texts that owners posted: same files, same keys, same order."""

import json
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from rocmox.errors import UsageError
from rocmox_lab.gpus import PROFILES, build
from rocmox_lab.gpus.gpu_id import crc16

NODES = "sys/class/kfd/kfd/topology/nodes"
CAPTURES = Path(__file__).parents[5] / "shared" / "data" / "captures" / "captures.jsonl"
SECTION = re.compile(r"^==> (?P<path>\S+) <==\n(?P<text>.*?)(?=^==> |\Z)", re.MULTILINE | re.DOTALL)
needs_captures = pytest.mark.skipif(not CAPTURES.exists(), reason="../shared is not beside this checkout")

Trees = Callable[[str], Path]


def capture(name: str) -> dict[str, str]:
    records = [json.loads(line) for line in CAPTURES.read_text().splitlines()]
    text = next(record["text"] for record in records if record["id"] == name)
    return {match["path"]: match["text"] for match in SECTION.finditer(text)} or {"": text}


def keys(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_every_link_leads_to_something(gpu_tree: Trees, profile: str) -> None:
    links = [path for path in gpu_tree(profile).rglob("*") if path.is_symlink()]
    assert [path for path in links if not path.exists()] == []


def test_an_unknown_profile_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a GPU profile"):
        build("rtx4090", tmp_path)


@needs_captures
@pytest.mark.parametrize("profile", ["mi50x3", "w7900x2"])
def test_a_cards_node_has_the_posted_keys(gpu_tree: Trees, profile: str) -> None:
    assert keys((gpu_tree(profile) / NODES / "1/properties").read_text()) == keys(capture("kfd-7900xtx-single")[""])


@needs_captures
def test_a_node_has_the_posted_files(gpu_tree: Trees) -> None:
    posted = capture("kfd-lact-vangogh-n1")
    node = gpu_tree("mi50x3") / NODES / "1"
    for path, text in posted.items():
        ours = node / path.split("/nodes/1/")[1]
        assert ours.is_file(), path
        if path.endswith("mem_banks/0/properties"):
            assert keys(ours.read_text()) == keys(text)


@needs_captures
def test_the_processors_node_has_the_posted_keys(gpu_tree: Trees) -> None:
    posted = capture("kfd-topo-mi210-xgmi-pcie-n0")["nodes/0/properties"]
    assert keys((gpu_tree("mi50x3") / NODES / "0/properties").read_text()) == keys(posted)


@needs_captures
def test_links_have_the_posted_keys_of_their_kernel(tmp_path: Path) -> None:
    before, since = tmp_path / "before", tmp_path / "since"
    build("mi50x3", before, kernel_release="6.8.12-9-pve")
    build("mi50x3", since, kernel_release="6.14.11-2-pve")
    old = capture("kfd-topology-parsing-mi308-n3")["nodes/3/io_links/0/properties"]
    new = capture("kfd-topo-mi210-xgmi-pcie-n2")["nodes/2/io_links/0/properties"]
    place = f"{NODES}/1/io_links/0/properties"
    assert keys((before / place).read_text()) == keys(old)
    assert keys((since / place).read_text()) == keys(new)


def test_counts_are_what_lies_there(gpu_tree: Trees) -> None:
    for profile in ("mi50x3", "mi50x1", "w7900x2"):
        for node in sorted((gpu_tree(profile) / NODES).iterdir()):
            counted = dict(line.split() for line in (node / "properties").read_text().splitlines())
            for kind in ("mem_banks", "caches", "io_links", "p2p_links"):
                assert int(counted[f"{kind}_count"]) == len(list((node / kind).iterdir())), (profile, node.name, kind)


@needs_captures
def test_a_7900_class_card_has_the_posted_number_of_caches(gpu_tree: Trees) -> None:
    assert "caches_count 206" in capture("kfd-7900xtx-single")[""]
    assert "caches_count 206" in (gpu_tree("w7900x2") / NODES / "1/properties").read_text()


@needs_captures
def test_a_cards_directory_has_the_posted_driver_files(gpu_tree: Trees) -> None:
    """Vega 56 has the same power management as MI50; what it has beyond is overclocking and a fan."""
    device = gpu_tree("mi50x3") / "sys/class/drm/card1/device"
    beyond = re.compile(r"pp_|fan|pwm|link/|boot_vga|power_dpm_state|hwmon/hwmon\d+/(uevent|power1_label)")
    for path in capture("sysfs-vega56"):
        ours = device / re.sub(r"hwmon/hwmon\d+", "hwmon/hwmon2", path)
        assert ours.is_file() or beyond.search(path) or path in {"reset_method", "resource2_resize"}, path


@pytest.mark.parametrize(("profile", "size", "revision"), [("mi50x3", 80, (1, 0)), ("w7900x2", 120, (1, 3))])
def test_gpu_metrics_say_their_own_size(gpu_tree: Trees, profile: str, size: int, revision: tuple[int, int]) -> None:
    binary = (gpu_tree(profile) / "sys/class/drm/card1/device/gpu_metrics").read_bytes()
    structure_size, form, content = struct.unpack_from("<HBB", binary)
    assert (len(binary), structure_size, (form, content)) == (size, size, revision)


def test_crc16_is_the_kernels() -> None:
    # The check value of CRC-16/ARC, which lib/crc16.c computes.
    assert crc16(b"123456789") == 0xBB3D


def test_gpu_ids_differ(gpu_tree: Trees) -> None:
    found = [(gpu_tree("mi50x3") / NODES / f"{number}/gpu_id").read_text() for number in range(4)]
    assert found[0] == "0\n"
    assert len(set(found)) == 4
