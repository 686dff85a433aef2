"""A guest's rights to cards on the lab: every way an open can fail, the verdict, and the remedy carried out.

The cards are constructed: ENXIO says that device cgroup and permissions let the open through. VMID 195 is ours.
"""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocmox.errors import MachineError
from rocmox.gpu.inventory import passthrough_from_json
from rocmox.health.checks import device_access
from rocmox.health.context import Context, Identity
from rocmox.health.probes.run import run_probe
from rocmox.health.result import Result, Verdict
from rocmox.machine.container import ContainerMachine
from rocmox.machine.ssh import SshMachine
from rocmox.zipapp_builder import build

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

VMID = 195
TREE = "/var/lib/rocmox-lab/gpus"
FOREIGN_NODE = "/root/foreign-card"  # made from the node's side in the guest's root file system
USER = Identity(user="llama", groups=("render", "video"))


@pytest.fixture(scope="module")
def node(lab: dict[str, str]) -> SshMachine:
    options = ["-i", lab["ssh_private_key"], "-o", f"UserKnownHostsFile={lab['known_hosts']}"]
    return SshMachine(f"root@{lab['node_address']}", options=options)


def on_node(node: SshMachine, command: str) -> str:
    return node.run(["sh", "-c", command], timeout_seconds=300).check().stdout


@pytest.fixture(scope="module")
def guest(node: SshMachine) -> Iterator[ContainerMachine]:
    """A Debian 13 guest with /dev/kfd and renderD128 right, renderD129 with the node's gid, nothing else."""
    if "debian-13-standard" not in on_node(node, "pveam list local"):
        on_node(node, "pveam download local $(pveam available --section system | grep -o 'debian-13-standard[^ ]*')")
    template = re.search(r"\S*debian-13-standard\S*", on_node(node, "pveam list local"))
    assert template
    settings = "--hostname rights --rootfs local:2 --unprivileged 1 --memory 256 --features nesting=1"
    on_node(node, f"pct create {VMID} {template[0]} {settings}")
    machine = ContainerMachine(node, VMID)
    on_node(node, f"pct start {VMID}")
    machine.run(["useradd", "--system", "llama"]).check()
    render = machine.run(["getent", "group", "render"]).check().stdout.split(":")[2]
    on_node(node, f"pct stop {VMID}")
    devices = f"--dev0 /dev/kfd,gid={render} --dev1 /dev/dri/renderD128,gid={render} --dev2 /dev/dri/renderD129,gid=104"
    on_node(node, f"pct set {VMID} {devices} && pct start {VMID}")
    yield machine
    on_node(node, f"pct stop {VMID}; pct destroy {VMID}")


def judge(node: SshMachine, guest: ContainerMachine, zipapp: Path, *, tree: str = TREE) -> dict[str, Result]:
    """What the check says, told by the node what is passed."""
    loader = "import sys; exec(sys.stdin.buffer.readline())"
    store = b"import sys; open('/run/rocmox-test.pyz', 'wb').write(sys.stdin.buffer.read())\n"
    node.run(["python3", "-c", loader], stdin=store + zipapp.read_bytes()).check()
    facts = on_node(node, f"ROCMOX_ROOT={tree} python3 -I /run/rocmox-test.pyz gpus --json; rm /run/rocmox-test.pyz")
    passthrough = passthrough_from_json(json.loads(facts), VMID)
    context = Context(machine=guest, passthrough=passthrough, device_user=USER)
    results: dict[str, Result] = {}
    with contextlib.suppress(MachineError):  # a guest that does not run: what the node alone says comes first
        for result in device_access.run(context):
            results[result.subject] = result
    return results


def mend(node: SshMachine, result: Result) -> None:
    """Carry out the remedy, word for word."""
    for command in re.findall(r"`(pct [^`]+)`", result.remedy):
        on_node(node, command)


def render_group(guest: ContainerMachine) -> str:
    return guest.run(["getent", "group", "render"]).check().stdout.split(":")[2]


@pytest.fixture(scope="module")
def zipapp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("zipapp") / "rocmox.pyz"
    build(target)
    return target


def test_the_four_answers_of_an_open(node: SshMachine, guest: ContainerMachine) -> None:
    process = on_node(node, f"lxc-info --name {VMID} --pid --no-humanize").strip()
    on_node(
        node, f"nsenter --target {process} --mount sh -c 'mknod -m 0666 {FOREIGN_NODE} c 226 130; chmod 0755 /root'"
    )
    paths = ["/dev/kfd", "/dev/dri/renderD128", "/dev/dri/renderD129", "/dev/dri/renderD130", FOREIGN_NODE]
    answer = run_probe(guest, "device_access", {"user": "llama", "groups": ["render"], "paths": paths})
    assert [device["error"] for device in answer["devices"]] == ["ENXIO", "ENXIO", "EACCES", "ENOENT", "EPERM"]
    assert answer["user"] == "llama"


