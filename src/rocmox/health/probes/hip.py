"""The probe of libamdhip64: one job in a child process with a time limit. Runs alone, on any Python 3.

The question is the first argument, in JSON: {"job": "devices" | "pair" | "crowd" | "queues", "limit_seconds": …,
"library": path or null, and what the job asks}. The answer is that of `limited.run_limited`.
"""

from __future__ import annotations

import ctypes
import json
import sys
from collections.abc import Callable
from typing import Any

from rocmox.health.probes.hip_library import Hip, HipError, LibraryMissingError, library_path, load
from rocmox.health.probes.limited import Say, run_limited
from rocmox.health.probes.peer_copies import try_pair
from rocmox.health.probes.peer_crowd import try_crowd
from rocmox.health.probes.queue_rounds import try_queues

_BUS_ID_BYTES = 64


def list_devices(hip: Hip, _question: dict[str, Any], say: Say) -> None:
    """Says `devices`: the PCI address of each, by device number."""
    say({"doing": "hipGetDeviceCount"})
    count = ctypes.c_int(0)
    hip.call("hipGetDeviceCount", ctypes.byref(count))
    addresses = []
    for device in range(count.value):
        text = ctypes.create_string_buffer(_BUS_ID_BYTES)
        hip.call("hipDeviceGetPCIBusId", text, _BUS_ID_BYTES, device)
        addresses.append(text.value.decode(errors="replace").lower())
    version = ctypes.c_int(0)
    hip.call("hipRuntimeGetVersion", ctypes.byref(version))
    say({"devices": addresses, "version": version.value})


_JOBS: dict[str, Callable[[Hip, dict[str, Any], Say], None]] = {
    "devices": list_devices,
    "pair": try_pair,
    "crowd": try_crowd,
    "queues": try_queues,
}


def main(question: dict[str, Any]) -> dict[str, Any]:
    """The whole answer; a library that is missing or refuses is an answer as well."""

    def work(say: Say) -> None:
        say({"doing": "loading libamdhip64"})
        try:
            hip = load(library_path(question))
            say({"library": hip.path})
            _JOBS[question["job"]](hip, question, say)
        except LibraryMissingError as error:
            say({"missing": str(error)})
        except HipError as error:
            say({"error": {"call": error.call, "number": error.number, "name": error.name}})

    return run_limited(work, question["limit_seconds"])


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
