"""Runs on a lab node, piped to `python3 - ACTION ARGUMENTS-AS-JSON`: drives the container runtime, prints JSON last."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from rocmox_lab.pve.runtime import create_runtime
from rocmox_lab.pve.runtime_protocol import (
    CreateSpec,
    DeviceSpec,
    GuestSpec,
    MountSpec,
    NetworkSpec,
    RuntimeFailedError,
)

RUNTIME = create_runtime()
SOURCE, COPY, NONE = "/root/runtime-source", "/root/runtime-copy", "/root/runtime-none"
PROBE = """
import errno, os, sys
for path in sys.argv[1:]:
    try:
        os.open(path, os.O_RDWR)
        print(path, "opened")
    except OSError as error:
        print(path, errno.errorcode[error.errno])
"""


def guest(vmid: int, *, unprivileged: bool = True, devices: list[dict[str, Any]] | None = None) -> GuestSpec:
    image = f"/var/lib/vz/images/{vmid}/vm-{vmid}-disk-0.raw"
    subnet = node_address().rpartition(".")[0]
    network = NetworkSpec(
        key="net0",
        name="eth0",
        hwaddr=f"BC:24:11:00:01:{vmid % 256:02X}",
        bridge="vmbr0",
        ip=f"{subnet}.{vmid % 256}/24",
        gateway=f"{subnet}.1",
        host_interface=f"veth{vmid}i0",
    )
    return GuestSpec(
        vmid=vmid,
        hostname=f"runtime{vmid}",
        unprivileged=unprivileged,
        ostype="debian",
        arch="amd64",
        memory_mib=512,
        swap_mib=0,
        cores=1,
        cpulimit=None,
        cpuunits=100,
        nesting=True,
        features={"nesting": "1"},
        rootfs=MountSpec(key="rootfs", source=image, target="/", kind="image", size_bytes=2 << 30),
        mounts=(),
        devices=tuple(DeviceSpec(**each) for each in devices or []),
        networks=(network,),
        nameserver=None,
        searchdomain=None,
        timezone=None,
        tty=2,
        console=True,
        cmode="tty",
        raw_lxc=(),
    )


def node_address() -> str:
    shown = subprocess.run(["ip", "-j", "-4", "address", "show", "vmbr0"], check=True, capture_output=True).stdout
    address: str = json.loads(shown)[0]["addr_info"][0]["local"]
    return address


def template(name: str) -> str:
    """The template's path on the node, fetched from the lab's mirror when it is missing."""
    cache = Path("/var/lib/vz/template/cache")
    found = next(cache.glob(f"{name}*"), None)
    if found is None:
        base = f"http://{node_address()}:8081/images/system/"
        with urllib.request.urlopen(base) as listing:
            file = next(part for part in listing.read().decode().split('"') if part.startswith(name))
        cache.mkdir(parents=True, exist_ok=True)
        found = cache / file
        urllib.request.urlretrieve(base + file, found)  # noqa: S310
    return str(found)


def create(vmid: int, system: str, **choices: Any) -> dict[str, Any]:
    spec = guest(vmid, **choices)
    began, lines = time.monotonic(), []
    RUNTIME.create_volume(path=spec.rootfs.source, size_bytes=2 << 30, unprivileged=spec.unprivileged, log=lines.append)
    detected = RUNTIME.unpack(spec, CreateSpec(archive=template(system), password="lab-1"), lines.append)
    return {"seconds": time.monotonic() - began, "log": lines, "ostype": detected.ostype, "arch": detected.arch}


def start(vmid: int, **choices: Any) -> dict[str, Any]:
    began = time.monotonic()
    RUNTIME.start(guest(vmid, **choices), print)
    started = time.monotonic() - began
    while inside(vmid, "ip route get 192.0.2.1")["exit_status"]:
        time.sleep(0.05)
    networked = time.monotonic() - began
    while "bus" in inside(vmid, "systemctl is-system-running --wait")["output"]:
        time.sleep(0.05)
    state = inside(vmid, "systemctl is-system-running --wait; systemctl --failed --plain --no-legend")
    return {"seconds": started, "network_seconds": networked, "state": state["output"].split()}


def inside(vmid: int, command: str) -> dict[str, Any]:
    done = subprocess.run(
        ["lxc-attach", "-n", str(vmid), "--", "sh", "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return {"exit_status": done.returncode, "output": done.stdout}


def probe(vmid: int, user: str, paths: list[str]) -> dict[str, str]:
    command = ["lxc-attach", "-n", str(vmid), "--", "runuser", "-u", user, "--", "python3", "-c", PROBE, *paths]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(line.split() for line in done.stdout.splitlines())


def smuggle(vmid: int, path: str, major: int, minor: int) -> None:
    """A node that nobody passed, put onto the guest's disk from outside, open to everyone."""
    target = f"/proc/{RUNTIME.status(vmid).pid}/root{path}"
    os.mknod(target, 0o20666, os.makedev(major, minor))
    Path(target).chmod(0o666)


