"""One look at a guest: everything by which the role decides what is to be done, in one answer.

Runs inside the guest with the standard library alone (machine/carried.py), what it is asked on standard input: models
may hold addresses with passwords. Changes nothing. The keys of the answer are those of `main`.
"""

import re
import subprocess
from pathlib import Path
from typing import Any

from rocmox.engines.llamacpp.serving.guest import await_server, probe_toolchain, read_models

Desired = dict[str, Any]

MIB = 1 << 20
UNITS = Path("/etc/systemd/system")
CONFIGURATION = b"ROCMOX_CONFIGURATION="
KEY_MODE = 0o600
PERMISSIONS = 0o7777


def main(desired: Desired) -> dict[str, Any]:
    """What is there; `desired` names folders, files and models."""
    work, install = Path(desired["work_directory"]), Path(desired["install_directory"])
    return {
        "toolchain": probe_toolchain.main(desired["toolchain"]),
        "models": read_models.main({"models": desired["models"], "verified": desired["verified_file"]}),
        "verified": text_of(Path(desired["verified_file"])),
        "installed": by_time(install / "builds"),
        "complete": sorted(path.parent.name for path in (install / "builds").glob("*/build.json")),
        "work_builds": names(work / "builds"),
        "downloads": names(work / "downloads"),
        "sources": names(work / "sources"),
        "comparisons": {
            path.parent.name: text_of(path) for path in sorted((work / "builds").glob("*/comparison.json"))
        },
        "current": link_target(install / "current"),
        "launcher": text_of(install / "libexec/start_on_cards.py"),
        "key": key_file(Path(desired["api_key_file"])),
        "units": {path.name: unit(path) for path in sorted(UNITS.glob(desired["unit_pattern"]))},
        "served_folder": Path(desired["served_folder"]).is_dir(),
        "descriptors": {
            path.name: text_of(path) for path in sorted(Path(desired["served_folder"]).glob(desired["served_pattern"]))
        },
        "cards": cards(Path("/")) if desired["asks_cards"] else [],
        "answers": {one["unit"]: answer(one, desired) for one in desired["servers"]},
    }


def text_of(path: Path) -> str:
    """A small file, empty when there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def names(folder: Path) -> list[str]:
    """What lies in a folder, nothing when there is none."""
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def by_time(folder: Path) -> list[str]:
    """Its entries, the one that went into service last first."""
    if not folder.is_dir():
        return []
    return [path.name for path in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)]


def link_target(path: Path) -> str:
    """Where a link points, empty when there is none."""
    return str(path.readlink()) if path.is_symlink() else ""


def key_file(path: Path) -> dict[str, Any]:
    """Whether the file of the API key is there, its time, and whether it is root's alone."""
    try:
        status = path.stat()
    except OSError:
        return {"exists": False, "mtime": 0, "private": False}
    private = (status.st_uid, status.st_gid, status.st_mode & PERMISSIONS) == (0, 0, KEY_MODE)
    return {"exists": True, "mtime": status.st_mtime, "private": private}


def unit(path: Path) -> dict[str, Any]:
    """A unit's file, its state, and the configuration of the process that runs."""
    words = ["systemctl", "show", "--property=ActiveState,UnitFileState,MainPID,NeedDaemonReload", path.name]
    shown = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    state = dict(line.partition("=")[::2] for line in shown.splitlines())
    return {
        "text": text_of(path),
        "enabled": state.get("UnitFileState", ""),
        "active": state.get("ActiveState", ""),
        "configuration": running_configuration(state.get("MainPID", "0")),
    }


def running_configuration(process: str) -> str:
    """ROCMOX_CONFIGURATION of a process, empty when it has none."""
    try:
        environment = Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return ""
    found = [entry for entry in environment.split(b"\0") if entry.startswith(CONFIGURATION)]
    return found[0].removeprefix(CONFIGURATION).decode(errors="replace") if found else ""


def cards(root: Path) -> list[str]:
    """The memory of each card that the guest sees, as planning takes it."""
    memory = []
    for node in sorted((root / "dev/dri").glob("renderD*"), key=lambda path: int(re.sub(r"\D", "", path.name) or 0)):
        shown = text_of(root / f"sys/class/drm/{node.name}/device/mem_info_vram_total").strip()
        if shown.isdecimal():
            memory.append(f"{int(shown) // MIB}MiB")
    return memory


def answer(server: Desired, desired: Desired) -> dict[str, object]:
    """Whether a server answers now."""
    if not (UNITS / server["unit"]).exists():
        return {"ready": False, "on_processor": False}
    return await_server.answers_now(server["unit"], server["url"], desired["api_key_file"], desired["cards_asked"])
