from __future__ import annotations

import pytest

from rocmox_lab.pve.access import store
from rocmox_lab.pve.answers import AnswerError
from tests.unit.rocmox_lab.pve.pretended_node import Client

KFD = "/dev/kfd,gid=993,mode=0660"
GUEST = "/nodes/pve1/lxc/101"


def refused(client: Client, verb: str, path: str, user: str = "root@pam", **parameters: object) -> AnswerError:
    with pytest.raises(AnswerError) as caught:
        client(verb, path, user=user, **parameters)
    return caught.value


def allow(client: Client, user: str, role: str = "Administrator", path: str = "/") -> None:
    with store.changing(client.node) as data:
        data["users"][user] = {}
        data["acl"].append({"path": path, "type": "user", "ugid": user, "roleid": role, "propagate": 1})


def test_a_container_lives_and_ends(client: Client) -> None:
    client.create(net0="name=eth0,bridge=vmbr0,ip=dhcp", dev0=KFD, tags="rocmox")
    found = client.config()
    assert found["rootfs"] == "local:101/vm-101-disk-0.raw,size=1G"
    assert found["dev0"] == KFD
    assert str(found["net0"]).startswith("name=eth0,bridge=vmbr0,hwaddr=BC:24:11:")
    assert (found["memory"], found["swap"], found["unprivileged"]) == (512, 512, 1)
    client("POST", f"{GUEST}/status/start")
    assert client.status == "OK"
    assert refused(client, "POST", f"{GUEST}/status/start").message == "CT 101 already running\n"
    assert "container is running" in refused(client, "DELETE", GUEST).message
    client("POST", f"{GUEST}/status/stop")
    client("DELETE", GUEST)
    assert client("GET", "/nodes/pve1/lxc") == []
    assert not client.node.path("/var/lib/vz/images/101").exists()


def test_a_failed_creation_leaves_nothing(client: Client) -> None:
    client.create(ostemplate="local:vztmpl/nope-1_amd64.tar.zst")
    assert client.status == "unable to create CT 101 - volume 'local:vztmpl/nope-1_amd64.tar.zst' does not exist"
    assert refused(client, "GET", f"{GUEST}/config").exit_code == 2
    assert not client.node.path("/var/lib/vz/images/101").exists()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"dev0": "/dev/nonexistent"}, "Device /dev/nonexistent does not exist"),
        ({"dev0": "gid=1"}, "Path has to be defined"),
        ({"rootfs": "nostor:4"}, "storage 'nostor' does not exist"),
        ({"rootfs": "local:"}, "unable to parse volume ID 'local:'"),
        ({"ssh-public-keys": "nonsense"}, "SSH public key validation error"),
    ],
)
def test_a_bad_wish_is_refused_before_anything_is_made(
    client: Client, parameters: dict[str, str], message: str
) -> None:
    with pytest.raises(AnswerError, match=message):
        client.create(**parameters)
    assert not client.node.path("/etc/pve/lxc/101.conf").exists()


def test_only_root_itself_passes_devices(client: Client) -> None:
    allow(client, "admin@pve")
    client.create()
    for change in (
        {"dev0": KFD},
        {"features": "nesting=1,keyctl=1"},
        {"mp0": "/srv,mp=/mnt"},
        {"hookscript": "local:snippets/x"},
    ):
        assert refused(client, "PUT", f"{GUEST}/config", user="admin@pve", **change).status == 403
    client("PUT", f"{GUEST}/config", user="admin@pve", features="nesting=1")
    client("PUT", f"{GUEST}/config", dev0=KFD)
    answer = refused(client, "PUT", f"{GUEST}/config", user="admin@pve", delete="dev0")
    assert "configuring device passthrough is only allowed for root@pam" in answer.message


def test_a_change_of_a_running_guest_waits_where_pve_waits(client: Client) -> None:
    client.create(dev0=KFD)
    client("POST", f"{GUEST}/status/start")
    client("PUT", f"{GUEST}/config", memory=1024, dev1="/dev/null", delete="dev0")
    pending = client("GET", f"{GUEST}/pending")
    assert isinstance(pending, list)
    rows = {row["key"]: row for row in pending}
    assert rows["memory"] == {"key": "memory", "value": 1024}
    assert rows["dev1"] == {"key": "dev1", "pending": "/dev/null"}
    assert rows["dev0"]["delete"] == 1
    now = client("GET", f"{GUEST}/config", current=1)
    assert isinstance(now, dict)
    assert "dev0" in now
    assert "dev1" not in now
    assert "dev1" in client.config()
    client("PUT", f"{GUEST}/config", revert="dev0")
    client("POST", f"{GUEST}/status/reboot")
    assert {"dev0", "dev1"} <= set(client.config())


