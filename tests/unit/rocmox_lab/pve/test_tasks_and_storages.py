from __future__ import annotations

import hashlib
import json
import os
import signal
import time

import pytest

from rocmox_lab.pve.answers import AnswerError
from rocmox_lab.pve.node import Node
from rocmox_lab.pve.tasks import TaskFiles, TaskId
from rocmox_lab.pve.worker import WORKERS, ProcessSpawner, Spawner, Worker, run
from tests.unit.rocmox_lab.pve.pretended_node import TEMPLATE, Client, make_node

STORAGE = "/nodes/pve1/storage/local"


def test_a_upid_is_taken_apart_and_a_token_stands_beside_its_user() -> None:
    task = TaskId.parse("UPID:pve:000004FE:0003CC6F:6AFFCA5D:vzcreate:100:root@pam!full:")
    assert task is not None
    shown = task.shown()
    assert (shown["pid"], shown["id"], shown["user"], shown["tokenid"]) == (1278, "100", "root@pam", "full")
    assert TaskId.parse("nonsense") is None


def test_running_tasks_are_seen_and_dead_ones_closed(node: Node) -> None:
    files = TaskFiles(node)
    alive, dead = files.begin("vzstart", "101", "root@pam"), files.begin("vzstop", "102", "root@pam")
    files.activate(alive, os.getpid())
    files.activate(dead, 2**22 - 1)
    assert [task.upid for task in files.active()] == [alive.upid]
    assert files.end_of(alive) is None
    assert files.end_of(dead) == "unexpected status"
    files.finish(alive, "WARNINGS: 2")
    newest = next(files.finished())
    assert (newest.status, newest.failed) == ("WARNINGS: 2", False)
    assert files.log_path(alive).read_text(encoding="utf-8") == "TASK WARNINGS: 2\n"


def test_a_worker_that_breaks_is_a_failed_task(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_job: Worker) -> None:
        message = "no idea"
        raise ValueError(message)

    def warning(job: Worker) -> None:
        job.warn("careful")

    monkeypatch.setitem(WORKERS, "vzbroken", broken)
    monkeypatch.setitem(WORKERS, "vzwarning", warning)
    spawner = Spawner(node)
    for kind, status in (("vzbroken", "ValueError: no idea"), ("vzwarning", "WARNINGS: 1")):
        task = spawner.files.begin(kind, "1", "root@pam")
        assert run(spawner.job(task, "root@pam", {})) == status


def test_task_lists_obey_their_filters(client: Client) -> None:
    client.create()
    client("POST", "/nodes/pve1/lxc/101/status/start")
    client.create(vmid=102, ostemplate="local:vztmpl/none.tar.zst")
    failed = client("GET", "/nodes/pve1/tasks", errors=1)
    assert isinstance(failed, list)
    assert [row["id"] for row in failed] == ["102"]
    starts = client("GET", "/nodes/pve1/tasks", typefilter="vzstart", vmid=101)
    assert isinstance(starts, list)
    assert [row["type"] for row in starts] == ["vzstart"]
    log = client("GET", f"/nodes/pve1/tasks/{starts[0]['upid']}/log")
    assert log == [{"n": 1, "t": "TASK OK"}]


