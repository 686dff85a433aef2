"""The container runtime on a lab node of its own: real images, real LXC, real devices; by itself, below the API."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.alone, pytest.mark.lab]

LAB = os.environ.get("ROCMOX_TEST_RUNTIME_LAB", "runtime")
BIN = Path(sys.executable).parent
DRIVER = Path(__file__).with_name("runtime_on_node.py").read_text()
OLD, NEW, PRIVILEGED, KILLED = 191, 192, 193, 194
GROUP = 2093
PASSED = [
    {"key": "dev0", "path": "/dev/kfd", "gid": GROUP},
    {"key": "dev1", "path": "/dev/dri/renderD128", "gid": GROUP},
]
NOT_PASSED = "/srv/renderD129"

OnNode = Callable[..., Any]


@pytest.fixture(scope="module")
def node() -> Iterator[OnNode]:
    """Calls a function of the driver on a running node; gives its answer."""
    if os.geteuid() != 0:
        pytest.skip("the lab makes containers and bridges: run as root")
    subprocess.run([BIN / "rocmox", "lab", "up", "--name", LAB], check=True, timeout=900)
    shown = subprocess.run(
        [BIN / "rocmox", "lab", "status", "--name", LAB, "--json"], check=True, timeout=60, stdout=subprocess.PIPE
    )
    state = json.loads(shown.stdout)

    def call(action: str, **arguments: Any) -> Any:
        remote = ["PYTHONPATH=/usr/lib/rocmox-lab", "python3", "-", action, json.dumps(arguments)]
        done = subprocess.run(
            [
                *("ssh", "-i", state["ssh_private_key"], "-o", f"UserKnownHostsFile={state['known_hosts']}"),
                *("-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", f"root@{state['node_address']}"),
                "env " + " ".join(shlex.quote(word) for word in remote),
            ],
            input=DRIVER,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, f"{action}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return json.loads(done.stdout.splitlines()[-1])

    for vmid in (OLD, NEW, PRIVILEGED, KILLED):
        call("remove", vmid=vmid)
    yield call
    for vmid in (OLD, NEW, PRIVILEGED, KILLED):
        call("remove", vmid=vmid)
    if "ROCMOX_KEEP_LAB" not in os.environ:
        subprocess.run([BIN / "rocmox", "lab", "down", "--name", LAB], check=True, timeout=300)


@pytest.fixture(scope="module")
def guests(node: OnNode) -> dict[int, dict[str, Any]]:
    """Two unprivileged guests, Debian 12 and Debian 13, the newer with two of the node's devices; how they came up."""
    found = {}
    for vmid, system, devices in ((OLD, "debian-12", []), (NEW, "debian-13", PASSED)):
        created = node("create", vmid=vmid, system=system)
        found[vmid] = {"created": created, "started": node("start", vmid=vmid, devices=devices)}
    group = f"groupadd --gid {GROUP} gpu && useradd --groups gpu insider && useradd outsider"
    made = node("inside", vmid=NEW, command=group)
    assert made["exit_status"] == 0, made["output"]
    return found


@pytest.mark.parametrize("vmid", [OLD, NEW])
def test_creation_and_start_are_quick(guests: dict[int, dict[str, Any]], vmid: int) -> None:
    created, started = guests[vmid]["created"], guests[vmid]["started"]
    assert (created["ostype"], created["arch"]) == ("debian", "amd64")
    assert any(line.startswith("Total bytes read: ") for line in created["log"])
    assert created["seconds"] < 12
    assert started["seconds"] < 3
    assert started["network_seconds"] < 10


@pytest.mark.parametrize("vmid", [OLD, NEW])
def test_every_unit_runs(guests: dict[int, dict[str, Any]], vmid: int) -> None:
    assert guests[vmid]["started"]["state"] == ["running"]


@pytest.mark.usefixtures("guests")
def test_the_guest_sees_passed_devices_as_on_pve(node: OnNode) -> None:
    command = "stat --format '%A %u %g %Hr:%Lr %n' /dev/kfd /dev/dri/*"
    assert node("inside", vmid=NEW, command=command)["output"].splitlines() == [
        f"crw-rw---- 0 {GROUP} 235:0 /dev/kfd",
        f"crw-rw---- 0 {GROUP} 226:128 /dev/dri/renderD128",
    ]


@pytest.mark.usefixtures("guests")
def test_the_probe_tells_the_three_reasons_apart(node: OnNode) -> None:
    node("smuggle", vmid=NEW, path=NOT_PASSED, major=226, minor=129)
    paths = [device["path"] for device in PASSED] + [NOT_PASSED, "/dev/null"]
    assert node("probe", vmid=NEW, user="insider", paths=paths) == {
        "/dev/kfd": "ENXIO",
        "/dev/dri/renderD128": "ENXIO",
        NOT_PASSED: "EPERM",
        "/dev/null": "opened",
    }
    assert node("probe", vmid=NEW, user="outsider", paths=paths[:2]) == dict.fromkeys(paths[:2], "EACCES")


