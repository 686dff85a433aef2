from typing import Any

import pytest

from rocmox.containers.spec.options import Options
from rocmox.errors import RefusedError
from tests.unit.containers.fake_pve import FakeContainer, FakePve
from tests.unit.containers.worlds import CARDS, CHAT, LLM, plan


def refusal(pve: FakePve, *entries: dict[str, Any], **keywords: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        plan(pve, *entries, **keywords)
    assert pve.changes == []
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"gpus": ["0000:99:00.0"]}, "gpu_containers[0].gpus", "no AMD card at 0000:99:00.0"),
        ({"gpus": "gfx1100"}, "gpu_containers[0].gpus", "no card of the node is a gfx1100"),
        ({"bridge": "vmbr9"}, "gpu_containers[0].bridge", "no bridge vmbr9"),
        ({"storage": "tank"}, "gpu_containers[0].storage", "no enabled storage tank"),
        ({"disk_gib": 500}, "storage local", "500.0 GiB, 100.0 GiB are free"),
        ({"template": "debian-99-standard"}, "gpu_containers[0].template", "no template debian-99-standard"),
        ({"template": "alpine-3.20-default"}, "gpu_containers[0].template", "alpine-3.20"),
        ({"template": "tank:vztmpl/debian-13-standard"}, "gpu_containers[0].template", "no storage tank"),
    ],
)
def test_a_wish_the_node_cannot_fulfil_names_its_field(change: dict[str, Any], field: str, words: str) -> None:
    said = refusal(FakePve(), LLM | change)
    assert field in said
    assert words in said
    assert "->" in said


def test_every_problem_is_said_at_once() -> None:
    said = refusal(FakePve(), LLM | {"bridge": "vmbr9", "gpus": ["0000:99:00.0"]}, CHAT | {"storage": "tank"})
    assert said.startswith("3 problems, nothing was changed")


def test_space_may_be_promised_twice_when_the_user_says_so() -> None:
    options = Options(allow_overcommit=True)
    assert plan(FakePve(), CHAT | {"disk_gib": 500}, options=options).steps != ()


def test_a_foreign_container_is_left_alone() -> None:
    pve = FakePve()
    pve.containers[101] = FakeContainer({"hostname": "mail", "tags": "rocmox-like;prod"})
    assert "taken by the container 'mail'" in refusal(pve, LLM)


def test_a_virtual_machine_has_the_vmid() -> None:
    pve = FakePve()
    pve.machines[101] = "windows"
    assert "taken by qemu 'windows'" in refusal(pve, LLM)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"unprivileged": "0"}, "privileged, and Proxmox VE cannot change that"),
        ({"rootfs": "tank:101/disk,size=8G"}, "lies on tank"),
        ({"rootfs": "local:101/disk,size=64G"}, "disks only grow"),
        ({"lock": "backup"}, "locked (backup)"),
    ],
)
def test_a_container_of_ours_that_cannot_become_the_wished_one(config: dict[str, str], words: str) -> None:
    pve = FakePve()
    ours = {"tags": "rocmox", "unprivileged": "1", "hostname": "llm1"}
    pve.containers[101] = FakeContainer(ours | config, running=True)
    assert words in refusal(pve, LLM)


def test_a_creation_cut_off_by_a_reboot_is_explained() -> None:
    pve = FakePve()
    pve.containers[101] = FakeContainer({"lock": "create"})
    assert "pct unlock 101" in refusal(pve, LLM)


def test_a_creation_of_somebody_else_is_not_ours_to_wait_for() -> None:
    pve = FakePve()
    pve.containers[101] = FakeContainer({"lock": "create"})
    pve.active_tasks = [{"upid": "UPID:pve1:00000001:00000001:6AFFC9DE:vzcreate:101:admin@pve:"}]
    assert "admin@pve is creating it" in refusal(pve, LLM)