def copy(vmid: int) -> dict[str, Any]:
    content = bytes(range(256)) * 512
    Path(SOURCE).write_bytes(content)
    RUNTIME.push(guest(vmid), SOURCE, "/root/copy", uid=0, gid=33, mode=0o640)
    RUNTIME.pull(guest(vmid), "/root/copy", COPY)
    same = Path(COPY).read_bytes() == content
    return {"same": same, "listing": inside(vmid, "ls -ln /root/copy")["output"]}


def refused(vmid: int, what: str) -> str:
    """The text with which the runtime refuses."""
    spec = guest(vmid)
    calls = {
        "start": lambda: RUNTIME.start(spec, print),
        "device": lambda: RUNTIME.start(guest(vmid, devices=[{"key": "dev0", "path": "/dev/dri/card99"}]), print),
        "push": lambda: RUNTIME.push(spec, NONE, "/root/x", uid=0, gid=0, mode=0o644),
        "pull": lambda: RUNTIME.pull(spec, "/none", NONE),
        "execute": lambda: RUNTIME.execute(vmid, ["true"]),
    }
    try:
        calls[what]()
    except RuntimeFailedError as error:
        return str(error)
    return "not refused"


def end(vmid: int, how: str) -> dict[str, Any]:
    began = time.monotonic()
    pid = RUNTIME.status(vmid).pid
    if how == "kill-monitor":
        monitor = next(
            int(line.split()[1])
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if line.startswith("PPid:")
        )
        os.kill(monitor, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists() or vmid in RUNTIME.running():
            time.sleep(0.02)
    elif how == "shutdown":
        RUNTIME.shutdown(vmid, timeout_seconds=30)
    else:
        RUNTIME.stop(vmid)
    return {"seconds": time.monotonic() - began, **remains(vmid)}


def remains(vmid: int) -> dict[str, Any]:
    """What of a guest the kernel still holds; loop devices and interfaces go a moment after their last user."""
    deadline = time.monotonic() + 5
    while ((left := _held(vmid))["loops"] or left["interfaces"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _held(vmid: int) -> dict[str, Any]:
    image = f"vm-{vmid}-disk-0.raw"
    loops = []
    for path in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):
            loops += [path.parts[3]] if image in path.read_text() else []
    return {
        "running": vmid in RUNTIME.running(),
        "loops": [each for each in loops if _ours(each, vmid)],
        "interfaces": [path.name for path in Path("/sys/class/net").glob(f"veth{vmid}i*")],
        "mounts": [line for line in Path("/proc/self/mounts").read_text().splitlines() if f"lxc/{vmid}/" in line],
    }


def _ours(name: str, vmid: int) -> bool:
    """Other labs have images of the same name: inode numbers tell them apart."""
    image = Path(f"/var/lib/vz/images/{vmid}/vm-{vmid}-disk-0.raw")
    done = subprocess.run(
        ["losetup", "--noheadings", "--output", "BACK-INO", f"/dev/{name}"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() == str(image.stat().st_ino)


def kill_unpacking(vmid: int, after_seconds: float) -> dict[str, Any]:
    child = os.fork()
    if child == 0:
        create(vmid, "debian-13")
        os._exit(0)
    time.sleep(after_seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    deadline = time.monotonic() + 5  # a killed process that is writing back ends when that is done
    while (workers := _workers()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return {"workers": workers, **remains(vmid)}


def _workers() -> list[str]:
    done = subprocess.run(["pgrep", "-f", "runtime.populate"], capture_output=True, text=True, check=False)
    return done.stdout.split()


def status(vmid: int) -> dict[str, Any]:
    found = RUNTIME.status(vmid)
    return {"running": found.running, "pid": found.pid, "disk": found.disk_used_bytes, "memory": found.memory_bytes}


def interfaces(vmid: int) -> dict[str, list[str]]:
    return {each.name: [address.address for address in each.addresses] for each in RUNTIME.interfaces(vmid)}


def plug_device(vmid: int, device: dict[str, Any]) -> None:
    spec = guest(vmid, devices=[device])
    RUNTIME.plug_device(spec, spec.devices[0])


def remove(vmid: int) -> None:
    with contextlib.suppress(RuntimeFailedError):
        RUNTIME.stop(vmid)
    RUNTIME.destroy(vmid)
    RUNTIME.free_volume(path=guest(vmid).rootfs.source)


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](**json.loads(sys.argv[2]))))
