"""An in-process Proxmox VE: the answers `rocmox.proxmox` needs, with PVE's rules for pending changes and devices."""

import hashlib
import json
from typing import Any

from rocmox.errors import ProxmoxError
from rocmox.proxmox import Parameters
from rocmox.proxmox.failures import ConfigChangedError, NotFoundError

HOT = ("net0", "hostname", "cores", "memory", "onboot", "tags")
NODE = "pve1"


class FakeContainer:
    def __init__(self, config: dict[str, str], *, running: bool = False) -> None:
        self.config = dict(config)
        self.active = dict(config)
        self.running = running
        self.raw: list[tuple[str, str]] = []

    @property
    def digest(self) -> str:
        return hashlib.sha1(json.dumps(self.config, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


class FakePve:
    """Implements the protocol `rocmox.proxmox.Api`; `changes` records every call that is no GET."""

    def __init__(self, *, version: str = "8.4.1", account_name: str = "root@pam") -> None:
        self.account_name = account_name
        self.version = version
        self.containers: dict[int, FakeContainer] = {}
        self.machines: dict[int, str] = {}
        self.templates = ["local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"]
        self.index = ["debian-12-standard_12.12-1_amd64.tar.zst", "alpine-3.20-default_20240908_amd64.tar.xz"]
        self.storages = {"local": {"type": "dir", "content": "rootdir,vztmpl,images", "avail": 100 << 30}}
        self.bridges = ["vmbr0"]
        self.devices = {"/dev/kfd", *(f"/dev/dri/{kind}" for kind in ("card0", "card1", "renderD128", "renderD129"))}
        self.active_tasks: list[dict[str, Any]] = []
        self.permissions: dict[str, dict[str, int]] = {}
        self.tasks: dict[str, str] = {}
        self.changes: list[tuple[str, str, dict[str, Any]]] = []
        self.calls = 0
        self.fail_start: dict[int, str] = {}

    def get(self, path: str, parameters: Parameters | None = None) -> Any:
        self.calls += 1
        match path.strip("/").split("/"):
            case ["version"]:
                return {"version": self.version}
            case ["cluster", "resources"]:
                return [
                    {"type": "node", "node": NODE, "status": "online"},
                    *(self._resource(vmid, "lxc") for vmid in self.containers),
                    *(self._resource(vmid, "qemu") for vmid in self.machines),
                ]
            case ["cluster", "nextid"]:
                return str((parameters or {})["vmid"])
            case ["access", "permissions"]:
                acl = str((parameters or {})["path"])
                return {acl: self.permissions.get(acl, {})}
            case ["nodes", _, *rest]:
                return self._node(rest)
        raise AssertionError(path)

    def _node(self, rest: list[str]) -> Any:
        if rest[0] == "lxc":
            return self._lxc(rest)
        if rest[0] == "tasks":
            return self._task_answers(rest)
        answers = {
            "storage": [{"storage": name, "active": 1, **values} for name, values in self.storages.items()],
            "aplinfo": [{"type": "lxc", "template": name} for name in self.index],
            "network": [{"iface": name, "type": "bridge"} for name in self.bridges],
        }
        if len(rest) == 3:
            return [{"volid": volume} for volume in self.templates if volume.startswith(f"{rest[1]}:")]
        return answers[rest[0]]

    def _lxc(self, rest: list[str]) -> Any:
        match rest:
            case ["lxc"]:
                return [
                    {"vmid": vmid, "status": "running" if found.running else "stopped"}
                    for vmid, found in self.containers.items()
                ]
            case ["lxc", vmid, "pending"]:
                return self._pending(self._container(vmid))
            case ["lxc", vmid, "config"]:
                found = self._container(vmid)
                raw = [list(line) for line in found.raw]
                return {**found.config, "digest": found.digest} | ({"lxc": raw} if raw else {})
            case ["lxc", vmid, "status", "current"]:
                return {"status": "running" if self._container(vmid).running else "stopped"}
        raise AssertionError(rest)

    def _task_answers(self, rest: list[str]) -> Any:
        match rest:
            case ["tasks"]:
                return self.active_tasks
            case ["tasks", upid, "status"]:
                return {"status": "stopped", "exitstatus": self.tasks[upid]}
            case ["tasks", upid, "log"]:
                return [{"n": 1, "t": f"log of {upid}"}]
        raise AssertionError(rest)

    def post(self, path: str, parameters: Parameters | None = None) -> Any:
        values = self._record("POST", path, parameters)
        match path.strip("/").split("/"):
            case ["nodes", _, "lxc"]:
                return self._create(values)
            case ["nodes", _, "aplinfo"]:
                self.templates.append(f"{values['storage']}:vztmpl/{values['template']}")
                return self._task("download", str(values["template"]))
            case ["nodes", _, "lxc", vmid, "status", "start"]:
                return self._start(int(vmid))
            case ["nodes", _, "lxc", vmid, "status", "shutdown"]:
                self._container(vmid).running = False
                return self._task("vzshutdown", vmid)
        raise AssertionError(path)

    def put(self, path: str, parameters: Parameters | None = None) -> Any:
        values = self._record("PUT", path, parameters)
        match path.strip("/").split("/"):
            case ["nodes", _, "lxc", vmid, "config"]:
                return self._update(self._container(vmid), values)
            case ["nodes", _, "lxc", vmid, "resize"]:
                found = self._container(vmid)
                volume = found.config["rootfs"].split(",")[0]
                found.config["rootfs"] = found.active["rootfs"] = f"{volume},size={values['size']}"
                return self._task("resize", vmid)
        raise AssertionError(path)

    def delete(self, path: str, parameters: Parameters | None = None) -> Any:
        self._record("DELETE", path, parameters)
        vmid = path.rpartition("/")[2]
        if self._container(vmid).running:
            raise ProxmoxError(f"unable to destroy CT {vmid} - container is running")
        del self.containers[int(vmid)]
        return self._task("vzdestroy", vmid)

    def _record(self, method: str, path: str, parameters: Parameters | None) -> dict[str, Any]:
        self.calls += 1
        self.changes.append((method, path, dict(parameters or {})))
        return dict(parameters or {})

    def _container(self, vmid: str) -> FakeContainer:
        if int(vmid) not in self.containers:
            raise NotFoundError(f"Configuration file 'nodes/{NODE}/lxc/{vmid}.conf' does not exist")
        return self.containers[int(vmid)]

    def _create(self, values: dict[str, Any]) -> str:
        vmid = values.pop("vmid")
        assert vmid not in self.containers
        assert values.pop("ostemplate") in self.templates
        storage, size = values["rootfs"].split(":")
        config = {key: str(value) for key, value in values.items()}
        config["rootfs"] = f"{storage}:{vmid}/vm-{vmid}-disk-0.raw,size={size}G"
        config["net0"] = f"{values['net0']},hwaddr=BC:24:11:00:00:01,type=veth"
        self.containers[vmid] = FakeContainer(config)
        return self._task("vzcreate", str(vmid))

    def _start(self, vmid: int) -> str:
        found = self.containers[vmid]
        missing = [path for path in self._device_paths(found.config) if path not in self.devices]
        if missing or vmid in self.fail_start:
            return self._task("vzstart", str(vmid), self.fail_start.get(vmid, f"Device {missing} does not exist"))
        found.active = dict(found.config)
        found.running = True
        return self._task("vzstart", str(vmid))

    def _update(self, found: FakeContainer, values: dict[str, Any]) -> None:
        if values.pop("digest") != found.digest:
            raise ConfigChangedError("detected modified configuration")
        deleted = [key for key in values.pop("delete", "").split(",") if key]
        for path in self._device_paths(values):
            if path not in self.devices:
                raise ProxmoxError(f"Device {path} does not exist")
        for key in deleted:
            found.config.pop(key, None)
        found.config |= {key: str(value) for key, value in values.items()}
        hotplug = self.version.startswith("9")
        for key in (*values, *deleted):
            added = hotplug and key.startswith("dev") and key not in found.active
            if not found.running or key in HOT or added:
                found.active.pop(key, None)
                if key in found.config:
                    found.active[key] = found.config[key]

    @staticmethod
    def _device_paths(config: dict[str, Any]) -> list[str]:
        return [str(value).split(",")[0].removeprefix("path=") for key, value in config.items() if key[:3] == "dev"]

    @staticmethod
    def _pending(found: FakeContainer) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = [{"key": "digest", "value": found.digest}]
        for key in sorted({*found.config, *found.active}):
            entry: dict[str, Any] = {"key": key}
            if key in found.active:
                entry["value"] = found.active[key]
            if key not in found.config:
                entry["delete"] = 1
            elif found.config[key] != found.active.get(key):
                entry["pending"] = found.config[key]
            entries.append(entry)
        return entries

    def _resource(self, vmid: int, kind: str) -> dict[str, Any]:
        return {"vmid": vmid, "type": kind, "node": NODE, "name": self.machines.get(vmid, "")}

    def _task(self, kind: str, identifier: str, exit_status: str = "OK") -> str:
        upid = f"UPID:{NODE}:{len(self.tasks):08X}:00000001:6AFFC9DE:{kind}:{identifier}:{self.account_name}:"
        self.tasks[upid] = exit_status
        return upid
