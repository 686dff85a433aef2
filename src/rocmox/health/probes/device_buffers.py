"""Buffers and streams on devices, filled and read back in chunks. Travels to the machine under test."""

from __future__ import annotations

import ctypes
import time
from typing import Any

from rocmox.health.probes import hip_library
from rocmox.health.probes.hip_library import Hip, HipError
from rocmox.health.probes.patterns import Content, Difference


class Buffer:
    """`length` bytes of a device's memory."""

    def __init__(self, hip: Hip, device: int, length: int) -> None:
        self.device = device
        self.length = length
        self._hip = hip
        pointer = ctypes.c_void_p()
        hip.call("hipSetDevice", device)
        hip.call("hipMalloc", ctypes.byref(pointer), length)
        self.address = pointer.value or 0
        self._staging: Any = None

    def free(self) -> None:
        """Give it back."""
        self._hip.call("hipFree", self.address)

    def fill(self, content: Content, *, stale: bool) -> None:
        """Write what the copy must bring, or (`stale`) what it must overwrite."""
        self._hip.call("hipSetDevice", self.device)
        for number in range(content.count):
            offset, data = content.piece(number, stale=stale)
            self._hip.call("hipMemcpy", self.address + offset, data, len(data), hip_library.TO_DEVICE)
        self._hip.call("hipDeviceSynchronize")

    def compare(self, content: Content) -> Difference:
        """Read it all back, through its own device, and compare byte by byte."""
        difference = Difference(payload=content.payload)
        self._hip.call("hipSetDevice", self.device)
        self._hip.call("hipDeviceSynchronize")
        for number in range(content.count):
            offset, fresh = content.piece(number, stale=False)
            staging = self._room(len(fresh))
            self._hip.call("hipMemcpy", staging, self.address + offset, len(fresh), hip_library.TO_HOST)
            difference.look(content, number, staging, fresh)
        return difference

    def flip(self, offset: int) -> None:
        """Change one byte."""
        self._hip.call("hipSetDevice", self.device)
        byte = self._room(1)
        self._hip.call("hipMemcpy", byte, self.address + offset, 1, hip_library.TO_HOST)
        changed = bytes([byte[0][0] ^ 0x10])
        self._hip.call("hipMemcpy", self.address + offset, changed, 1, hip_library.TO_DEVICE)

    def _room(self, length: int) -> Any:
        """A host buffer that is zeroed first, so that a read which does nothing is seen."""
        if self._staging is None or len(self._staging) < length:
            self._staging = ctypes.create_string_buffer(length)
        else:
            ctypes.memset(self._staging, 0, length)
        return self._staging


class Stream:
    """A stream of a device, with two events to time what runs on it."""

    def __init__(self, hip: Hip, device: int) -> None:
        self._hip = hip
        self.device = device
        hip.call("hipSetDevice", device)
        self.handle = ctypes.c_void_p()
        flags = hip_library.CONSTANTS["hipStreamNonBlocking"]
        hip.call("hipStreamCreateWithFlags", ctypes.byref(self.handle), flags)
        self._events = (ctypes.c_void_p(), ctypes.c_void_p())
        for event in self._events:
            hip.call("hipEventCreateWithFlags", ctypes.byref(event), hip_library.CONSTANTS["hipEventDefault"])
        self._started = 0.0

    def begin(self) -> None:
        """Start the clock."""
        self._hip.call("hipSetDevice", self.device)
        self._hip.call("hipEventRecord", self._events[0], self.handle)
        self._started = time.monotonic()

    def end(self) -> float:
        """Wait until all is done; seconds since `begin` by the device's clock, by ours where it has none."""
        self._hip.call("hipSetDevice", self.device)
        self._hip.call("hipEventRecord", self._events[1], self.handle)
        self._hip.call("hipEventSynchronize", self._events[1])
        self._hip.call("hipStreamSynchronize", self.handle)
        wall = time.monotonic() - self._started
        milliseconds = ctypes.c_float()
        self._hip.call("hipEventElapsedTime", ctypes.byref(milliseconds), *self._events)
        return milliseconds.value / 1000 if milliseconds.value > 0 else wall

    def destroy(self) -> None:
        """Give stream and events back."""
        for event in self._events:
            self._hip.call("hipEventDestroy", event)
        self._hip.call("hipStreamDestroy", self.handle)


def largest_that_fits(hip: Hip, devices: tuple[int, int], lengths: list[tuple[int, int]]) -> tuple[Buffer, Buffer]:
    """A source and a destination buffer of the first pair of lengths that both devices have room for; HipError if none.

    `lengths` goes from the largest to the smallest.
    """
    for number, (source_length, destination_length) in enumerate(lengths):
        source = None
        try:
            source = Buffer(hip, devices[0], source_length)
            return source, Buffer(hip, devices[1], destination_length)
        except HipError as error:
            if source is not None:
                source.free()
            if error.number != hip_library.OUT_OF_MEMORY or number == len(lengths) - 1:
                raise
    raise ValueError("no lengths")
