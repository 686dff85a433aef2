from __future__ import annotations

from pathlib import Path

from rocmox_lab.pve.access import store
from rocmox_lab.pve.api import Api
from rocmox_lab.pve.node import Node, Settings
from rocmox_lab.pve.tasks import TaskFiles
from rocmox_lab.pve.worker import InlineSpawner

TEMPLATE = "local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst"


class Client:
    """Calls as root@pam (or another), tasks run on the spot."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.spawner = InlineSpawner(node)
        self.api = Api(node, self.spawner)

    def __call__(self, verb: str, path: str, /, user: str = "root@pam", **parameters: object) -> object:
        sent = {key.replace("__", "-"): str(value) for key, value in parameters.items()}
        return self.api.call(verb, path, sent, user=user).data

    def create(self, vmid: int = 101, **more: object) -> None:
        parameters = {"ostemplate": TEMPLATE, "rootfs": "local:1", "unprivileged": 1, "hostname": "gpu1", **more}
        self("POST", "/nodes/pve1/lxc", vmid=vmid, **parameters)

    def config(self, vmid: int = 101) -> dict[str, object]:
        found = self("GET", f"/nodes/pve1/lxc/{vmid}/config")
        assert isinstance(found, dict)
        return found

    @property
    def status(self) -> str:
        return self.spawner.last_status

    def log(self, upid: str) -> str:
        task = next(entry.task for entry in TaskFiles(self.node).finished() if entry.task.upid == upid)
        return TaskFiles(self.node).log_path(task).read_text(encoding="utf-8")


def make_node(root: Path, version: str = "8.4") -> Node:
    node = Node(root, settings=Settings(node="pve1", pve_version=version, runtime="fake"))
    for path in ("/dev/kfd", "/dev/dri/renderD128", "/dev/null"):
        node.path(path).parent.mkdir(parents=True, exist_ok=True)
        node.path(path).touch()
    template = node.path("/var/lib/vz/template/cache/debian-12-standard_12.12-1_amd64.tar.zst")
    template.parent.mkdir(parents=True)
    template.write_text("a template by name only", encoding="utf-8")
    with store.changing(node) as data:
        data["users"]["root@pam"]["password"] = store.hash_password("root-secret-1")
    return node
