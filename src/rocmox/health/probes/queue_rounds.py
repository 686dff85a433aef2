"""Small work on one device, with queues made and thrown away. Travels to the machine under test.

No compiler is needed: hipMemsetAsync and copies within a device are the runtime's own kernels. Each stream gets a
hardware queue when it first works, and the end of the process gives all of them back: what MES answers with ADD_QUEUE
and REMOVE_QUEUE (gfx11 and later), and HWS by mapping and preempting queues (before).
"""

from __future__ import annotations

import ctypes
import time
from typing import Any

from rocmox.health.probes import hip_library
from rocmox.health.probes.device_buffers import Buffer, Stream
from rocmox.health.probes.hip_library import Hip
from rocmox.health.probes.limited import Say

_BYTES = 65536


def try_queues(hip: Hip, question: dict[str, Any], say: Say) -> None:
    """Says one `dispatch` per stream and repetition: seconds, and whether memory holds what was written."""
    device = question["device"]
    say({"doing": f"hipMalloc on device {device}"})
    buffers = [Buffer(hip, device, _BYTES) for _ in range(2)]
    for value in range(question["repeats"]):
        say({"doing": f"hipStreamCreate on device {device}"})
        streams = [Stream(hip, device) for _ in range(question["streams"])]
        for number, stream in enumerate(streams):
            _dispatch(hip, buffers, stream, (value * 16 + number + 1) % 256, say)
        say({"doing": f"hipStreamDestroy on device {device}"})
        for stream in streams:
            stream.destroy()
    for buffer in buffers:
        buffer.free()


def _dispatch(hip: Hip, buffers: list[Buffer], stream: Stream, value: int, say: Say) -> None:
    """Fill one buffer, copy it to the other, read that."""
    say({"doing": "hipMemsetAsync and a copy on the device"})
    started = time.monotonic()
    stream.begin()
    hip.call("hipMemsetAsync", buffers[0].address, value, _BYTES, stream.handle)
    addresses = (buffers[1].address, buffers[0].address)
    hip.call("hipMemcpyAsync", *addresses, _BYTES, hip_library.BETWEEN_DEVICES, stream.handle)
    stream.end()
    found = ctypes.create_string_buffer(_BYTES)
    hip.call("hipMemcpy", found, buffers[1].address, _BYTES, hip_library.TO_HOST)
    say({"dispatch": found.raw == bytes([value]) * _BYTES, "seconds": time.monotonic() - started})