@pytest.mark.usefixtures("guests")
def test_names_network_and_resolver_are_written(node: OnNode) -> None:
    shown = node(
        "inside", vmid=OLD, command="hostname; getent hosts $(hostname); cat /etc/machine-id; head -1 /etc/resolv.conf"
    )
    name, entry, machine_id, resolver = shown["output"].splitlines()
    assert name == f"runtime{OLD}"
    assert entry.split()[1] == name
    assert len(machine_id) == 32
    assert resolver == "# --- BEGIN PVE ---"
    assert entry.split()[0] in node("interfaces", vmid=OLD)["eth0"]


@pytest.mark.network
@pytest.mark.usefixtures("guests")
def test_apt_reaches_the_archive(node: OnNode) -> None:
    done = node("inside", vmid=OLD, command="apt-get update -o APT::Update::Error-Mode=any")
    assert done["exit_status"] == 0, done["output"]


@pytest.mark.usefixtures("guests")
def test_files_and_exit_statuses_pass(node: OnNode) -> None:
    copied = node("copy", vmid=OLD)
    assert copied["same"]
    assert copied["listing"].startswith("-rw-r----- 1 0 33 131072 ")
    assert node("inside", vmid=OLD, command="exit 7")["exit_status"] == 7


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("start", f"CT {OLD} already running"),
        ("push", "failed to open /root/runtime-none for reading"),
        ("pull", "failed to open /none: No such file or directory"),
    ],
)
@pytest.mark.usefixtures("guests")
def test_refusals_of_a_running_guest_have_pves_words(node: OnNode, what: str, text: str) -> None:
    assert node("refused", vmid=OLD, what=what) == text


@pytest.mark.usefixtures("guests")
def test_status_counts(node: OnNode) -> None:
    status = node("status", vmid=OLD)
    assert status["running"]
    assert status["disk"] > 100 << 20
    assert status["memory"] > 5 << 20


@pytest.mark.usefixtures("guests")
def test_a_device_is_plugged_into_a_running_guest(node: OnNode) -> None:
    node("plug_device", vmid=OLD, device={"key": "dev0", "path": "/dev/dri/renderD128", "gid": 44})
    assert node("probe", vmid=OLD, user="root", paths=["/dev/dri/renderD128"]) == {"/dev/dri/renderD128": "ENXIO"}


@pytest.mark.parametrize("how", ["shutdown", "stop", "kill-monitor"])
@pytest.mark.usefixtures("guests")
def test_nothing_is_left_when_a_guest_ends(node: OnNode, how: str) -> None:
    if not node("status", vmid=NEW)["running"]:
        node("start", vmid=NEW)
    ended = node("end", vmid=NEW, how=how)
    assert ended.pop("seconds") < 15
    assert ended == {"running": False, "loops": [], "interfaces": [], "mounts": []}
    assert node("status", vmid=NEW) == {"running": False, "pid": None, "disk": 0, "memory": 0}


@pytest.mark.usefixtures("guests")
def test_a_missing_device_refuses_the_start(node: OnNode) -> None:
    if node("status", vmid=NEW)["running"]:
        node("end", vmid=NEW, how="stop")
    assert node("refused", vmid=NEW, what="device") == "Device /dev/dri/card99 does not exist"
    assert node("refused", vmid=NEW, what="execute") == f"container '{NEW}' not running!"


def test_a_privileged_guest_obeys_the_same_device_list(node: OnNode) -> None:
    node("create", vmid=PRIVILEGED, system="debian-13", unprivileged=False)
    started = node("start", vmid=PRIVILEGED, unprivileged=False, devices=PASSED[:1])
    assert started["state"] == ["running"]
    node("smuggle", vmid=PRIVILEGED, path=NOT_PASSED, major=226, minor=129)
    answers = node("probe", vmid=PRIVILEGED, user="root", paths=["/dev/kfd", NOT_PASSED])
    assert answers == {"/dev/kfd": "ENXIO", NOT_PASSED: "EPERM"}


@pytest.mark.parametrize("after_seconds", [0.2, 0.6, 1.0])
def test_a_creation_killed_at_any_moment_leaves_only_its_image(node: OnNode, after_seconds: float) -> None:
    left = node("kill_unpacking", vmid=KILLED, after_seconds=after_seconds)
    node("remove", vmid=KILLED)
    assert left == {"workers": [], "running": False, "loops": [], "interfaces": [], "mounts": []}
    created = node("create", vmid=KILLED, system="debian-13")
    node("remove", vmid=KILLED)
    assert created["ostype"] == "debian"