def test_a_wrong_gid_names_its_line_and_the_remedy_mends_it(
    node: SshMachine, guest: ContainerMachine, zipapp: Path
) -> None:
    before = judge(node, guest, zipapp)
    wrong = before["/dev/dri/renderD129"]
    assert (wrong.verdict, wrong.code) == (Verdict.FAIL, "DEVICE_WRONG_GID")
    assert f"In /etc/pve/lxc/{VMID}.conf, `dev2: /dev/dri/renderD129,gid=104` must say gid=" in wrong.remedy
    assert {before[path].code for path in ("/dev/kfd", "/dev/dri/renderD128")} == {"DEVICE_LET_THROUGH"}
    assert {before[path].code for path in ("/dev/dri/renderD130", "/dev/dri/card1")} == {"DEVICE_NOT_PASSED"}

    mend(node, wrong)
    assert {result.verdict for result in judge(node, guest, zipapp).values()} == {Verdict.PASS}


def test_a_cgroup_refusal_is_told_from_permissions_and_its_line_mends_it(
    node: SshMachine, guest: ContainerMachine, zipapp: Path
) -> None:
    value = f"/dev/dri/renderD129,deny-write=1,gid={render_group(guest)}"
    on_node(node, f"pct set {VMID} --dev2 {value} && pct stop {VMID} && pct start {VMID}")
    refused = judge(node, guest, zipapp)["/dev/dri/renderD129"]
    assert (refused.verdict, refused.code) == (Verdict.FAIL, "DEVICE_CGROUP_REFUSES")
    assert refused.evidence[0].value.startswith("EPERM")
    assert "must lose deny-write=1" in refused.remedy
    mend(node, refused)
    assert {result.verdict for result in judge(node, guest, zipapp).values()} == {Verdict.PASS}


def test_a_raw_mount_without_its_rule_is_a_cgroup_refusal_too(
    node: SshMachine, guest: ContainerMachine, zipapp: Path
) -> None:
    raw = "lxc.mount.entry: /dev/dri/renderD130 dev/dri/renderD130 none bind,optional,create=file"
    config = f"/etc/pve/lxc/{VMID}.conf"
    on_node(node, f"chmod 0666 /dev/dri/renderD130; echo '{raw}' >>{config}; pct stop {VMID}; pct start {VMID}")
    refused = judge(node, guest, zipapp)["/dev/dri/renderD130"]
    on_node(node, f"chmod 0660 /dev/dri/renderD130; sed -i '/^lxc.mount/d' {config}; pct stop {VMID}; pct start {VMID}")
    assert (refused.verdict, refused.code) == (Verdict.FAIL, "DEVICE_CGROUP_REFUSES")
    assert "lxc.cgroup2.devices.allow: c 226:130 rw" in refused.remedy


def test_a_device_that_is_not_passed_names_the_line_that_lacks(
    node: SshMachine, guest: ContainerMachine, zipapp: Path
) -> None:
    on_node(node, f"pct set {VMID} --delete dev0 && pct stop {VMID} && pct start {VMID}")
    lacking = judge(node, guest, zipapp)[f"container {VMID}"]
    assert (lacking.verdict, lacking.code) == (Verdict.FAIL, "DEVICE_LINE_LACKS")
    assert f"/etc/pve/lxc/{VMID}.conf lacks `dev0: /dev/kfd,gid={render_group(guest)}`" in lacking.remedy
    mend(node, lacking)
    assert {result.verdict for result in judge(node, guest, zipapp).values()} == {Verdict.PASS}


def test_a_device_that_the_node_lacks_is_said_although_the_guest_cannot_start(
    node: SshMachine, guest: ContainerMachine, zipapp: Path
) -> None:
    """The third card goes: passed as dev3, its node and its place in `/sys` are gone after the next boot."""
    on_node(node, f"pct set {VMID} --delete dev1,dev2 --dev3 /dev/dri/renderD130,gid={render_group(guest)}")
    on_node(node, f"pct stop {VMID}; rm /dev/dri/renderD130")
    assert "Device /dev/dri/renderD130 does not exist" in on_node(node, f"pct start {VMID} 2>&1 || true")
    build_tree = "from pathlib import Path; from rocmox_lab.gpus import build; build('mi50x1', Path('/run/one-card'))"
    on_node(node, f'PYTHONPATH=/usr/lib/rocmox-lab python3 -c "{build_tree}"')
    try:
        gone = judge(node, guest, zipapp, tree="/run/one-card")["/dev/dri/renderD130"]
        assert (gone.verdict, gone.code) == (Verdict.FAIL, "DEVICE_NOT_ON_NODE")
        assert "`dev3: /dev/dri/renderD130,gid=" in gone.remedy
        on_node(node, re.findall(r"`(pct set [^`]+)`", gone.remedy)[0])
        on_node(node, f"pct start {VMID}")
        after = judge(node, guest, zipapp, tree="/run/one-card")
        assert {result.verdict for result in after.values()} == {Verdict.PASS}
    finally:
        on_node(node, "rm -r /run/one-card; systemctl restart rocmox-lab-devices.service")


def test_files_of_a_guest_are_read_through_its_node(guest: ContainerMachine) -> None:
    assert guest.read_bytes("/etc/hostname") == b"rights\n"
    assert "hostname" in guest.list_directory("/etc")
    assert guest.resolve_link("/bin") == "/usr/bin"
    with pytest.raises(FileNotFoundError):
        guest.read_bytes("/etc/no-such-file")
