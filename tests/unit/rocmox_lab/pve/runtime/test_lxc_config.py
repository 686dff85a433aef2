import dataclasses

import pytest

from rocmox_lab.pve.runtime import lxc_config, seccomp
from rocmox_lab.pve.runtime.layout import Layout
from rocmox_lab.pve.runtime.lxc_config import NodeTraits
from rocmox_lab.pve.runtime_protocol import GuestSpec
from tests.unit.rocmox_lab.pve.runtime.guests import GPU1, NET0, changed

TRAITS = NodeTraits(
    limits={"memory.max": "1073741824"}, bridge_mtu={"vmbr0": 1500}, device_rules=("c 235:0 rw", "c 226:128 rw")
)


def lines_of(guest: GuestSpec = GPU1, traits: NodeTraits = TRAITS) -> list[str]:
    return lxc_config.render(guest, Layout(), traits).splitlines()


def test_the_frame_has_pves_order() -> None:
    assert lines_of()[:10] == [
        "lxc.cgroup.relative = 0",
        "lxc.cgroup.dir.monitor = lxc.monitor/100",
        "lxc.cgroup.dir.container = lxc/100",
        "lxc.cgroup.dir.container.inner = ns",
        "lxc.arch = amd64",
        "lxc.include = /usr/share/lxc/config/common.conf",
        "lxc.include = /usr/share/lxc/config/userns.conf",
        "lxc.seccomp.profile = /var/lib/lxc/100/rules.seccomp",
        "lxc.apparmor.profile = generated",
        "lxc.apparmor.allow_nesting = 1",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "lxc.monitor.unshare = 1",
        "lxc.idmap = u 0 100000 65536",
        "lxc.idmap = g 0 100000 65536",
        "lxc.tty.max = 2",
        "lxc.environment = TERM=linux",
        "lxc.uts.name = gpu1",
        "lxc.cgroup2.memory.max = 1073741824",
        "lxc.rootfs.path = /var/lib/lxc/100/rootfs",
        "lxc.net.0.type = veth",
        "lxc.net.0.veth.pair = veth100i0",
        "lxc.net.0.hwaddr = BC:24:11:3D:D4:D3",
        "lxc.net.0.name = eth0",
        "lxc.net.0.mtu = 1500",
        "lxc.net.0.script.up = /usr/share/lxc/lxcnetaddbr",
    ],
)
def test_lines_of_an_unprivileged_guest(line: str) -> None:
    assert line in lines_of()


def test_devices_are_refused_first_and_allowed_one_by_one() -> None:
    rules = [line for line in lines_of() if line.startswith("lxc.cgroup2.devices")]
    assert rules[0] == "lxc.cgroup2.devices.deny = a"
    assert "lxc.cgroup2.devices.allow = c 1:3 rwm" in rules
    assert rules[-2:] == ["lxc.cgroup2.devices.allow = c 235:0 rw", "lxc.cgroup2.devices.allow = c 226:128 rw"]


def test_a_privileged_guest_has_no_user_namespace_and_keeps_common_confs_devices() -> None:
    lines = lines_of(changed(unprivileged=False))
    assert not [line for line in lines if "idmap" in line or "userns" in line or "devices.deny" in line]
    assert "lxc.cgroup2.devices.allow = c 235:0 rw" in lines


def test_raw_lines_come_last_and_replace_the_default_map() -> None:
    raw = (("lxc.idmap", "u 0 100000 44"), ("lxc.mount.entry", "/dev/kfd dev/kfd none bind,optional,create=file"))
    lines = lines_of(changed(raw_lxc=raw))
    assert lines[-2:] == [f"{key} = {value}" for key, value in raw]
    assert "lxc.idmap = u 0 100000 65536" not in lines


def test_apparmor_on_the_machine_leaves_the_nested_guest_unconfined() -> None:
    assert "lxc.apparmor.profile = unconfined" in lines_of(traits=NodeTraits(apparmor=True))


def test_features_entrypoint_and_console() -> None:
    guest = changed(
        features={"fuse": "1"}, nesting=False, console=False, entrypoint="/sbin/tini", environment={"A": "b"}
    )
    lines = lines_of(guest)
    assert "lxc.mount.entry = /dev/fuse dev/fuse none bind,create=file 0 0" in lines
    assert "lxc.apparmor.allow_nesting = 1" not in lines
    assert "lxc.console.path = none" in lines
    assert "lxc.init.cmd = /sbin/tini" in lines
    assert "lxc.environment = A=b" in lines


def test_interfaces_are_numbered_in_their_keys_order() -> None:
    second = dataclasses.replace(NET0, key="net10", name="eth1", bridge=None, mtu=9000)
    lines = lines_of(changed(networks=(second, NET0)))
    assert "lxc.net.0.name = eth0" in lines
    assert "lxc.net.1.mtu = 9000" in lines


def test_system_call_rules_hide_keyctl_from_unprivileged_guests_alone() -> None:
    assert "keyctl errno 38" in seccomp.render(GPU1)
    assert "keyctl" not in seccomp.render(changed(features={"keyctl": "1"}))
    assert "keyctl" not in seccomp.render(changed(unprivileged=False))
    assert seccomp.render(GPU1).startswith("2\ndenylist\n")
