"""Every call the client makes is one that Proxmox VE 8.4 and 9.2 declare, with parameters they know.

The declarations are not part of the repository; without them beside it the tests skip.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from rocmox.containers.plan.container import DesiredContainer, creation_parameters
from rocmox.containers.spec.container import ContainerSpec
from rocmox.proxmox import Node, Parameters, cluster, lxc, permissions, storage, tasks

SCHEMAS = Path(__file__).parents[4] / "shared" / "data" / "pve"
SPEC = DesiredContainer(spec=ContainerSpec(vmid=101, hostname="llm1"), template_volume_id="local:vztmpl/x")
UPID = "UPID:pve1:000004FE:0003CC6F:6AFFCA5D:vzcreate:101:root@pam:"


class Recorder:
    """Notes calls and answers something every reader accepts."""

    account_name = "vmadm@pve"

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, frozenset[str]]] = []

    def get(self, path: str, parameters: Parameters | None = None) -> Any:
        self._note("GET", path, parameters)
        if path == "/version" or path.endswith("current"):
            return {"version": "8.4.1", "status": "running"}
        if path == "/access/permissions":
            return {}
        return {"status": "stopped", "exitstatus": "WARNINGS: 1"} if path.endswith("status") else []

    def post(self, path: str, parameters: Parameters | None = None) -> str:
        return self._note("POST", path, parameters)

    def put(self, path: str, parameters: Parameters | None = None) -> str:
        return self._note("PUT", path, parameters)

    def delete(self, path: str, parameters: Parameters | None = None) -> str:
        return self._note("DELETE", path, parameters)

    def _note(self, method: str, path: str, parameters: Parameters | None) -> str:
        self.calls.append((method, path, frozenset(parameters or {})))
        return UPID


def every_call() -> list[tuple[str, str, frozenset[str]]]:
    api = Recorder()
    node = Node(api=api, name="pve1")
    cluster.read_version(api)
    cluster.read_members(api)
    cluster.vmid_is_free(api, 101)
    cluster.list_bridges(node)
    permissions.privileges_on(api, "/vms/101")
    storage.list_storages(node)
    storage.list_templates(node, "local")
    storage.list_downloadable(node)
    storage.download_template(node, storage="local", file_name="x")
    lxc.list_status(node)
    lxc.read_config(node, 101)
    lxc.status(node, 101)
    lxc.create(node, creation_parameters(SPEC) | {"features": "x", "nameserver": "x"})
    lxc.update(node, 101, changes={"dev0": "/dev/kfd,gid=1"}, delete=["dev1"], digest="0")
    lxc.grow_disk(node, 101, disk="rootfs", size_gib=2)
    lxc.start(node, 101)
    lxc.shutdown(node, 101, timeout_seconds=1)
    lxc.destroy(node, 101)
    tasks.active(node, 101)
    tasks.wait_for(node, UPID, timeout_seconds=1, clock=tasks.Clock(sleep=lambda _: None))
    return api.calls


def declared(path: str, paths: dict[str, Any]) -> str:
    """The declared path a call means; one without placeholders comes first."""
    for pattern in sorted(paths, key=lambda pattern: pattern.count("{")):
        if re.fullmatch(
            re.sub(r"\\?\{[^}]*\}", "[^/]+", re.escape(pattern).replace(r"\{", "{").replace(r"\}", "}")), path
        ):
            return pattern
    raise AssertionError(f"{path} is declared nowhere")


@pytest.mark.parametrize("version", ["8.4", "9.2"])
def test_calls_are_declared(version: str) -> None:
    file = SCHEMAS / f"apischema-{version}.json"
    if not file.exists():
        pytest.skip(f"no {file.name} beside the repository")
    paths = json.loads(file.read_text())["paths"]
    for method, path, names in every_call():
        parameters = paths[declared(path, paths)][method]["parameters"].get("properties", {})
        known = {re.sub(r"\[n\]$", "", name) for name in parameters}
        assert {re.sub(r"\d+$", "", name) for name in names} - known == set(), (method, path)
