"""A unit for cards in a guest whose cards have no driver says so once and stays down, or serves where that is allowed.

VMID 188 is ours. Real llama.cpp builds for HIP do the same in test_hip_build; here a stand-in prints their words.
"""

import json
import re
import shlex
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.conftest import Run, on_node, play

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]
VMID = 188
UNIT = "llama-server@one.service"
VERDICT = "no GPU is visible to ROCm in this guest"
FAILED = {"ActiveState": "failed", "NRestarts": "0", "ExecMainStatus": "69"}
LONGER_THAN_RESTART_SECONDS = 8


@pytest.fixture(scope="module")
def node(lab: dict[str, str]) -> Iterator[dict[str, str]]:
    """The lab's node with a small guest that holds /dev/kfd and a render node, both without a driver behind them."""
    listed = on_node(lab, "pveam", "list", "local")
    if "debian-13-standard" not in listed:
        found = re.search(r"debian-13-standard\S*", on_node(lab, "pveam", "available", "--section", "system"))
        assert found
        on_node(lab, "pveam", "download", "local", found[0])
        listed = on_node(lab, "pveam", "list", "local")
    template = re.search(r"\S*debian-13-standard\S*", listed)
    assert template
    words = (
        f"--hostname cardless --rootfs local:2 --unprivileged 1 --memory 512 --features nesting=1 --net0 {network(lab)}"
    )
    cards = "--dev0 /dev/kfd,mode=0666 --dev1 /dev/dri/renderD128,mode=0666"
    on_node(lab, "sh", "-c", f"pct create {VMID} {template[0]} {words} {cards} && pct start {VMID}")
    yield lab
    on_node(lab, "sh", "-c", f"pct stop {VMID}; pct destroy {VMID}")


def network(lab: dict[str, str]) -> str:
    gateway = lab["gateway"]
    return f"name=eth0,bridge=vmbr0,ip={gateway.rpartition('.')[0]}.{VMID}/24,gw={gateway}"


def serve(stand_in: str, **variables: Any) -> Run:
    """The role's unit, launcher and readiness around the stand-in."""
    wish = {
        "stand_in": stand_in,
        "proxmox_vmid": VMID,
        "llama_cpp_backend": "hip",
        "llama_cpp_rollback_to": "stand-in",
        "llama_cpp_models": [{"name": "one", "path": "/dev/null"}],
        **variables,
    }
    return play("-e", json.dumps(wish), playbook="tests/end_to_end/serve_stand_in.yml")


def in_guest(lab: dict[str, str], *argv: str) -> str:
    return on_node(lab, "pct", "exec", str(VMID), "--", *argv)


def state(lab: dict[str, str]) -> dict[str, str]:
    lines = in_guest(lab, "systemctl", "show", "-p", "ActiveState,NRestarts,ExecMainStatus", UNIT).splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize("stand_in", ["older", "newer"])
def test_it_says_so_once_and_stays_down(node: dict[str, str], stand_in: str) -> None:
    run = serve(stand_in)
    said = " ".join(run.output.split())
    assert run.exit_status != 0
    assert f"does not serve: its unit stopped: {VERDICT}." in said
    assert "/dev/kfd, /dev/dri/renderD128 are without a driver behind it (No such device or address)" in said
    assert "rocmox health" in said
    time.sleep(LONGER_THAN_RESTART_SECONDS)
    assert state(node) == FAILED
    journal = in_guest(node, "journalctl", "--boot", "--no-pager", "--unit", UNIT)
    assert journal.count(VERDICT) == {"older": 1, "newer": 2}[stand_in]


def test_without_the_guard_it_would_be_tried_again(node: dict[str, str]) -> None:
    assert serve("older").exit_status != 0
    folder = f"/run/systemd/system/{UNIT}.d"
    words = f"mkdir -p {folder} && printf '[Service]\\nRestartPreventExitStatus=\\n' > {folder}/none.conf"
    again = f"systemctl daemon-reload && systemctl reset-failed {UNIT}; systemctl start {UNIT}"
    in_guest(node, "sh", "-c", f"{words} && {again}")
    time.sleep(LONGER_THAN_RESTART_SECONDS)
    restarts = state(node)["NRestarts"]
    in_guest(node, "sh", "-c", f"rm -r {shlex.quote(folder)} && systemctl daemon-reload && systemctl stop {UNIT}")
    assert int(restarts) > 0


def test_the_processor_serves_where_that_is_allowed(node: dict[str, str]) -> None:
    older = serve("older", llama_cpp_require_gpu=False)
    assert older.exit_status != 0
    assert state(node) == FAILED
    newer = serve("newer", llama_cpp_require_gpu=False)
    assert newer.exit_status == 0, newer.output[-3000:]
    assert "it computes on the PROCESSOR" in " ".join(newer.output.split())
    assert state(node) == {"ActiveState": "active", "NRestarts": "0", "ExecMainStatus": "0"}
