"""The two Ansible modules that are compared: what each is told, as one play of a user and as bare module processes."""

import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ansible

from tests.end_to_end.conftest import BIN, ROOT, environment
from tests.end_to_end.pretended_pve import HOST, NODE, PASSWORD, TEMPLATE, PretendedPve

Task = tuple[str, list[dict[str, Any]]]
"""A module's name and its parameters: one run of the module for each."""

_COMMUNITY = "community.proxmox.proxmox"
_COLLECTIONS = Path(ansible.__file__).parents[1] / "ansible_collections"
_MODULE_FILES = {
    _COMMUNITY: _COLLECTIONS / "community/proxmox/plugins/modules/proxmox.py",
    "gpu_container": ROOT / "plugins/modules/gpu_container.py",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """What one way of doing it cost: calls as the server counted them, and seconds on the clock."""

    calls: int
    seconds: float
    changed: int
    """How many results said that something changed."""


def ours(pve: PretendedPve, vmids: Sequence[int], *, cores: int) -> list[Task]:
    """One task, whatever the number of containers."""
    containers = [
        {
            "vmid": vmid,
            "hostname": f"guest{vmid}",
            "cores": cores,
            "memory_mib": 512,
            "disk_gib": 1,
            "storage": "local",
            "template": f"local:vztmpl/{TEMPLATE}",
        }
        for vmid in vmids
    ]
    common = {"api_host": HOST, "api_port": pve.port, "api_password": PASSWORD, "api_fingerprint": pve.fingerprint}
    return [("gpu_container", [{**common, "node": NODE, "containers": containers}])]


def theirs(pve: PretendedPve, vmids: Sequence[int], *, cores: int, create: bool = False) -> list[Task]:
    """Its module knows one container, and it creates and starts in two tasks."""
    common = {"api_host": HOST, "api_port": pve.port, "api_user": "root@pam", "api_password": PASSWORD}
    common |= {"validate_certs": False, "node": NODE}
    present = [
        {
            **common,
            "vmid": vmid,
            "hostname": f"guest{vmid}",
            "cores": cores,
            "memory": 512,
            "disk": "local:1",
            "ostemplate": f"local:vztmpl/{TEMPLATE}",
            "netif": {"net0": "name=eth0,bridge=vmbr0,ip=dhcp"},
            "features": ["nesting=1"],
            "onboot": True,
            "unprivileged": True,
            "tags": ["rocmox"],
            "state": "present",
        }
        for vmid in vmids
    ]
    if create:
        started = [{**common, "vmid": vmid, "state": "started"} for vmid in vmids]
        return [(_COMMUNITY, present), (_COMMUNITY, started)]
    # Its update takes no template, and it takes a list of tags for changed whatever it says.
    fixed = ("disk", "ostemplate", "unprivileged", "tags")
    kept = [{key: value for key, value in entry.items() if key not in fixed} | {"update": True} for entry in present]
    return [(_COMMUNITY, kept)]


def as_a_play(pve: PretendedPve, tasks: Sequence[Task], folder: Path) -> Measured:
    """`ansible-playbook` with these tasks, looping where a module knows one container only."""
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "tasks": [_task(*task) for task in tasks],
    }
    play["vars"] = {"ansible_python_interpreter": sys.executable}
    playbook = folder / "play.json"
    playbook.write_text(json.dumps([play]), encoding="utf-8")

    def run() -> int:
        argv = [BIN / "ansible-playbook", "-i", "localhost,", playbook]
        quiet = {"ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.json"}
        done = subprocess.run(
            argv, cwd=ROOT, env=_environment() | quiet, stdout=subprocess.PIPE, text=True, check=False, timeout=1800
        )
        assert done.returncode == 0, done.stdout[-4000:]
        results = [task["hosts"]["localhost"] for task in json.loads(done.stdout)["plays"][0]["tasks"]]
        return sum(entry["changed"] for result in results for entry in result.get("results", [result]))

    return _measured(pve, run)


def as_modules(pve: PretendedPve, tasks: Sequence[Task], folder: Path) -> Measured:
    """The module's own process for each run, without anything of Ansible around it."""

    def run() -> int:
        return sum(_run_module(module, parameters, folder) for module, runs in tasks for parameters in runs)

    return _measured(pve, run)


def _task(module: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    if len(runs) == 1:
        return {"name": module, module: runs[0]}
    looped = {key for key in runs[0] if any(run[key] != runs[0][key] for run in runs)}
    parameters = {key: f"{{{{ item.{key} }}}}" if key in looped else value for key, value in runs[0].items()}
    return {"name": module, module: parameters, "loop": [{key: run[key] for key in looped} for run in runs]}


def _run_module(module: str, parameters: dict[str, Any], folder: Path) -> bool:
    arguments = folder / "arguments.json"
    arguments.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": parameters}), encoding="utf-8")
    argv = [sys.executable, _MODULE_FILES[module], arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=900, env=_environment())
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return bool(json.loads(done.stdout)["changed"])


def _environment() -> dict[str, str]:
    """Compiled modules are kept, as they are for every user."""
    return {key: value for key, value in environment().items() if key != "PYTHONDONTWRITEBYTECODE"}


def _measured(pve: PretendedPve, run: Callable[[], int]) -> Measured:
    calls, started = pve.calls(), time.monotonic()
    changed = run()
    seconds = time.monotonic() - started
    return Measured(calls=pve.calls() - calls, seconds=seconds, changed=changed)
