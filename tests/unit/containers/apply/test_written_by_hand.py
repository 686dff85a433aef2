"""Configurations as people write them (raw lines, comments, foreign ids), under a container of ours and led home."""

import json
from pathlib import Path

import pytest

from rocmox.containers.current.devices import Device
from rocmox.proxmox.tasks import Clock
from tests.unit.containers.lab_node import LLM, LabNode, carry_out, plan

from .test_lab_api import DEVICES, device_paths

SHARED = Path(__file__).parents[5] / "shared/data/captures/captures.jsonl"
CASES = {
    "raw lines with comments": (
        "lxc.cgroup2.devices.allow: c 226:* rwm             # DRI\n"
        "lxc.mount.entry: /dev/dri dev/dri none bind,optional,create=dir\n"
    ),
    "by path": (
        "lxc.cgroup2.devices.allow: c 226:128 rwm\n"
        "lxc.mount.entry: /dev/dri/by-path/pci-0000:03:00.0-render dev/dri/renderD128 none bind,optional,create=file\n"
    ),
    "devices with comments": "dev0: /dev/kfd,gid=993      # render\ndev3: /dev/dri/renderD128,gid=<render gid>\n",
    "swapped groups": "dev0: /dev/kfd,gid=44,uid=0\ndev1: /dev/dri/renderD128,gid=44\n",
    "both ways": "dev0: /dev/kfd,gid=104\nlxc.mount.entry: /dev/dri dev/dri none bind,optional,create=dir\n",
    "read only": "dev7: path=/dev/dri/renderD129,deny-write=1,gid=993,mode=0600\n",
}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rocmox.proxmox.tasks.wait_for.__kwdefaults__", {"clock": Clock(sleep=lambda _: None)})


def lead_home(lab: LabNode, text: str) -> None:
    """The lines under a stopped container of ours: planned, applied, and planned again."""
    carry_out(lab, plan(lab, LLM | {"gpus": []}))
    lab._pvesh(["create", "/nodes/pve1/lxc/101/status/stop"])
    path = lab.config_path(101)
    # A placeholder in a device that is no GPU is its owner's to mend.
    own = [line for line in text.splitlines() if line.startswith(("dev", "lxc.")) and "/dev/accel" not in line]
    path.write_text(path.read_text(encoding="utf-8") + "".join(f"{line}\n" for line in own), encoding="utf-8")
    raw = any(line.startswith(("lxc.mount", "lxc.cgroup")) for line in own)
    assert plan(lab, LLM).steps  # it does not run
    carry_out(lab, plan(lab, LLM, migrate_legacy=True))
    assert sorted(device_paths(lab)) == sorted(DEVICES)
    left = [line for line in lab.config(101).splitlines() if line.startswith(("lxc.mount", "lxc.cgroup"))]
    assert not [line for line in left if "/dev/dri" in line or "/dev/kfd" in line or "c 226:" in line]
    assert len(list(lab.pve.path("/var/lib/rocmox").glob("container-backups/*"))) == int(raw)
    assert plan(lab, LLM, migrate_legacy=True).steps == ()


@pytest.mark.parametrize("name", CASES)
def test_it_ends_with_the_wished_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    lead_home(LabNode(tmp_path, monkeypatch), CASES[name])


@pytest.mark.skipif(not SHARED.exists(), reason="../shared is not beside this checkout")
def test_what_people_posted_ends_with_the_wished_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [json.loads(line) for line in SHARED.read_text(encoding="utf-8").splitlines()]
    posted = {record["id"]: record["text"] for record in records if record["kind"] == "lxc_conf"}
    assert len(posted) >= 7
    for name, text in posted.items():
        lead_home(LabNode(tmp_path / name, monkeypatch), text)


def test_what_pve_cannot_take_is_no_wished_device() -> None:
    assert Device.from_value("/dev/kfd,gid=993").flaw == ""
    assert Device.from_value("/dev/kfd,gid=993  # render") != Device.from_value("/dev/kfd,gid=993")
    assert Device.from_value("/dev/kfd,gid=<render>").flaw == "gid=<render>"
