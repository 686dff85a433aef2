#!/usr/bin/python3
"""Stands in for a llama-server built for HIP in a guest without a card; the word in /opt/llama.cpp/stand-in says which.

`older`: up to b5904, rocBLAS before version 4 aborts whatever is asked. `newer`: lists no device, and serves from the
processor (`/health` for all, `/props` for the key).
"""

import http.server
import os
import sys
from pathlib import Path


def option(name: str) -> str:
    """The argument after `name`."""
    return sys.argv[sys.argv.index(name) + 1]


class Handler(http.server.BaseHTTPRequestHandler):
    """llama-server's answers as far as readiness asks for them."""

    def do_GET(self) -> None:
        """200, or 401 without the key."""
        key = Path(option("--api-key-file")).read_text(encoding="utf-8").strip()
        opened = self.path == "/health" or self.headers["Authorization"] == f"Bearer {key}"
        self.send_response(200 if opened else 401)
        self.end_headers()


if Path("/opt/llama.cpp/stand-in").read_text(encoding="utf-8").strip() == "older":
    print("\nrocBLAS error: Could not initialize Tensile host: No devices found", file=sys.stderr, flush=True)
    os.abort()
print("ggml_cuda_init: failed to initialize ROCm: no ROCm-capable device is detected", file=sys.stderr, flush=True)
if "--list-devices" in sys.argv:
    print("Available devices:")
    sys.exit()
http.server.ThreadingHTTPServer((option("--host"), int(option("--port"))), Handler).serve_forever()