def test_a_missing_log_has_the_shape_of_its_version(client: Client, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = "/nodes/pve1/tasks/UPID:pve1:00000001:00000002:6AFFC999:vzstart:100:root@pam:/log"
    assert isinstance(client("GET", path), dict)
    assert isinstance(Client(make_node(tmp_path_factory.mktemp("modern"), "9.2"))("GET", path), list)


def test_storages_are_added_listed_and_removed(client: Client) -> None:
    client("POST", "/storage", storage="data", type="dir", path="/srv/data", content="rootdir")
    with pytest.raises(AnswerError, match="already defined"):
        client("POST", "/storage", storage="data", type="dir", path="/srv/data")
    client.create(rootfs="data:1")
    assert client.config()["rootfs"] == "data:101/vm-101-disk-0.raw,size=1G"
    client("PUT", "/storage/data", disable=1)
    with pytest.raises(AnswerError, match="storage 'data' is disabled"):
        client.create(vmid=102, rootfs="data:1")
    client("DELETE", "/storage/data")
    with pytest.raises(AnswerError, match="does not exist"):
        client("GET", "/storage/data")


def test_a_volume_is_allocated_listed_and_freed(client: Client) -> None:
    volid = client("POST", f"{STORAGE}/content", vmid=100, filename="vm-100-disk-9.raw", size="16M", format="raw")
    assert volid == "local:100/vm-100-disk-9.raw"
    listed = client("GET", f"{STORAGE}/content", vmid=100)
    assert isinstance(listed, list)
    assert [row["volid"] for row in listed] == [volid]
    upid = str(client("DELETE", f"{STORAGE}/content/{volid}"))
    assert client.log(upid) == "Removed volume 'local:100/vm-100-disk-9.raw'\nTASK OK\n"


def test_a_download_is_held_to_its_checksum(client: Client) -> None:
    source = client.node.root / "source.tar.zst"
    source.write_bytes(b"template")
    wanted = hashlib.sha512(b"template").hexdigest()
    entry = {"template": "debian-13-standard_13.1-2_amd64.tar.zst", "location": source.as_uri(), "sha512sum": "0" * 128}
    client.node.write("/etc/rocmox-lab/aplinfo.json", json.dumps([entry]))
    client("POST", "/nodes/pve1/aplinfo", storage="local", template=entry["template"])
    assert client.status.startswith("checksum mismatch: got '")
    target = client.node.path(f"/var/lib/vz/template/cache/{entry['template']}")
    assert list(target.parent.glob(f"{target.name}*")) == []
    client.node.write("/etc/rocmox-lab/aplinfo.json", json.dumps([{**entry, "sha512sum": wanted}]))
    client("POST", "/nodes/pve1/aplinfo", storage="local", template=entry["template"])
    assert client.status == "OK"
    assert target.read_bytes() == b"template"


def test_the_index_knows_pve_s_templates_and_refuses_others(client: Client) -> None:
    found = client("GET", "/nodes/pve1/aplinfo")
    assert isinstance(found, list)
    assert any(row["template"].startswith("ubuntu-24.04-standard_") for row in found)
    with pytest.raises(AnswerError) as caught:
        client("POST", "/nodes/pve1/aplinfo", storage="local", template="nope")
    assert caught.value.errors == {"template": "no such template"}


def test_a_signal_ends_a_task_as_an_error(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WORKERS, "vzsignal", lambda _job: signal.raise_signal(signal.SIGTERM))
    spawner = Spawner(node)
    task = spawner.files.begin("vzsignal", "1", "root@pam")
    assert run(spawner.job(task, "root@pam", {})) == "received interrupt"


def test_a_task_runs_as_a_process_of_its_own(client: Client) -> None:
    spawner = ProcessSpawner(client.node)
    parameters = {"vmid": "101", "ostemplate": TEMPLATE, "rootfs": "local:1", "unprivileged": "1"}
    upid = spawner.start("root@pam", "vzcreate", "101", {"parameters": parameters})
    task = TaskId.parse(upid)
    assert task is not None
    assert task.pid != os.getpid()
    for _ in range(600):
        if spawner.files.end_of(task) is not None:
            break
        time.sleep(0.05)
    assert spawner.files.end_of(task) == "OK"
    assert client.config()["hostname"] == "CT101"


def test_a_new_bridge_waits_until_it_is_applied(client: Client) -> None:
    client.node.write("/etc/network/interfaces", "auto vmbr0\niface vmbr0 inet static\n\taddress 10.0.0.1/24\n")
    client.node.path("/sys/class/net/eth0").mkdir(parents=True)
    client("POST", "/nodes/pve1/network", iface="vmbr1", type="bridge", cidr="10.1.0.1/24", autostart=1)
    found = client("GET", "/nodes/pve1/network")
    assert isinstance(found, list)
    assert {row["iface"]: row["type"] for row in found} == {"eth0": "eth", "vmbr0": "bridge", "vmbr1": "bridge"}
    assert all("priority" in row for row in found)
    client("DELETE", "/nodes/pve1/network")
    bridges = client("GET", "/nodes/pve1/network", type="any_bridge")
    assert isinstance(bridges, list)
    assert [row["iface"] for row in bridges] == ["vmbr0"]
