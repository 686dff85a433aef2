"""The lab's API server with TLS in a thread of the test, and one plain way to ask it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.client
import ssl
import threading
import warnings
from collections.abc import Iterator

from aiohttp import web

from rocmox_lab.pve import serve
from rocmox_lab.pve.api import Api
from rocmox_lab.pve.http import Server
from rocmox_lab.pve.node import Node
from rocmox_lab.pve.worker import Spawner


@contextlib.contextmanager
def served(node: Node) -> Iterator[int]:
    """The port of a server of its own."""
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
    with contextlib.closing(connection):
        connection.request(method, f"/api2/json{path}", body=body, headers=headers or {})
        answer = connection.getresponse()
        with answer:
            text = answer.read().decode()
    return answer.status, answer.reason, text, answer.headers
