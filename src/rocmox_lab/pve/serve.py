"""Start the API server: `python -m rocmox_lab.pve.serve [--root DIR] [--port 8006] …` (rocmox-lab-api.service)."""

from __future__ import annotations

import argparse
import dataclasses
import os
import ssl
import subprocess
from pathlib import Path

from aiohttp import web

from rocmox_lab.pve.api import Api
from rocmox_lab.pve.host import fingerprint
from rocmox_lab.pve.http import Server
from rocmox_lab.pve.node import Node, Settings
from rocmox_lab.pve.worker import ProcessSpawner, Spawner

CERTIFICATE, KEY = "/etc/pve/local/pve-ssl.pem", "/etc/pve/local/pve-ssl.key"
DEFAULT_PORT = 8006
_LAST_ANSWERS_SECONDS = 3  # a call that is held by a fault must not hold up a reboot


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Options; none is needed on a node."""
    parser = argparse.ArgumentParser(prog="python -m rocmox_lab.pve.serve", description="Proxmox VE's API, the lab's.")
    parser.add_argument("--root", default=os.environ.get("ROCMOX_LAB_ROOT", "/"), help="tree that holds etc, var, run")
    parser.add_argument("--host", default=None, help="address to listen on; default all")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--plain", action="store_true", help="HTTP instead of HTTPS")
    parser.add_argument("--fake-runtime", action="store_true", help="no containers: states on disk only")
    parser.add_argument("--node", default=None, help="node name, when no settings file gives one")
    parser.add_argument("--pve", default=None, choices=("8.4", "9.2"))
    parser.add_argument("--delay", type=float, default=3.0, help="seconds a 401 takes")
    parser.add_argument("--threads", action="store_true", help="run tasks in threads of the server")
    return parser.parse_args(argv)


def make_node(options: argparse.Namespace) -> Node:
    """The node the options describe."""
    settings = Settings.read(Path(options.root))
    changes = {"node": options.node, "pve_version": options.pve, "runtime": "fake" if options.fake_runtime else None}
    settings = dataclasses.replace(settings, **{key: value for key, value in changes.items() if value is not None})
    return Node(options.root, settings=settings)


def tls_context(node: Node) -> ssl.SSLContext:
    """The node's certificate; a self-signed one is made when there is none."""
    certificate, key = node.path(CERTIFICATE), node.path(KEY)
    if not certificate.exists():
        certificate.parent.mkdir(parents=True, exist_ok=True)
        subject = ["-subj", f"/CN={node.name}", "-addext", f"subjectAltName=DNS:{node.name},DNS:localhost"]
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650"]
        files = ["-keyout", str(key), "-out", str(certificate)]
        subprocess.run(["openssl", "req", "-x509", *kind, *subject, *files], check=True, capture_output=True)
        key.chmod(0o640)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def main(argv: list[str] | None = None) -> int:
    """Serve until stopped."""
    options = parse(argv)
    node = make_node(options)
    spawner = Spawner(node) if options.threads else ProcessSpawner(node)
    server = Server(Api(node, spawner), delay_seconds=options.delay)
    context = None if options.plain else tls_context(node)
    scheme = "http" if options.plain else "https"
    print(f"{scheme}://{options.host or 'localhost'}:{options.port} {fingerprint(node)}", flush=True)
    web.run_app(
        server.application(),
        host=options.host,
        port=options.port,
        ssl_context=context,
        shutdown_timeout=_LAST_ANSWERS_SECONDS,
        print=lambda *_: None,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
