"""The number KFD gives a card: a CRC-16 over what identifies it (kfd_generate_gpu_id, lib/crc16.c)."""

from __future__ import annotations

import struct

from rocmox_lab.gpus.profiles import Card

_POLYNOMIAL = 0xA001


def gpu_id(card: Card) -> int:
    """devfn, subsystem, domain, device, bus, memory size and partition, hashed to 16 bits."""
    function, domain, partition = 0, 0, 1 << 16
    words = (
        function,
        0x1002 | card.model.subsystem_id << 16,
        domain,
        card.model.device_id,
        card.first_bus + 2,
        card.model.vram_bytes & 0xFFFFFFFF,
        card.model.vram_bytes >> 32,
        partition,
    )
    return crc16(struct.pack("<8I", *words))


def crc16(data: bytes) -> int:
    """CRC-16 with polynomial 0x8005, reflected, starting at 0, as in the kernel."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
    return value
