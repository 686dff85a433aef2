from __future__ import annotations

import asyncio
import gc
import http.client
import json
import ssl
import threading
import warnings
from collections.abc import Iterator

import pytest
import urllib3
from aiohttp import web
from proxmoxer import ProxmoxAPI, ResourceException

from rocmox.lab.pve import serve
from rocmox.lab.pve.access import tickets
from rocmox.lab.pve.api import Api
from rocmox.lab.pve.http import Server
from rocmox.lab.pve.node import Node
from rocmox.lab.pve.tasks import TaskFiles, TaskId
from rocmox.lab.pve.worker import Spawner

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")


@pytest.fixture
def port(node: Node) -> Iterator[int]:
    """A server of its own with TLS, in a thread."""
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), []

    def work() -> None:
        asyncio.set_event_loop(loop)
        runner = web.AppRunner(Server(Api(node, Spawner(node)), delay_seconds=0).application())
        loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=serve.tls_context(node))
        loop.run_until_complete(site.start())
        found.append(runner.addresses[0][1])
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.run_until_complete(asyncio.sleep(0.2))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(20)
    yield found[0]
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)
    del thread
    with warnings.catch_warnings():  # asyncio leaves TLS transports open when a client hangs up without close_notify
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def ask(
    port: int, method: str, path: str, headers: dict[str, str] | None = None, body: str | None = None
) -> tuple[int, str, str, http.client.HTTPMessage]:
    context = ssl._create_unverified_context()  # noqa: S323 - the certificate is made in this test
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=20)
    connection.request(method, f"/api2/json{path}", body=body, headers=headers or {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.reason, text, answer.headers


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
