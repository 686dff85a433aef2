"""Serves one HTTP connection on standard input: `python -m rocmox_lab.vm.serve FOLDER STAGE_FILE`.

QEMU starts it for every connection that the machine opens to 10.0.2.80 (`guestfwd=…-cmd:`), so there is no port on this
machine, no daemon to end, and the address is the same for every machine.
"""

from __future__ import annotations

import http.server
import io
import os
import sys
import urllib.parse
from pathlib import Path
from typing import BinaryIO

_ROOT = "/debian/pve/dists/"


def served_path(url_path: str, stage: str) -> str:
    """The path below the folder: Proxmox's index is the one of the stage. `..` is taken out by normalising."""
    path = os.path.normpath("/" + urllib.parse.unquote(urllib.parse.urlsplit(url_path).path).lstrip("/"))
    if path.startswith(_ROOT):
        return f"stages/{stage}/dists/{path.removeprefix(_ROOT)}"
    return path.lstrip("/")


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Reads from standard input, writes to standard output."""

    protocol_version = "HTTP/1.1"
    folder = Path("/nonexistent")
    stage_file = Path("/nonexistent")

    def __init__(self) -> None:
        self.rfile = io.BufferedReader(io.FileIO(0, "rb"))
        self.wfile = io.BufferedWriter(io.FileIO(1, "wb"), 1 << 16)
        self.client_address = ("10.0.2.15", 0)
        self.directory = str(self.folder)
        self.close_connection = False
        while not self.close_connection:
            self.handle_one_request()
            self.wfile.flush()

    def translate_path(self, path: str) -> str:
        return str(self.folder / served_path(path, self.stage_file.read_text(encoding="utf-8").strip()))

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        """Stages share their times, so what apt has of one says nothing about another: an index is always sent."""
        if self.path.startswith(_ROOT):
            del self.headers["If-Modified-Since"]
        return super().send_head()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        """Say nothing: standard error is QEMU's."""


def main(arguments: list[str]) -> None:
    """Serve until the other side closes."""
    _Handler.folder, _Handler.stage_file = Path(arguments[0]), Path(arguments[1])
    _Handler()


if __name__ == "__main__":
    main(sys.argv[1:])
