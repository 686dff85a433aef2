"""The lab's Proxmox VE in this process as a machine: `pvesh` is answered by its API, guests by its fake runtime."""

import contextlib
import io
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rocmox.containers.apply.journal import CreationJournal
from rocmox.containers.apply.legacy_file import config_files
from rocmox.containers.apply.run import Outcome, apply_site
from rocmox.containers.current.cards import NodeCard
from rocmox.containers.plan.site import SitePlan, plan_site
from rocmox.containers.spec.container import parse_specs
from rocmox.containers.spec.options import Options
from rocmox.machine import Completed
from rocmox.machine.local import LocalMachine
from rocmox.proxmox import Node, PveshApi
from rocmox_lab.pve.commands import pct, pvesh
from tests.unit.rocmox_lab.pve.pretended_node import make_node

from .worlds import CARDS, GROUPS

_MAPPED = ("/etc/pve", "/run/lock/lxc", "/var/lib/rocmox")
NEEDS_SUPPORT = {"storage": "local", "template": "debian-12-standard", "memory_mib": 512, "cores": 1, "disk_gib": 1}
LLM: dict[str, Any] = {"vmid": 101, "hostname": "llm1", "gpus": "all", **NEEDS_SUPPORT}
CHAT: dict[str, Any] = {"vmid": 102, "hostname": "chat1", **NEEDS_SUPPORT}


class LabNode(LocalMachine):
    """A node below a folder: absolute paths of Proxmox VE lead into it."""

    name = "ssh://root@pve1"

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, version: str = "8.4") -> None:
        super().__init__("/")
        self.pve = make_node(folder, version)
        self.calls: list[tuple[str, ...]] = []
        self.set_devices(0, 1)
        for path in ("/etc/pve/nodes/pve1", "/run/lock/lxc"):
            self.pve.path(path).mkdir(parents=True, exist_ok=True)
        interfaces = self.pve.path("/etc/network/interfaces")
        interfaces.parent.mkdir(parents=True, exist_ok=True)
        interfaces.write_text("auto vmbr0\niface vmbr0 inet manual\n\tbridge-ports none\n", encoding="utf-8")
        self.set_environment(monkeypatch)

    def set_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Lets PVE's commands find the node below the folder."""
        monkeypatch.setenv("ROCMOX_LAB_ROOT", str(self.pve.root))
        monkeypatch.setenv("ROCMOX_LAB_NODE", "pve1")
        monkeypatch.setenv("ROCMOX_LAB_RUNTIME", "fake")
        monkeypatch.setenv("ROCMOX_LAB_PVE_VERSION", self.pve.version)

    def set_devices(self, *numbers: int) -> None:
        """The cards the node has now."""
        folder = self.pve.path("/dev/dri")
        folder.mkdir(exist_ok=True)
        for found in folder.iterdir():
            found.unlink()
        for number in numbers:
            (folder / f"card{number}").touch()
            (folder / f"renderD{128 + number}").touch()

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        timeout_seconds: float = 60,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        if argv[3:4] == ["pvesh"]:
            return self._pvesh(list(argv[4:]))
        if argv[0] == "pct":
            return self._command(pct, list(argv[1:]))
        if argv[0] == "stat":
            return Completed(argv=tuple(argv), exit_status=0, stdout="eb\n", stderr="")
        return super().run(
            [self._map(word) for word in argv], stdin=stdin, timeout_seconds=timeout_seconds, environment=environment
        )

    def read_bytes(self, path: str) -> bytes:
        return Path(self._map(path)).read_bytes()

    def config_path(self, vmid: int) -> Path:
        return self.pve.path(f"/etc/pve/nodes/pve1/lxc/{vmid}.conf")

    def config(self, vmid: int) -> str:
        return self.config_path(vmid).read_text(encoding="utf-8")

    @property
    def changes(self) -> list[str]:
        """Calls that are no reading, as `create /101/status/start`."""
        return [f"{verb} {path.partition('/lxc')[2]}" for verb, path, *_ in self.calls if verb != "get"]

    def _pvesh(self, words: list[str]) -> Completed:
        return self._command(pvesh, words)

    def _command(self, program: ModuleType, words: list[str]) -> Completed:
        self.calls.append(tuple(words))
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = program.main(words)
        return Completed(
            argv=tuple(words),
            exit_status=254 if status == 255 else status,
            stdout=out.getvalue(),
            stderr=err.getvalue(),
        )

    def _map(self, word: str) -> str:
        for path in _MAPPED:
            word = word.replace(path, str(self.pve.path(path)))
        return word


def node_of(lab: LabNode) -> Node:
    return Node(api=PveshApi(lab), name="pve1")


def plan(lab: LabNode, *entries: dict[str, Any], cards: tuple[NodeCard, ...] = CARDS, **options: Any) -> SitePlan:
    groups = {int(entry["vmid"]): GROUPS for entry in entries}
    specs = parse_specs(list(entries))
    return plan_site(node_of(lab), specs, cards, groups, Options(**options), journal=CreationJournal(lab))


def carry_out(lab: LabNode, site: SitePlan) -> Outcome:
    files, journal = config_files(site, lab), CreationJournal(lab)
    return apply_site(node_of(lab), site, Options(), lambda _: GROUPS, files, journal)


def lxc_lock_is_free(lab: LabNode, vmid: int) -> bool:
    lock = lab.pve.path(f"/run/lock/lxc/pve-config-{vmid}.lock")
    return subprocess.run(["flock", "--nonblock", str(lock), "true"], check=False).returncode == 0
