from __future__ import annotations

import json
import threading

import pytest
import urllib3
from proxmoxer import ProxmoxAPI, ResourceException

from rocmox_lab.pve.access import tickets
from rocmox_lab.pve.node import Node
from rocmox_lab.pve.tasks import TaskFiles, TaskId
from tests.unit.rocmox_lab.pve.served import ask

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")


def wait(node: Node, upid: str) -> str:
    task = TaskId.parse(upid)
    assert task is not None
    for _ in range(2000):
        end = TaskFiles(node).end_of(task)
        if end is not None:
            return end
        threading.Event().wait(0.01)
    return "never"


def test_proxmoxer_works_with_ticket_and_token(node: Node, port: int) -> None:
    urllib3.disable_warnings()
    api = ProxmoxAPI("127.0.0.1", port=port, user="root@pam", password="root-secret-1", verify_ssl=False)
    assert api.version.get()["release"] == "8.4"
    template = "local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst"
    upid = api.nodes("pve1").lxc.post(vmid=101, ostemplate=template, rootfs="local:1", unprivileged=1, dev0="/dev/kfd")
    assert wait(node, upid) == "OK"
    assert api.nodes("pve1").tasks(upid).status.get()["exitstatus"] == "OK"
    with pytest.raises(ResourceException) as caught:
        api.nodes("pve1").lxc(101).config.put(dev1="kfd")
    assert "dev1" in caught.value.errors
    secret = api.access.users("root@pam").token("ci").post(privsep=0)["value"]
    other = ProxmoxAPI("127.0.0.1", port=port, user="root@pam", token_name="ci", token_value=secret, verify_ssl=False)
    assert other.nodes("pve1").lxc(101).config.get()["dev0"] == "/dev/kfd"
    with pytest.raises(ResourceException, match="only allowed for root@pam"):
        other.nodes("pve1").lxc(101).config.put(dev0="/dev/null")
    for client in (api, other):
        client._store["session"].close()


def test_refusals_look_like_pve_s(node: Node, port: int) -> None:
    assert ask(port, "GET", "/version")[:3] == (401, "No ticket", "")
    assert ask(port, "PATCH", "/version")[:3] == (501, "method 'PATCH' not available", "")
    cookie = {"Cookie": f"PVEAuthCookie={tickets.make_ticket(node, 'root@pam')}"}
    status, reason, text, headers = ask(port, "GET", "/nodes/pve1/foo", cookie)
    assert (status, reason) == (501, "Method 'GET /nodes/pve1/foo' not implemented")
    assert headers["Content-Type"] == "application/json;charset=UTF-8"
    assert json.loads(text)["data"] is None
    form = {**cookie, "Content-Type": "application/x-www-form-urlencoded"}
    assert ask(port, "POST", "/nodes/pve1/lxc", form, "vmid=1")[1] == "Permission denied - invalid csrf token"
    form["CSRFPreventionToken"] = tickets.make_csrf(node, "root@pam")
    assert ask(port, "DELETE", "/nodes/pve1/lxc/101", form, "purge=1")[0] == 501
    status, reason, text, _ = ask(port, "POST", "/nodes/pve1/lxc", form, "vmid=abc")
    assert (status, reason) == (400, "Parameter verification failed.")
    assert sorted(json.loads(text)["errors"]) == ["ostemplate", "vmid"]


def test_bodies_come_as_form_or_json_and_nothing_else(node: Node, port: int) -> None:
    head = {
        "Cookie": f"PVEAuthCookie={tickets.make_ticket(node, 'root@pam')}",
        "CSRFPreventionToken": tickets.make_csrf(node, "root@pam"),
    }
    as_json, as_text = {**head, "Content-Type": "application/json"}, {**head, "Content-Type": "text/plain"}
    assert ask(port, "POST", "/pools", as_json, '{"poolid": "gpu", "comment": "x"}')[0] == 200
    assert ask(port, "POST", "/pools", as_json, '{"poolid":')[1].startswith("malformed JSON string")
    assert ask(port, "POST", "/pools", as_text, "poolid=b")[0] == 506
    assert json.loads(ask(port, "GET", "/pools/gpu", head)[2])["data"]["comment"] == "x"