def test_a_token_may_not_pass_devices_but_may_do_the_rest() -> None:
    pve = FakePve(account_name="root@pam!rocmox")
    vm = ("Allocate", "Audit", "PowerMgmt", "Config.CPU", "Config.Disk", "Config.Memory", "Config.Network")
    for vmid in (101, 102):
        pve.permissions[f"/vms/{vmid}"] = {f"VM.{name}": 1 for name in (*vm, "Config.Options")}
    pve.permissions["/storage/local"] = {"Datastore.AllocateSpace": 1}
    pve.permissions["/sdn/zones/localnetwork/vmbr0"] = {"SDN.Use": 1}
    assert "devN only to root@pam itself" in refusal(pve, LLM)
    assert plan(pve, CHAT).steps != ()


def test_missing_privileges_are_named() -> None:
    pve = FakePve(account_name="admin@pve")
    said = refusal(pve, CHAT)
    assert "lacks Datastore.AllocateSpace on /storage/local" in said
    assert "VM.Allocate" in said


def test_an_old_proxmox_is_refused_with_the_reason() -> None:
    assert "Proxmox VE 7.4" in refusal(FakePve(version="7.4-17"), CHAT)


def test_an_unknown_node_is_refused() -> None:
    pve = FakePve()
    pve.get = lambda path, _=None: {
        "/version": {"version": "8.4.1"},
        "/cluster/resources": [{"type": "node", "node": "alpha"}],
    }[path]  # type: ignore[method-assign,assignment,misc]
    assert "Set pve_node to one of: alpha" in refusal(pve, CHAT)


def test_a_card_owned_exclusively_is_not_shared() -> None:
    said = refusal(FakePve(), LLM | {"gpus_exclusive": True}, CHAT | {"gpus": [CARDS[0].pci_address]})
    assert "gpu_containers[1].gpus" in said
    assert "owns exclusively" in said


def test_a_card_without_driver_is_refused() -> None:
    card = type(CARDS[0])(pci_address="0000:03:00.0", architecture="gfx906", card_path=None, render_path=None)
    assert "amdgpu does not hold it" in refusal(FakePve(), LLM, cards=(card,))


@pytest.mark.parametrize(
    ("config", "raw"),
    [
        ({"dev0": "/dev/kfd,gid=993", "dev1": "/dev/dri/renderD128,gid=993"}, []),
        ({}, [("lxc.mount.entry", "/dev/dri/card0 dev/dri/card0 none bind")]),
        ({}, [("lxc.mount.entry", "/dev/dri dev/dri none bind,create=dir")]),
    ],
)
def test_an_exclusive_card_that_a_stranger_has_is_refused(config: dict[str, str], raw: list[tuple[str, str]]) -> None:
    pve = FakePve()
    pve.containers[150] = FakeContainer({"hostname": "mail", **config}, running=True)
    pve.containers[150].raw = raw
    wish = LLM | {"gpus": [CARDS[0].pci_address], "gpus_exclusive": True}
    said = refusal(pve, wish)
    assert "gpu_containers[0].gpus_exclusive" in said
    assert "container 150" in said
    assert plan(pve, wish | {"gpus_exclusive": False}).steps


def test_an_exclusive_card_that_no_stranger_has_is_taken() -> None:
    pve = FakePve()
    pve.containers[150] = FakeContainer({"hostname": "mail", "dev0": "/dev/dri/renderD129,gid=993"}, running=True)
    pve.containers[151] = FakeContainer({"hostname": "web", "dev0": "/dev/kfd", "dev1": "/dev/ttyUSB0"})
    assert plan(pve, LLM | {"gpus": [CARDS[0].pci_address], "gpus_exclusive": True}).steps


def test_a_template_is_no_container() -> None:
    pve = FakePve()
    pve.containers[102] = FakeContainer({"hostname": "chat1", "tags": "rocmox", "template": "1", "unprivileged": "1"})
    assert "is a template, and a template never runs" in refusal(pve, CHAT)
