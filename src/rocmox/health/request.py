"""Turns what the user typed into a `Context`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from rocmox.errors import UsageError
from rocmox.gpu.inventory import Passthrough, passthrough_from_json
from rocmox.health.context import Context, Identity, Service
from rocmox.machine import machine_at
from rocmox.machine.quick import quick


def context_for(
    *,
    machine_address: str,
    device_user: str | None = None,
    host_facts: str | None = None,
    vmid: int | None = None,
    services: Sequence[str] = (),
    level: int = 1,
    forced: bool = False,
) -> Context:
    """UsageError when the words do not fit together or a file cannot be read."""
    if (host_facts is None) != (vmid is None):
        raise UsageError(
            "--host-facts and --vmid belong together",
            remedy="Give the output of `rocmox gpus --json` on the node, and the VMID of this container there.",
        )
    return Context(
        machine=quick(machine_at(machine_address)),
        device_user=Identity(user=device_user) if device_user else None,
        passthrough=_passthrough(host_facts, vmid) if host_facts is not None and vmid is not None else None,
        services=tuple(map(parse_service, services)),
        level=level,
        forced=forced,
    )


def parse_service(text: str) -> Service:
    """`"llama-server=http://127.0.0.1:8080/health"`; UsageError for anything else."""
    name, equals, url = text.partition("=")
    if not (name and equals and urlsplit(url).scheme in {"http", "https"}):
        raise UsageError(f"--service {text!r}: write NAME=URL", remedy="llama-server=http://127.0.0.1:8080/health")
    return Service(name=name, url=url)


def _passthrough(host_facts: str, vmid: int) -> Passthrough:
    try:
        text = sys.stdin.read() if host_facts == "-" else Path(host_facts).read_text(encoding="utf-8")
        document = json.loads(text)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--host-facts {host_facts}: {error}", remedy="Run `rocmox gpus --json` on the node and give its output."
        ) from error
    return passthrough_from_json(document, vmid)
