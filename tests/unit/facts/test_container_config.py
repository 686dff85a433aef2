import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocmox.errors import CannotLookError
from rocmox.facts.container_config import PassedDevice, parse_config, parse_device, read_configs
from rocmox.machine.captured import CapturedMachine

SHARED = Path(__file__).parents[4] / "shared" / "data" / "captures" / "captures.jsonl"
CONFIG = """arch: amd64
dev0: /dev/kfd,gid=992
dev10: /dev/dri/card1,gid=44,mode=0640,uid=7
dev2: path=/dev/dri/renderD128,gid=992,deny-write=1
dev3: nothing
hostname: llm1
unprivileged: 1
lxc.cgroup2.devices.allow: c 226:* rwm

[before-update]
hostname: old
dev0: /dev/null
"""


def test_the_running_part_alone_counts() -> None:
    config = parse_config(101, CONFIG)
    assert (config.vmid, config.hostname, config.unprivileged) == (101, "llm1", True)
    assert config.devices == (
        PassedDevice(key="dev0", path="/dev/kfd", gid=992),
        PassedDevice(key="dev2", path="/dev/dri/renderD128", gid=992, deny_write=True),
        PassedDevice(key="dev10", path="/dev/dri/card1", uid=7, gid=44, mode="0640"),
    )


@pytest.mark.parametrize(
    "value", ["", "renderD128", "/etc/passwd", "/dev/kfd,gid=render", "/dev/kfd,mode=660", "/dev/kfd,gid=-1"]
)
def test_what_is_no_device_has_its_reason(value: str) -> None:
    with pytest.raises(CannotLookError, match="dev0"):
        parse_device("dev0", value)


def test_containers_of_a_node_by_vmid(tmp_path: Path) -> None:
    folder = tmp_path / "etc" / "pve" / "lxc"
    folder.mkdir(parents=True)
    (folder / "1000.conf").write_text("hostname: later\n")
    (folder / "101.conf").write_text(CONFIG)
    (folder / "notes.txt").write_text("no container")
    assert [config.vmid for config in read_configs(CapturedMachine(tmp_path))] == [101, 1000]


def test_a_machine_without_pve_has_none(tmp_path: Path) -> None:
    assert read_configs(CapturedMachine(tmp_path)) == []


@given(st.text())
def test_any_text_is_a_configuration(text: str) -> None:
    assert parse_config(100, text).vmid == 100


@given(st.text())
def test_any_value_is_a_device_or_an_error_of_ours(value: str) -> None:
    with contextlib.suppress(CannotLookError):
        assert parse_device("dev0", value).path.startswith("/dev/")


@pytest.mark.skipif(not SHARED.exists(), reason="../shared is not beside this checkout")
def test_posted_configurations_parse() -> None:
    records = [json.loads(line) for line in SHARED.read_text().splitlines()]
    found = {record["id"]: parse_config(100, record["text"]) for record in records if record["kind"] == "lxc_conf"}
    assert [device.key for device in found["lxc-communityscripts-after"].devices] == [f"dev{n}" for n in range(6)]
    assert found["lxc-ssyleric-5"].unprivileged
