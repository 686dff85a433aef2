"""One ordered pair of devices: does what is copied arrive? Travels to the machine under test.

Every way of copying that llama.cpp uses is tried (ggml-cuda.cu): hipMemcpyPeer(Async) for tensors, and for the row
split hipMemcpy2DAsync with hipMemcpyDeviceToDevice (`ggml_cuda_Memcpy2DPeerAsync`), pushed by the source and pulled by
the destination.
"""

from __future__ import annotations

import ctypes
import dataclasses
import random
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from rocmox.health.probes import hip_library
from rocmox.health.probes.device_buffers import Buffer, Stream, largest_that_fits
from rocmox.health.probes.hip_library import Hip, HipError
from rocmox.health.probes.limited import Say
from rocmox.health.probes.patterns import Content, Pool, Rows

_WIDEST_ROW_BYTES = 16384  # 4096 float32
_PITCH = 2  # of the destination, in widths: every second stretch of it belongs to another card's part
_LATENCY_BYTES = 4096
_LATENCY_COPIES = 25
_MORE_TIMED_COPIES = 2

Copy = Callable[[int, Stream], None]


def row_width(length: int) -> int:
    """Bytes in a row: there are at least four rows."""
    return min(_WIDEST_ROW_BYTES, length // 4)


def ask_access(hip: Hip, source: int, destination: int, say: Say) -> dict[str, bool]:
    """Whether source and destination (`back`) say that they reach each other; where they do, it is enabled."""
    answers = {}
    for name, device, peer in (("forward", source, destination), ("back", destination, source)):
        say({"doing": f"hipDeviceCanAccessPeer of device {device} to {peer}"})
        can = ctypes.c_int(0)
        hip.call("hipDeviceCanAccessPeer", ctypes.byref(can), device, peer)
        answers[name] = bool(can.value)
        if can.value:
            say({"doing": f"hipDeviceEnablePeerAccess of device {device} to {peer}"})
            hip.call("hipSetDevice", device)
            status = hip.status("hipDeviceEnablePeerAccess", peer, 0)
            if status not in {hip_library.SUCCESS, hip_library.ALREADY_ENABLED}:
                raise HipError("hipDeviceEnablePeerAccess", status, hip.error_name(status))
    say({"access": answers})
    return answers


def try_pair(hip: Hip, question: dict[str, Any], say: Say) -> None:
    """Says access, room, one `copy` for each size and way, `control`, `latency`; stops at the first wrong copy."""
    devices = (question["source"], question["destination"])
    access = ask_access(hip, *devices, say)
    if not access["forward"]:
        return
    say({"doing": "hipMalloc"})
    rows_bytes = question["rows_bytes"]
    lengths = [(size, max(size, _PITCH * min(size, rows_bytes))) for size in reversed(question["sizes"])]
    source, destination = largest_that_fits(hip, devices, lengths)
    say({"room": source.length})
    streams = {"push": Stream(hip, devices[0])} | ({"pull": Stream(hip, devices[1])} if access["back"] else {})
    test = PairTest(hip=hip, source=source, destination=destination, streams=streams, pool=Pool(source.length), say=say)
    sizes = [size for size in question["sizes"] for _ in range(question["repeats"]) if size <= source.length]
    if all(test.try_size(size, rows_bytes=rows_bytes) for size in sizes):
        test.measure_latency()
    source.free()
    destination.free()
    for stream in streams.values():
        stream.destroy()


@dataclasses.dataclass(kw_only=True)
class PairTest:
    """The buffers and streams of one pair: `push` is the source's stream, `pull` the destination's."""

    hip: Hip
    source: Buffer
    destination: Buffer
    streams: dict[str, Stream]
    pool: Pool
    say: Say
    controlled: bool = False

    def try_size(self, size: int, *, rows_bytes: int) -> bool:
        """Every way at one size, and the source read again; False when something is wrong."""
        content = self.pool.linear(size)
        self.say({"doing": "hipMemcpy to the source"})
        self.source.fill(content, stale=False)
        spread = Rows(source=content, width=row_width(size), pitch=row_width(size) * _PITCH)
        for name, way, copy in self._copies(size, rows_bytes):
            if not self._arrives(name, way, copy, spread if name == "rows" else content):
                self._source_is_kept(content)
                return False
        return self._source_is_kept(content)

    def measure_latency(self) -> None:
        """Small copies one after another, each waited for."""
        self.say({"doing": "small copies one after another"})
        stream, seconds = self.streams["push"], []
        for _ in range(_LATENCY_COPIES):
            started = time.monotonic()
            self._peer_async(min(_LATENCY_BYTES, self.source.length), stream)
            self.hip.call("hipStreamSynchronize", stream.handle)
            seconds.append(time.monotonic() - started)
        self.say({"latency_seconds": statistics.median(seconds)})

    def _source_is_kept(self, content: Content) -> bool:
        kept = self.source.compare(content)
        if kept.wrong:
            self.say({"source_changed": kept.as_answer()})
        return not kept.wrong

    def _copies(self, size: int, rows_bytes: int) -> Iterator[tuple[str, str, Copy]]:
        """Name, way and function; those of more than `rows_bytes` are copied in one piece alone."""
        if size <= rows_bytes:
            yield "peer", "push", self._peer
        for way in self.streams:
            yield "peer_async", way, self._peer_async
            if size <= rows_bytes:
                yield "rows", way, self._rows

    def _arrives(self, name: str, way: str, copy: Copy, expected: Content) -> bool:
        size, stream = expected.payload, self.streams[way]
        self.say({"doing": f"{name} {way} of {size} bytes"})
        self.destination.fill(expected, stale=True)
        seconds = _timed(copy, size, stream)
        difference = self.destination.compare(expected)
        if not difference.wrong and name == "peer_async" and size == self.source.length:
            seconds = min(seconds, *(_timed(copy, size, stream) for _ in range(_MORE_TIMED_COPIES)))
        self.say({"copy": name, "way": way, "bytes": size, "seconds": seconds, "difference": difference.as_answer()})
        if not difference.wrong and not self.controlled:
            self._control(expected)
        return not difference.wrong

    def _control(self, expected: Content) -> None:
        """One byte is changed on the device: the comparison must see it, exactly there."""
        offset = random.SystemRandom().randrange(expected.length)
        self.destination.flip(offset)
        difference = self.destination.compare(expected)
        self.controlled = True
        self.say({"control": difference.wrong == 1 and difference.first == offset})

    def _addresses(self) -> tuple[int, int, int, int]:
        return (self.destination.address, self.destination.device, self.source.address, self.source.device)

    def _peer(self, length: int, stream: Stream) -> None:
        self.hip.call("hipSetDevice", stream.device)
        self.hip.call("hipMemcpyPeer", *self._addresses(), length)

    def _peer_async(self, length: int, stream: Stream) -> None:
        self.hip.call("hipSetDevice", stream.device)
        self.hip.call("hipMemcpyPeerAsync", *self._addresses(), length, stream.handle)

    def _rows(self, length: int, stream: Stream) -> None:
        """Dense rows into a wider matrix, as the row split gathers its parts."""
        width = row_width(length)
        areas = (self.destination.address, width * _PITCH, self.source.address, width, width, length // width)
        self.hip.call("hipSetDevice", stream.device)
        self.hip.call("hipMemcpy2DAsync", *areas, hip_library.BETWEEN_DEVICES, stream.handle)


def _timed(copy: Copy, length: int, stream: Stream) -> float:
    """Seconds until the copy is done."""
    stream.begin()
    copy(length, stream)
    return stream.end()
