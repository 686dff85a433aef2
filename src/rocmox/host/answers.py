"""Whether the models of the guests answer: one token from every server of a model, asked inside its guest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from rocmox.errors import RocmoxError
from rocmox.facts.served import Served, read_served, read_undescribed
from rocmox.machine import Machine
from rocmox.machine.container import ContainerMachine

# Runs in the guest: URL and the key's file (or nothing) are its arguments; 0 when an answer with content came.
_QUESTION = """
import json, pathlib, sys, urllib.request
headers = {"Content-Type": "application/json"}
if sys.argv[2]:
    headers["Authorization"] = "Bearer " + pathlib.Path(sys.argv[2]).read_text().split()[0]
body = json.dumps({"max_tokens": 1, "messages": [{"role": "user", "content": "Hello"}]}).encode()
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
request = urllib.request.Request(sys.argv[1] + "/chat/completions", body, headers)
choices = json.load(opener.open(request, timeout=120))["choices"]
sys.exit(0 if choices else 1)
"""
_PAUSE_SECONDS = 5


def unanswered(
    machine: Machine,
    vmids: Iterable[int],
    *,
    patience_seconds: float,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> list[str]:
    """Models that give no answer in time (a large one takes minutes to load); none where no guest serves a model."""
    deadline = now() + patience_seconds
    silent = []
    for vmid in vmids:
        guest = ContainerMachine(machine, vmid)
        try:
            every = read_served(guest)
            servers = [one for one in every if one.computes and one.api_path]
            undescribed = read_undescribed(guest, every)
        except (RocmoxError, OSError) as error:
            silent.append(f"container {vmid} cannot be looked into: {error}")
            continue
        silent += [f"container {vmid}: {unit.summary}. {unit.remedy}" for unit in undescribed if unit.computes]
        for server in servers:
            why = _ask(guest, server)
            while why and now() < deadline:
                sleep(_PAUSE_SECONDS)
                why = _ask(guest, server)
            if why:
                silent.append(f"{server.unit_name} in container {vmid} gives no answer: {why}")
    return silent


def _ask(guest: Machine, server: Served) -> str:
    url = f"{server.base_url}{server.api_path}"
    try:
        done = guest.run(["python3", "-c", _QUESTION, url, server.api_key_file], timeout_seconds=180)
    except RocmoxError as error:
        return error.message
    words = done.stderr.strip().splitlines()
    return (words[-1] if words else f"exit status {done.exit_status}") if done.exit_status else ""
