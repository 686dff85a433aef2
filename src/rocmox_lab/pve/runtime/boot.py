"""Guests with the node: `python3 -m rocmox_lab.pve.runtime.boot start|stop|again VMID` (pve-guests.service).

`start` brings up the guests with `onboot: 1` in their configured order, `stop` shuts all running ones down in the
opposite order, `again` starts one guest anew after it rebooted itself.
"""

from __future__ import annotations

import dataclasses
import os
import re
import sys
import time
from pathlib import Path

from rocmox.machine import LocalMachine
from rocmox_lab.pve.runtime import guest_file, lifecycle, liveness
from rocmox_lab.pve.runtime.layout import Layout
from rocmox_lab.pve.runtime_protocol import RuntimeFailedError

_LAST = 1 << 31
_DEFAULT_DOWN_SECONDS, _START_SECONDS, _GONE_SECONDS = 60, 120, 30
_PCT = "/usr/sbin/pct"


@dataclasses.dataclass(frozen=True, kw_only=True)
class StartOrder:
    """When a guest starts with its node, and how long the next one waits."""

    vmid: int
    onboot: bool
    order: int = _LAST
    up_seconds: int = 0
    down_seconds: int = _DEFAULT_DOWN_SECONDS


def parse(vmid: int, config: str) -> StartOrder:
    """`onboot` and `startup` of a guest's configuration, snapshots left out. Pure."""
    current = re.split(r"^\[", config, maxsplit=1, flags=re.MULTILINE)[0]
    values = dict(re.findall(r"^(onboot|startup):\s*(\S+)", current, flags=re.MULTILINE))
    startup = {"order": _LAST, "up": 0, "down": _DEFAULT_DOWN_SECONDS}
    for part in values.get("startup", "").split(","):
        key, _, value = part.rpartition("=")
        if value.isdigit():
            startup[key or "order"] = int(value)
    return StartOrder(
        vmid=vmid,
        onboot=values.get("onboot") == "1",
        order=startup["order"],
        up_seconds=startup["up"],
        down_seconds=startup["down"],
    )


def orders(folder: Path = Path("/etc/pve/lxc")) -> list[StartOrder]:
    """All guests of this node, first to start first."""
    found = [parse(int(path.stem), path.read_text()) for path in folder.glob("*.conf") if path.stem.isdigit()]
    return sorted(found, key=lambda each: (each.order, each.vmid))


def start_all(layout: Layout) -> int:
    """Number of guests that did not start; each reason is printed."""
    failed = 0
    for each in orders():
        if not each.onboot or each.vmid in liveness.running_vmids(layout):
            continue
        done = LocalMachine().run([_PCT, "start", str(each.vmid)], timeout_seconds=_START_SECONDS)
        print(f"CT {each.vmid}: {'started' if done.exit_status == 0 else done.stderr.strip()}")
        failed += done.exit_status != 0
        time.sleep(each.up_seconds)
    return failed


def stop_all(layout: Layout) -> None:
    """Shut down, and kill what does not obey in time."""
    known = {each.vmid: each for each in orders()}
    running = liveness.running_vmids(layout)
    for each in sorted(known.values(), key=lambda order: (order.order, order.vmid), reverse=True):
        if each.vmid in running:
            _take_down(each.vmid, layout, each.down_seconds)
    for vmid in running - known.keys():
        _take_down(vmid, layout, _DEFAULT_DOWN_SECONDS)


def start_again(vmid: int, layout: Layout) -> int:
    """Start after a reboot from within, through `pct` where the node has it: pending changes apply."""
    liveness.wait_until_down(layout, vmid, timeout_seconds=_GONE_SECONDS)
    if os.access(_PCT, os.X_OK):
        return LocalMachine().run([_PCT, "start", str(vmid)], timeout_seconds=_START_SECONDS).exit_status
    lifecycle.start(guest_file.load(layout.guest_file(vmid)), layout, print)
    return 0


def _take_down(vmid: int, layout: Layout, down_seconds: int) -> None:
    try:
        if not lifecycle.shutdown(vmid, layout, timeout_seconds=down_seconds):
            lifecycle.stop(vmid, layout)
        print(f"CT {vmid}: stopped")
    except RuntimeFailedError as error:
        print(f"CT {vmid}: {error}")


def main(arguments: list[str]) -> int:
    """Exit status: 0, or 1 when a guest did not start."""
    layout = Layout()
    if arguments[0] == "stop":
        stop_all(layout)
        return 0
    if arguments[0] == "again":
        return start_again(int(arguments[1]), layout)
    return 1 if start_all(layout) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
