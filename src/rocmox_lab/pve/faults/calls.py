"""Orders for calls of the API: what goes over the wire instead of the answer."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from rocmox_lab.pve.answers import UnauthenticatedError
from rocmox_lab.pve.faults.orders import Order, due, standing

# What pveproxy (PVE::APIServer::AnyEvent, over AnyEvent::HTTP's pseudo codes) says in the reason phrase.
_REASONS = {
    500: "internal error ordered by rocmox lab fault",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Time-out",
    595: "Connection refused",
    596: "Connection timed out",
}
_LOOK_SECONDS = 0.1
_RESET = struct.pack("ii", 1, 0)
Answer = Callable[[], Awaitable[web.Response]]


async def answer_or_obey(
    orders: Path, request: web.Request, path: str, ticket: str, answer: Answer
) -> web.StreamResponse:
    """The answer, unless an order for this call is due."""
    order = await asyncio.get_running_loop().run_in_executor(None, due, orders, "call", f"{request.method} {path}")
    if order is None:
        return await answer()
    if order.act == "expire":
        _expire(order, ticket)
        await asyncio.sleep(1 - time.time() % 1)  # tickets count seconds: the next login gets another one
        return await answer()
    if order.act == "run":
        return await _run(order, request)
    done = await answer() if order.details["when"] == "after" else None
    if order.act == "error":
        status = int(order.details["status"])
        return web.Response(status=status, reason=_REASONS[status], headers={"Content-Length": "0"})
    if order.act == "silence":
        await _be_silent(order, request)
        return await _break_off(request, None, reset=True)
    return await _break_off(request, done, reset=order.act == "reset")


def refuse_expired(orders: Path, ticket: str) -> None:
    """UnauthenticatedError for a ticket that an order let expire."""
    for order in standing(orders, "call"):
        expired = order.beside(".tickets")
        if order.act == "expire" and expired.exists() and _digest(ticket) in expired.read_text(encoding="utf-8"):
            raise UnauthenticatedError("permission denied - invalid PVE ticket")


def _expire(order: Order, ticket: str) -> None:
    with order.beside(".tickets").open("a", encoding="utf-8") as stream:
        stream.write(_digest(ticket) + "\n")


def _digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()


async def _be_silent(order: Order, request: web.Request) -> None:
    """Until the time is up, the fault is cleared, or the client has gone."""
    deadline = time.monotonic() + float(order.details["seconds"])
    while order.stands and time.monotonic() < deadline:
        if request.transport is None or request.transport.is_closing():
            return
        await asyncio.sleep(_LOOK_SECONDS)


async def _run(order: Order, request: web.Request) -> web.StreamResponse:
    """A command on the node (a reboot) instead of the answer."""
    process = await asyncio.create_subprocess_exec(*order.details["argv"])
    await process.wait()
    await asyncio.sleep(float(order.details["seconds"]))
    return await _break_off(request, None, reset=True)


async def _break_off(request: web.Request, done: web.Response | None, *, reset: bool) -> web.StreamResponse:
    """Half of the answer when there is one, then the end of the connection: a reset, or a close in good order."""
    response = web.StreamResponse()
    transport = request.transport
    if done is not None and isinstance(done.body, bytes):
        response = web.StreamResponse(status=done.status, reason=done.reason, headers=done.headers)
        response.content_length = len(done.body)
        await response.prepare(request)
        await response.write(done.body[: len(done.body) // 2])
    if transport is not None:
        if reset:
            with contextlib.suppress(OSError):
                transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            transport.abort()
        else:
            transport.close()
    return response
