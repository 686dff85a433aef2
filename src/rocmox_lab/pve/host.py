"""Numbers of the machine the node runs on: CPU, memory, disks, addresses, certificate. All from /proc and statvfs."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import ssl
from pathlib import Path
from typing import Any

from rocmox_lab.pve.node import VERSIONS, Node

CERTIFICATE = "/etc/pve/local/pve-ssl.pem"


def space(path: Path) -> tuple[int, int, int]:
    """(total, available, used) bytes of the file system below a path; zeros when there is none."""
    while not path.exists() and path != path.parent:
        path = path.parent
    found = os.statvfs(path)
    total, free = found.f_blocks * found.f_frsize, found.f_bfree * found.f_frsize
    return total, found.f_bavail * found.f_frsize, total - free


def memory() -> dict[str, int]:
    """/proc/meminfo in bytes."""
    text = Path("/proc/meminfo").read_text(encoding="utf-8")
    return {match[1]: int(match[2]) * 1024 for match in re.finditer(r"^(\S+):\s+(\d+) kB", text, re.MULTILINE)}


def uptime_seconds() -> int:
    """Since the node started."""
    return int(float(Path("/proc/uptime").read_text(encoding="utf-8").split()[0]))


def usage(node: Node) -> dict[str, Any]:
    """The node's line of lists."""
    total, _available, used = space(node.path("/"))
    ram = memory()
    return {
        "level": "",
        "maxcpu": os.cpu_count() or 1,
        "cpu": round(min(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)), 6),
        "maxmem": ram["MemTotal"],
        "mem": ram["MemTotal"] - ram.get("MemAvailable", ram["MemFree"]),
        "maxdisk": total,
        "disk": used,
        "uptime": uptime_seconds(),
    }


def status(node: Node) -> dict[str, Any]:
    """`/nodes/{node}/status`."""
    total, available, used = space(node.path("/"))
    ram, kernel = memory(), os.uname()
    number, repository, _release = VERSIONS[node.version]
    memory_line = {"total": ram["MemTotal"], "free": ram["MemFree"], "used": ram["MemTotal"] - ram["MemFree"]}
    if node.modern:
        memory_line["available"] = ram.get("MemAvailable", ram["MemFree"])
    return {
        "uptime": uptime_seconds(),
        "idle": 0,
        "cpu": round(min(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)), 6),
        "wait": 0,
        "loadavg": [f"{value:.2f}" for value in os.getloadavg()],
        "kversion": f"{kernel.sysname} {kernel.release} {kernel.version}",
        "current-kernel": {
            "sysname": kernel.sysname,
            "release": kernel.release,
            "version": kernel.version,
            "machine": kernel.machine,
        },
        "boot-info": {"mode": "legacy-bios"},
        "pveversion": f"pve-manager/{number}/{repository}",
        "ksm": {"shared": 0},
        "cpuinfo": processor(),
        "memory": memory_line,
        "swap": {"total": ram["SwapTotal"], "free": ram["SwapFree"], "used": ram["SwapTotal"] - ram["SwapFree"]},
        "rootfs": {"total": total, "free": total - used, "avail": available, "used": used},
    }


def processor() -> dict[str, Any]:
    """/proc/cpuinfo as PVE sums it up."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    fields = {match[1].strip(): match[2].strip() for match in re.finditer(r"^([^:\n]+):(.*)$", text, re.MULTILINE)}
    flags = fields.get("flags", "")
    count = os.cpu_count() or 1
    return {
        "user_hz": 100,
        "cpus": count,
        "cores": count,
        "sockets": 1,
        "model": fields.get("model name", "unknown"),
        "mhz": fields.get("cpu MHz", "0"),
        "hvm": "1" if re.search(r"\b(svm|vmx)\b", flags) else "",
        "flags": flags,
    }


def address() -> str:
    """The address other machines reach the node at."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def fingerprint(node: Node) -> str:
    """SHA-256 of the API's certificate, as clients pin it."""
    text = node.read(CERTIFICATE)
    if not text:
        return ":".join(["00"] * 32)
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN CERTIFICATE") :])).hexdigest().upper()
    return ":".join(digest[index : index + 2] for index in range(0, len(digest), 2))
