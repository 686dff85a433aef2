"""`/var/log/pveproxy/access.log`: one line for each request, as PVE::APIServer::AnyEvent's log_request writes it."""

from __future__ import annotations

import time

from aiohttp import web

from rocmox_lab.pve.node import Node

PATH = "/var/log/pveproxy/access.log"
_UNAUTHORIZED = 401


class AccessLog:
    """Appends; each line opens the file, so nothing stays open behind a server that ends."""

    def __init__(self, node: Node) -> None:
        self._path = node.path(PATH)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch()

    def add(self, request: web.Request, response: web.StreamResponse, user: str) -> None:
        """`HOST - USER [TIME] "GET /api2/json/version HTTP/1.1" 200 59`; a refused caller has no name."""
        caller = user if user and response.status != _UNAUTHORIZED else "-"
        moment = time.strftime("%d/%m/%Y:%H:%M:%S %z")
        length = len(response.body) if isinstance(response, web.Response) and isinstance(response.body, bytes) else "-"
        line = f'"{request.method} {request.raw_path} HTTP/1.1" {response.status} {length}'
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(f"{request.remote or '-'} - {caller} [{moment}] {line}\n")