def test_pve_9_plugs_devices_and_creates_unprivileged(modern: Client) -> None:
    modern(
        "POST",
        "/nodes/pve1/lxc",
        vmid=101,
        ostemplate="local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst",
        rootfs="local:1",
    )
    assert modern.config()["unprivileged"] == 1
    modern("POST", f"{GUEST}/status/start")
    modern("PUT", f"{GUEST}/config", dev0=KFD)
    now = modern("GET", f"{GUEST}/config", current=1)
    assert isinstance(now, dict)
    assert now["dev0"] == KFD


def test_digest_lock_and_protection_guard_a_guest(client: Client) -> None:
    client.create()
    stale = refused(client, "PUT", f"{GUEST}/config", memory=1024, digest="0" * 40)
    assert stale.message.startswith("detected modified configuration")
    client("PUT", f"{GUEST}/config", memory=1024, digest=client.config()["digest"])
    client("PUT", f"{GUEST}/config", protection=1)
    assert "protection mode enabled" in refused(client, "DELETE", GUEST).message
    path = client.node.path("/etc/pve/lxc/101.conf")
    path.write_text("lock: backup\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert refused(client, "PUT", f"{GUEST}/config", memory=512).message == "CT is locked (backup)\n"


def test_a_start_without_its_device_fails_and_says_which(client: Client) -> None:
    client.node.path("/dev/gone").touch()
    client.create(dev0="/dev/gone")
    client.node.path("/dev/gone").unlink()
    client("POST", f"{GUEST}/status/start")
    assert client.status == "Device /dev/gone does not exist"


def test_a_disk_grows_and_never_shrinks(client: Client) -> None:
    client.create()
    client("PUT", f"{GUEST}/resize", disk="rootfs", size="+1G")
    assert client.config()["rootfs"] == "local:101/vm-101-disk-0.raw,size=2G"
    assert refused(client, "PUT", f"{GUEST}/resize", disk="rootfs", size="1G").message == "unable to shrink disk size\n"


def test_a_clone_has_its_own_disk_and_address(client: Client) -> None:
    client.create(net0="name=eth0,bridge=vmbr0,ip=dhcp", mp0="local:1,mp=/data")
    client("POST", f"{GUEST}/clone", newid=102, hostname="copy")
    first, second = client.config(), client.config(102)
    assert second["hostname"] == "copy"
    assert second["rootfs"] == "local:102/vm-102-disk-0.raw,size=1G"
    assert str(second["mp0"]).startswith("local:102/vm-102-disk-1.raw,mp=/data")
    assert second["net0"] != first["net0"]


def test_a_template_is_not_started(client: Client) -> None:
    client.create()
    client("POST", f"{GUEST}/template")
    client("POST", f"{GUEST}/status/start")
    assert client.status == "you can't start a CT if it's a template"


def test_the_volume_of_a_removed_mount_point_stays_until_it_is_deleted(client: Client) -> None:
    client.create()
    client("PUT", f"{GUEST}/config", mp0="local:1,mp=/data")
    assert client.config()["mp0"] == "local:101/vm-101-disk-1.raw,mp=/data,size=1G"
    client("PUT", f"{GUEST}/config", delete="mp0")
    assert client.config()["unused0"] == "local:101/vm-101-disk-1.raw"
    image = client.node.path("/var/lib/vz/images/101/vm-101-disk-1.raw")
    assert image.exists()
    client("PUT", f"{GUEST}/config", delete="unused0")
    assert "unused0" not in client.config()
    assert not image.exists()


def test_only_root_looks_past_a_lock(client: Client) -> None:
    allow(client, "admin@pve")
    client.create()
    answer = refused(client, "POST", f"{GUEST}/status/start", user="admin@pve", skiplock=1)
    assert answer.errors == {"skiplock": "Only root may use this option."}


def test_the_file_is_found_below_the_node_too(client: Client) -> None:
    client.create()
    by_node = client.node.path("/etc/pve/nodes/pve1/lxc/101.conf")
    assert by_node.read_text(encoding="utf-8") == client.node.read("/etc/pve/lxc/101.conf")


def test_mount_points_need_a_root_file_system(client: Client) -> None:
    answer = refused(
        client, "POST", "/nodes/pve1/lxc", vmid=101, ostemplate="local:vztmpl/x.tar.zst", mp0="local:1,mp=/d"
    )
    assert answer.message == "mount points configured, but 'rootfs' not set - aborting\n"


@pytest.mark.parametrize(("wish", "left"), [({}, ["vm-101-disk-7.raw"]), ({"destroy__unreferenced__disks": 1}, [])])
def test_disks_that_no_configuration_names_go_on_request_alone(
    client: Client, wish: dict[str, int], left: list[str]
) -> None:
    client.create()
    folder = client.node.path("/var/lib/vz/images/101")
    (folder / "vm-101-disk-7.raw").touch()
    client("DELETE", "/nodes/pve1/lxc/101", **{key: str(value) for key, value in wish.items()})
    assert ([path.name for path in folder.iterdir()] if folder.exists() else []) == left
